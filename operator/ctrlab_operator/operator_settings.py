"""What the operator is told when it is deployed: from environment variables, which the chart sets."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from ctrlab_api.resources.runtime import SecretReference, Storage

FIELD_MANAGER = "ctrlab-operator"
"""Who owns what is written by server-side apply, and the reporting controller of Events."""


@dataclass(frozen=True)
class Settings:
    """One operator process."""

    REQUIRED: ClassVar = ("CTRLAB_TRAINER_IMAGE", "CTRLAB_OPERATOR_IMAGE")
    """Variables without which no operator can start."""

    trainer_image: str
    """Of pods that run `ctrlab_trainer`, unless the experiment names its own."""
    report_image: str
    """Of pods that run `ctrlab_report`: the operator's own image."""
    namespaces: tuple[str, ...] = ()
    """Where experiments are looked for; empty means the whole cluster."""
    own_namespace: str = "default"
    """Where the Lease lies."""
    identity: str = field(default_factory=socket.gethostname)
    """Holder of the Lease: the pod's name."""
    workers: int = 4
    """Reconciling threads."""
    poll_seconds: float = 15.0
    """How often the study of an active experiment is looked at while nothing happens."""
    resync_seconds: float = 600.0
    """How often everything is listed afresh, because a watch can miss a deletion."""
    port: int = 8080
    """Of /healthz, /readyz and /metrics."""
    job_ttl_seconds: int = 7 * 24 * 3600
    """How long finished Jobs stay, so that their pods and logs can be read."""
    image_pull_policy: str = "IfNotPresent"
    storage: Storage = field(default_factory=Storage)
    """What `spec.storage` may leave out; Secrets of these names are looked for in the experiment's namespace."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read `CTRLAB_*`; KeyError names the first variable that is required and missing."""
        names = environment.get("CTRLAB_NAMESPACES", "")
        return cls(
            trainer_image=environment["CTRLAB_TRAINER_IMAGE"],
            report_image=environment["CTRLAB_OPERATOR_IMAGE"],
            namespaces=tuple(sorted(name.strip() for name in names.split(",") if name.strip())),
            own_namespace=environment.get("CTRLAB_POD_NAMESPACE", "default"),
            identity=environment.get("CTRLAB_POD_NAME") or socket.gethostname(),
            workers=int(environment.get("CTRLAB_RECONCILE_WORKERS", "4")),
            poll_seconds=float(environment.get("CTRLAB_POLL_SECONDS", "15")),
            resync_seconds=float(environment.get("CTRLAB_RESYNC_SECONDS", "600")),
            port=int(environment.get("CTRLAB_PORT", "8080")),
            job_ttl_seconds=int(environment.get("CTRLAB_JOB_TTL_SECONDS", str(7 * 24 * 3600))),
            image_pull_policy=environment.get("CTRLAB_IMAGE_PULL_POLICY", "IfNotPresent"),
            storage=Storage(
                artifacts=environment.get("CTRLAB_DEFAULT_ARTIFACTS") or None,
                endpoint=environment.get("CTRLAB_DEFAULT_ENDPOINT") or None,
                region=environment.get("CTRLAB_DEFAULT_REGION") or None,
                secret_ref=_secret(environment, "CTRLAB_DEFAULT_STORAGE_SECRET"),
                test_secret_ref=_secret(environment, "CTRLAB_DEFAULT_TEST_SECRET"),
                database_secret_ref=_secret(environment, "CTRLAB_DEFAULT_DATABASE_SECRET"),
            ),
        )


def _secret(environment: Mapping[str, str], variable: str) -> SecretReference | None:
    name = environment.get(variable)
    return SecretReference(name=name) if name else None
