"""Settings of the operator process, read from the `CTRLAB_*` variables that the chart sets."""

import socket
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ctrlab_api.errors import InvalidInput, Problem
from ctrlab_api.loading.validation_problems import describe_error
from ctrlab_api.resources.runtime import Resources, SecretReference, Storage

PREFIX = "CTRLAB_"
"""A field is read from the variable with this prefix and the field's name in upper case."""

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


class _EnvironmentSettings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, use_attribute_docstrings=True
    )

    log_level: LogLevel = "INFO"
    """Level of the operator's loggers; those of libraries stay at WARNING."""

    @classmethod
    def from_environment(cls) -> Self:
        """Read the settings; InvalidInput names every variable that is missing or has an invalid value."""
        try:
            return cls()
        except ValidationError as error:
            raise InvalidInput([_problem(detail, cls) for detail in error.errors(include_url=False)]) from None


class MigrationSettings(_EnvironmentSettings):
    """Settings of the database migration."""

    database_url: str
    """URL of the study database."""


class OperatorSettings(_EnvironmentSettings):
    """Settings of one operator process."""

    trainer_image: str
    """Image of pods that run `ctrlab_trainer`, unless the experiment names another one."""
    operator_image: str
    """Image of the operator, which also runs `ctrlab_report`."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """Pull policy of worker pods."""
    namespaces: Annotated[tuple[str, ...], NoDecode] = ()
    """Watched namespaces, comma-separated in the variable; empty means the whole cluster."""
    pod_namespace: str = "default"
    """Namespace of the operator, which contains the Lease."""
    pod_name: str = Field(default_factory=socket.gethostname)
    """Name of the operator's pod, which identifies the holder of the Lease."""
    pod_uid: str | None = None
    """uid of the operator's pod, which owns the Lease."""
    reconcile_workers: int = Field(default=4, ge=1)
    """Number of reconcile threads."""
    poll_seconds: float = Field(default=15.0, gt=0)
    """Interval at which an active experiment is reconciled even if nothing changed on the cluster."""
    resync_seconds: float = Field(default=600.0, gt=0)
    """Interval at which the cache is compared with fresh lists, because a watch can miss a deletion."""
    port: int = Field(default=8080, ge=0, le=65535)
    """Port of /healthz, /readyz and /metrics; 0 selects a free port."""
    job_ttl_seconds: int = Field(default=7 * 24 * 3600, ge=0)
    """Seconds for which finished Jobs are kept, so that their pods and logs can be read."""
    default_resources: Resources = Resources(
        requests={"cpu": "250m", "memory": "512Mi"}, limits={"cpu": "4", "memory": "16Gi"}
    )
    """Resources of worker containers for what `spec.runtime.resources` does not set, as JSON; `{}` sets none."""
    default_artifacts: str | None = None
    default_endpoint: str | None = None
    default_region: str | None = None
    default_storage_secret: str | None = None
    default_test_secret: str | None = None
    default_database_secret: str | None = None

    @field_validator("namespaces", mode="before")
    @classmethod
    def _split_namespaces(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(sorted(name.strip() for name in value.split(",") if name.strip()))

    @property
    def storage_defaults(self) -> Storage:
        """Defaults for `spec.storage`; the Secrets are those of these names in the experiment's namespace."""
        return Storage(
            artifacts=self.default_artifacts,
            endpoint=self.default_endpoint,
            region=self.default_region,
            secret_ref=_secret(self.default_storage_secret),
            test_secret_ref=_secret(self.default_test_secret),
            database_secret_ref=_secret(self.default_database_secret),
        )


def variable_name(field: str) -> str:
    """Return the environment variable of a field."""
    return f"{PREFIX}{field.upper()}"


def _problem(detail: ErrorDetails, model: type[BaseSettings]) -> Problem:
    problem = describe_error(detail, model)
    return Problem(variable_name(problem.where), problem.message)


def _secret(name: str | None) -> SecretReference | None:
    return SecretReference(name=name) if name else None
