"""The bucket, database and Secrets of an experiment: its `spec.storage`, completed with the operator's defaults."""

from dataclasses import dataclass

from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.runtime import Storage
from ctrlab_operator.blocked import Blocked


@dataclass(frozen=True)
class ClusterStorage:
    """A complete `spec.storage`; the Secrets are in the experiment's namespace."""

    uri: str
    endpoint: str | None
    region: str | None
    storage_secret: str
    """Keys AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, optionally AWS_SESSION_TOKEN and ca.crt."""
    test_secret: str | None
    """The same keys, used by final runs only."""
    database_secret: str
    """Key url."""


def resolve_storage(experiment: Experiment, defaults: Storage) -> ClusterStorage:
    """Return the storage of an experiment; Blocked if neither the experiment nor the operator names a required field.

    A Secret is always required: with the operator's own credentials, any user could reach everything that it can.
    """
    storage = experiment.spec.storage
    artifacts = storage.artifacts or defaults.artifacts
    storage_secret = storage.secret_ref or defaults.secret_ref
    test_secret = storage.test_secret_ref or defaults.test_secret_ref
    database_secret = storage.database_secret_ref or defaults.database_secret_ref
    if artifacts is None or storage_secret is None or database_secret is None:
        required = {"artifacts": artifacts, "secretRef": storage_secret, "databaseSecretRef": database_secret}
        missing = ", ".join(f"spec.storage.{field}" for field, value in required.items() if value is None)
        raise Blocked(
            "StorageMissing",
            f"{missing} must be set on this cluster; the operator was installed without a default for it",
        )
    if not artifacts.startswith("s3://"):
        raise Blocked(
            "InvalidSpec", f"spec.storage.artifacts: a cluster needs s3://bucket/prefix, not {artifacts}; correct it"
        )
    return ClusterStorage(
        uri=artifacts,
        endpoint=storage.endpoint or (defaults.endpoint if storage.artifacts is None else None),
        region=storage.region or (defaults.region if storage.artifacts is None else None),
        storage_secret=storage_secret.name,
        test_secret=test_secret.name if test_secret else None,
        database_secret=database_secret.name,
    )
