"""Which bucket and which database an experiment uses: its own `spec.storage`, or else the operator's defaults."""

from dataclasses import dataclass

from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.runtime import Storage
from ctrlab_operator.kubernetes_api.api_errors import Blocked


@dataclass(frozen=True)
class ClusterStorage:
    """`spec.storage` with nothing missing; Secrets lie in the experiment's namespace."""

    uri: str
    endpoint: str | None
    region: str | None
    secret: str
    """AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and if need be AWS_SESSION_TOKEN and ca.crt."""
    test_secret: str | None
    """The same keys, for final runs alone."""
    database_secret: str
    """url."""


def storage_of(experiment: Experiment, defaults: Storage) -> ClusterStorage:
    """Raises Blocked where neither the experiment nor the operator names what is needed.

    A Secret is always required: with the operator's own credentials any user could reach whatever it can.
    """
    own = experiment.spec.storage
    artifacts = own.artifacts or defaults.artifacts
    secret = own.secret_ref or defaults.secret_ref
    test_secret = own.test_secret_ref or defaults.test_secret_ref
    database = own.database_secret_ref or defaults.database_secret_ref
    if artifacts is None or secret is None or database is None:
        missing = {"artifacts": artifacts, "secretRef": secret, "databaseSecretRef": database}
        names = ", ".join(f"spec.storage.{name}" for name, found in missing.items() if found is None)
        raise Blocked(
            "StorageMissing",
            f"{names} must be given on this cluster; the operator was installed without a default for it",
        )
    if not artifacts.startswith("s3://"):
        raise Blocked(
            "InvalidSpec", f"spec.storage.artifacts: a cluster needs s3://bucket/prefix, not {artifacts}; correct it"
        )
    return ClusterStorage(
        uri=artifacts,
        endpoint=own.endpoint or (defaults.endpoint if own.artifacts is None else None),
        region=own.region or (defaults.region if own.artifacts is None else None),
        secret=secret.name,
        test_secret=test_secret.name if test_secret else None,
        database_secret=database.name,
    )
