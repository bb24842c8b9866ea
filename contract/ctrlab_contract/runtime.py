"""`spec.runtime` and `spec.storage`: where and with what pods run; neither changes what is computed.

What would give a user the operator's rights (service accounts, host paths, privileges) has no field.
"""

from typing import Any

from pydantic import Field

from ctrlab_contract.base import ContractModel


class SecretReference(ContractModel):
    """A Secret in the experiment's namespace."""

    name: str = Field(max_length=253)


class EnvironmentVariable(ContractModel):
    """A variable of the worker's environment; never a secret."""

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)
    value: str = Field(max_length=4096)


class Resources(ContractModel):
    """Requests and limits as Kubernetes quantities, such as cpu: "2" and memory: 8Gi."""

    requests: dict[str, str] | None = Field(default=None, max_length=16)
    limits: dict[str, str] | None = Field(default=None, max_length=16)


class Toleration(ContractModel):
    """As in a pod's spec."""

    key: str | None = Field(default=None, max_length=316)
    operator: str | None = Field(default=None, pattern=r"^(Exists|Equal)$")
    value: str | None = Field(default=None, max_length=63)
    effect: str | None = Field(default=None, pattern=r"^(NoSchedule|PreferNoSchedule|NoExecute)$")
    toleration_seconds: int | None = Field(default=None, ge=0)


class Runtime(ContractModel):
    """How the worker pods run; on one machine only `env` is used."""

    image: str | None = Field(default=None, max_length=512)
    """Trainer image; the operator's default unless given."""
    image_pull_secrets: tuple[SecretReference, ...] | None = Field(default=None, max_length=8)
    resources: Resources | None = None
    gpu: int = Field(default=0, ge=0, le=64)
    """GPUs for each worker (nvidia.com/gpu)."""
    node_selector: dict[str, str] | None = Field(default=None, max_length=32)
    tolerations: tuple[Toleration, ...] | None = Field(default=None, max_length=32)
    affinity: dict[str, Any] | None = Field(
        default=None, json_schema_extra={"x-kubernetes-preserve-unknown-fields": True}
    )
    """As in a pod's spec; checked by the API server when pods are made."""
    queue_name: str | None = Field(default=None, max_length=253)
    """Kueue LocalQueue of the child Jobs."""
    priority_class_name: str | None = Field(default=None, max_length=253)
    env: tuple[EnvironmentVariable, ...] | None = Field(default=None, max_length=64)


class Storage(ContractModel):
    """Where results and the study live on a cluster; `ctrlab run` keeps both in its workspace instead."""

    artifacts: str | None = Field(default=None, pattern=r"^(s3|file)://.+", max_length=1024)
    """Root of the artifact store, such as s3://bucket/prefix."""
    endpoint: str | None = Field(default=None, pattern=r"^https?://.+", max_length=512)
    """Of an S3-compatible server that is not AWS."""
    region: str | None = Field(default=None, max_length=64)
    secret_ref: SecretReference | None = None
    """AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for everything but the sealed test rows."""
    test_secret_ref: SecretReference | None = None
    """The same for the sealed prefix, given to final runs alone."""
    database_secret_ref: SecretReference | None = None
    """The key `url` holds the study database's SQLAlchemy URL."""
