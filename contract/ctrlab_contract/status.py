"""`status` of both resources: conditions, progress as strings for printer columns, and where the report is.

Per-trial data never comes here: 20 models x 20 seeds stay below 16 KiB. Every list is sorted, and nothing changes
without a cause, so that an unchanged status is never written twice.
"""

from typing import Literal

from pydantic import Field

from ctrlab_contract.base import ContractModel

Stage = Literal[
    "Pending",
    "Preparing",
    "Tuning",
    "Evaluating",
    "Deciding",
    "Extending",
    "Reporting",
    "Succeeded",
    "Failed",
    "Suspended",
]


class StatusCondition(ContractModel):
    """`metav1.Condition`."""

    type: str = Field(max_length=316)
    status: Literal["True", "False", "Unknown"]
    observed_generation: int = Field(default=0, ge=0)
    last_transition_time: str = Field(json_schema_extra={"format": "date-time"})
    reason: str = Field(pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$", min_length=1, max_length=1024)
    message: str = Field(default="", max_length=32768)


class ModelStatus(ContractModel):
    """Progress of one model or ablation variant."""

    name: str
    trials_done: int = 0
    trials_failed: int = 0
    best: str | None = None
    """Best validation value of the primary metric so far."""
    search_digest: str | None = None
    """Set when the search is frozen."""
    runs_done: int = 0
    runs_failed: int = 0


class ReportStatus(ContractModel):
    """Where the report is, and its digest."""

    uri: str
    digest: str


class ExperimentStatus(ContractModel):
    """Written by the control loop alone."""

    observed_generation: int = 0
    plan_digest: str | None = None
    """Set before anything runs; from then on the plan's fields of the spec cannot change."""
    dataset_digest: str | None = None
    search_digest: str | None = None
    """Over all frozen searches: the token that opens the test set."""
    stage: Stage = "Pending"
    trials: str | None = None
    """Finished of planned, such as 137/200."""
    best: str | None = None
    """Best validation value of the primary metric over all models."""
    seeds: str | None = None
    """Seeds finished by every model, of planned, such as 4/10."""
    seed_count: int | None = Field(default=None, ge=5)
    """Seeds of each model after the one extension, if there was one."""
    models: tuple[ModelStatus, ...] = Field(default=(), max_length=64)
    report: ReportStatus | None = None
    conditions: tuple[StatusCondition, ...] = Field(
        default=(),
        max_length=16,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
