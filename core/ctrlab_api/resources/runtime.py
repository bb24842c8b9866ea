"""`spec.runtime` and `spec.storage`: where and with what pods run; neither changes what is computed.

What would give a user the operator's rights (service accounts, host paths, privileges) has no field.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from ctrlab_api.cel import cel_rules
from ctrlab_api.schema_types import ApiModel, first_duplicate, list_map_schema

QUANTITY_PATTERN = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$"


def _quantity(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f'expected a Kubernetes quantity such as 2, "500m" or 8Gi, not {value!r:.60}')
    return str(value)


Quantity = Annotated[
    str,
    StringConstraints(pattern=QUANTITY_PATTERN, max_length=32),
    BeforeValidator(_quantity),
    Field(json_schema_extra={"x-kubernetes-int-or-string": True}),
]
"""An amount of a resource, such as 2, "500m" or 8Gi; a whole number may stand without quotes."""

LabelValue = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?)?$", max_length=63)]
"""The value of a label."""


class SecretReference(ApiModel):
    """A Secret in the experiment's namespace."""

    name: str = Field(min_length=1, max_length=253)
    """Its metadata.name."""


class EnvironmentVariable(ApiModel):
    """A variable of the worker's environment; never a secret."""

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)
    """Its name; unique."""
    value: str = Field(max_length=4096)
    """Its value, as text."""


class Resources(ApiModel):
    """Requests and limits as Kubernetes quantities, such as cpu: "2" and memory: 8Gi."""

    requests: dict[str, Quantity] | None = Field(default=None, max_length=16)
    """What a pod is scheduled with."""
    limits: dict[str, Quantity] | None = Field(default=None, max_length=16)
    """What a pod may use at most."""


class Toleration(ApiModel):
    """As in a pod's spec."""

    key: str | None = Field(default=None, max_length=316)
    """The taint's key; with operator Exists, absent means every key."""
    operator: Literal["Exists", "Equal"] | None = None
    """How the taint's value is compared (default Equal)."""
    value: LabelValue | None = None
    """The taint's value, for Equal."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """The taint's effect; absent means every effect."""
    toleration_seconds: int | None = Field(default=None, ge=0, le=2**31 - 1)
    """For NoExecute: how long a running pod stays."""


class RuntimeOverrides(ApiModel):
    """How the worker pods run; a field that is absent says nothing."""

    image: str | None = Field(default=None, max_length=512)
    """Trainer image; the operator's default unless given."""
    image_pull_secrets: tuple[SecretReference, ...] | None = Field(default=None, max_length=8)
    """Secrets with the registry's credentials."""
    resources: Resources | None = None
    """Requests and limits of each worker."""
    gpu: int | None = Field(default=None, ge=0, le=64)
    """GPUs for each worker (nvidia.com/gpu)."""
    node_selector: dict[str, LabelValue] | None = Field(default=None, max_length=32)
    """Labels that a node must have."""
    tolerations: tuple[Toleration, ...] | None = Field(default=None, max_length=32)
    """Taints that the workers bear."""
    affinity: dict[str, Any] | None = Field(
        default=None, json_schema_extra={"x-kubernetes-preserve-unknown-fields": True}
    )
    """As in a pod's spec; checked by the API server when pods are made."""
    queue_name: str | None = Field(default=None, max_length=253)
    """Kueue LocalQueue of the child Jobs."""
    priority_class_name: str | None = Field(default=None, max_length=253)
    """PriorityClass of the worker pods."""
    env: tuple[EnvironmentVariable, ...] | None = Field(
        default=None, max_length=64, json_schema_extra=list_map_schema("name")
    )
    """Variables of the workers' environment."""

    @model_validator(mode="after")
    def _distinct_variables(self) -> Self:
        twice = first_duplicate([variable.name for variable in self.env or ()])
        if twice is not None:
            raise ValueError(f"env: the name {twice!r} is given twice")
        return self


class Runtime(RuntimeOverrides):
    """How the worker pods run; on one machine only `env` is used."""

    gpu: int = Field(default=0, ge=0, le=64)
    """GPUs for each worker (nvidia.com/gpu)."""


@cel_rules(
    (
        "!has(self.secretRef) || !has(self.testSecretRef) || self.secretRef.name != self.testSecretRef.name",
        "testSecretRef must name another Secret than secretRef: tuning pods get secretRef, and the test set is sealed "
        "for them",
    )
)
class Storage(ApiModel):
    """Where results and the study live on a cluster; `ctrlab run` keeps both in its workspace instead."""

    artifacts: str | None = Field(default=None, pattern=r"^(s3|file)://.+", max_length=1024)
    """Root of the artifact store, such as s3://bucket/prefix."""
    endpoint: str | None = Field(default=None, pattern=r"^https?://.+", max_length=512)
    """Of an S3-compatible server that is not AWS."""
    region: str | None = Field(default=None, max_length=64)
    """Of the bucket."""
    secret_ref: SecretReference | None = None
    """AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; with a testSecretRef, sealed/ is to write and list alone."""
    test_secret_ref: SecretReference | None = None
    """The same keys with the right to read the sealed test rows; another Secret, given to final runs alone."""
    database_secret_ref: SecretReference | None = None
    """The key `url` holds the study database's SQLAlchemy URL."""

    @model_validator(mode="after")
    def _test_secret_is_another(self) -> Self:
        if self.secret_ref is not None and self.secret_ref == self.test_secret_ref:
            raise ValueError(
                "testSecretRef must name another Secret than secretRef: tuning pods get secretRef, and the test set is "
                "sealed for them"
            )
        return self
