"""`spec.runtime` and `spec.storage`: where pods run and with which resources; neither changes what is computed.

There is no field that would give a user the operator's rights (service accounts, host paths, privileges).
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from ctrlab_api.cel import cel_rules
from ctrlab_api.schema_types import (
    MAX_INT32,
    NOT_A_SCALAR,
    ApiModel,
    FrozenList,
    described_pattern,
    first_duplicate,
    list_map_schema,
)

QUANTITY_PATTERN = described_pattern(
    r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$",
    'a Kubernetes quantity such as 2, "500m" or 8Gi, without space',
)


def _quantity(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise PydanticCustomError(NOT_A_SCALAR, 'expected a Kubernetes quantity such as 2, "500m" or 8Gi')
    return str(value)


Quantity = Annotated[
    str,
    StringConstraints(pattern=QUANTITY_PATTERN, max_length=32),
    BeforeValidator(_quantity),
    Field(json_schema_extra={"x-kubernetes-int-or-string": True}),
]
"""An amount of a resource, such as 2, "500m" or 8Gi; whole numbers need no quotes."""

LabelValue = Annotated[
    str,
    StringConstraints(
        pattern=described_pattern(
            r"^([A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?)?$",
            "the value of a Kubernetes label: letters and digits with inner hyphens, underscores and dots",
        ),
        max_length=63,
    ),
]
"""The value of a label."""


class SecretReference(ApiModel):
    """A Secret in the experiment's namespace."""

    name: str = Field(min_length=1, max_length=253)
    """The Secret's metadata.name."""


class EnvironmentVariable(ApiModel):
    """An environment variable of the workers; must not contain a secret."""

    name: str = Field(
        pattern=described_pattern(
            r"^[A-Za-z_][A-Za-z0-9_]*$", "the name of an environment variable, such as OMP_NUM_THREADS"
        ),
        max_length=128,
    )
    """Name of the variable; unique."""
    value: str = Field(max_length=4096)
    """Value of the variable, as text."""


class Resources(ApiModel):
    """Requests and limits as Kubernetes quantities, such as cpu: "2" and memory: 8Gi."""

    requests: dict[str, Quantity] | None = Field(default=None, max_length=16)
    """Resources that the scheduler reserves for a pod."""
    limits: dict[str, Quantity] | None = Field(default=None, max_length=16)
    """Maximum resources of a pod."""


class Toleration(ApiModel):
    """A toleration as in the spec of a pod."""

    key: str | None = Field(default=None, max_length=316)
    """Key of the taint; with operator Exists, an absent key matches every taint."""
    operator: Literal["Exists", "Equal"] | None = None
    """Comparison with the value of the taint (default Equal)."""
    value: LabelValue | None = None
    """Value of the taint, for operator Equal."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint; an absent effect matches every effect."""
    toleration_seconds: int | None = Field(default=None, ge=0, le=MAX_INT32)
    """Seconds that a running pod stays on a tainted node, for effect NoExecute."""


class RuntimeOverrides(ApiModel):
    """Settings of the worker pods; an absent field inherits. A change reaches running work at its next start."""

    image: str | None = Field(default=None, max_length=512)
    """Trainer image (default: the operator's setting)."""
    image_pull_secrets: FrozenList[SecretReference] | None = Field(default=None, max_length=8)
    """Secrets with credentials of the image registry."""
    resources: Resources | None = None
    """Resource requests and limits of each worker pod; what is not set has the installation's defaults. Devices, such
    as nvidia.com/mig-1g.5gb, are requested by tuning and final runs only; report pods use the limits of CPU and memory.
    """
    gpu: int | None = Field(default=None, ge=0, le=64)
    """GPUs of each worker pod (nvidia.com/gpu)."""
    node_selector: dict[str, LabelValue] | None = Field(default=None, max_length=32)
    """Labels that a node must have."""
    tolerations: FrozenList[Toleration] | None = Field(default=None, max_length=32)
    """Tolerations of the worker pods."""
    affinity: dict[str, Any] | None = Field(
        default=None, json_schema_extra={"x-kubernetes-preserve-unknown-fields": True}
    )
    """Affinity as in the spec of a pod; the API server validates it when pods are created."""
    queue_name: str | None = Field(default=None, max_length=253)
    """Kueue LocalQueue of the Jobs."""
    priority_class_name: str | None = Field(default=None, max_length=253)
    """PriorityClass of the worker pods."""
    env: FrozenList[EnvironmentVariable] | None = Field(
        default=None, max_length=64, json_schema_extra=list_map_schema("name")
    )
    """Environment variables of the workers."""

    @model_validator(mode="after")
    def _distinct_variables(self) -> Self:
        duplicate = first_duplicate([variable.name for variable in self.env or ()])
        if duplicate is not None:
            raise ValueError(f"env: the name {duplicate!r} is given twice")
        return self


class Runtime(RuntimeOverrides):
    """Settings of the worker pods; on one machine only `env` is used."""

    gpu: int = Field(default=0, ge=0, le=64)
    """GPUs of each worker pod (nvidia.com/gpu)."""


@cel_rules(
    (
        "!has(self.secretRef) || !has(self.testSecretRef) || self.secretRef.name != self.testSecretRef.name",
        "testSecretRef must name another Secret than secretRef: tuning pods get secretRef, and the test rows are "
        "sealed for them",
    )
)
class Storage(ApiModel):
    """Artifact store and study database on a cluster; `ctrlab run` keeps both in its workspace instead."""

    artifacts: str | None = Field(
        default=None,
        pattern=described_pattern(r"^(s3|file)://.+", "a URI: s3://bucket/prefix or file:///folder"),
        max_length=1024,
    )
    """Root of the artifact store, such as s3://bucket/prefix."""
    endpoint: str | None = Field(
        default=None,
        pattern=described_pattern(r"^https?://.+", "a URL: https://host:port or http://host:port"),
        max_length=512,
    )
    """Endpoint of an S3-compatible server other than AWS."""
    region: str | None = Field(default=None, max_length=64)
    """Region of the bucket."""
    secret_ref: SecretReference | None = None
    """Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; with a testSecretRef, these may only write and list
    below sealed/."""
    test_secret_ref: SecretReference | None = None
    """Secret with the same keys that may read the sealed test rows; a different Secret, used by final runs only."""
    database_secret_ref: SecretReference | None = None
    """Secret whose key `url` is the SQLAlchemy URL of the study database."""

    @model_validator(mode="after")
    def _secrets_differ(self) -> Self:
        if self.secret_ref is not None and self.secret_ref == self.test_secret_ref:
            raise ValueError(
                "testSecretRef must name another Secret than secretRef: tuning pods get secretRef, and the test rows "
                "are sealed for them"
            )
        return self
