"""`status` of both resources: conditions, progress as strings for printer columns, and where the report is.

Per-trial data never comes here: 20 models x 20 seeds stay below 16 KiB. Every list is sorted, and nothing changes
without a cause, so that an unchanged status is never written twice.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from ctrlab_api.schema_types import ApiModel, VariantName, list_map_schema

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


Digest = Annotated[str, StringConstraints(max_length=80)]
"""As `canonical.digest` gives it."""

DisplayNumber = Annotated[str, StringConstraints(max_length=32)]
"""A number as a printer column shows it."""


class StatusCondition(ApiModel):
    """What holds of the object, in the form of `metav1.Condition`."""

    type: str = Field(max_length=316)
    """Ready, Reconciling, Stalled, Prepared, TuningComplete, EvaluationComplete, ReportPublished, Succeeded, Failed or
    Suspended."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds; an absent condition is unknown."""
    observed_generation: int = Field(default=0, ge=0)
    """The metadata.generation that it was found for."""
    last_transition_time: str = Field(json_schema_extra={"format": "date-time"})
    """When status changed last."""
    reason: str = Field(pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$", min_length=1, max_length=1024)
    """Why, in one word for programs."""
    message: str = Field(default="", max_length=32768)
    """Why, in a sentence for people, with what to do."""


class ModelStatus(ApiModel):
    """Progress of one model or ablation variant."""

    name: VariantName
    """Of the model or variant."""
    trials_done: int = Field(default=0, ge=0)
    """Finished trials of the budget."""
    trials_failed: int = Field(default=0, ge=0)
    """Trials that ended with an error; they do not count for the budget."""
    best: DisplayNumber | None = None
    """Best validation value of the primary metric so far."""
    search_digest: Digest | None = None
    """Set when the search is frozen."""
    runs_done: int = Field(default=0, ge=0)
    """Final runs with a record."""
    runs_failed: int = Field(default=0, ge=0)
    """Final runs that cannot succeed."""


class ReportStatus(ApiModel):
    """Where the report is, and its digest."""

    uri: str = Field(max_length=2048)
    """Its folder in the artifact store."""
    digest: Digest
    """Of its manifest, which lists the digest of every file."""


class ExperimentStatus(ApiModel):
    """Written by the control loop alone."""

    observed_generation: int = Field(default=0, ge=0)
    """The metadata.generation that the rest of the status is about."""
    plan_digest: Digest | None = None
    """Set before anything runs; from then on the plan's fields of the spec cannot change."""
    dataset_digest: Digest | None = None
    """Of the encoded data set: source bytes, schema and preprocessing version."""
    search_digest: Digest | None = None
    """Over all frozen searches: the token that opens the test set."""
    stage: Stage = "Pending"
    """The phase of work; conditions say more."""
    trials: DisplayNumber | None = None
    """Finished of planned, such as 137/200."""
    best: DisplayNumber | None = None
    """Best validation value of the primary metric over all models."""
    seeds: DisplayNumber | None = None
    """Seeds finished by every model, of planned, such as 4/10."""
    seed_count: int | None = Field(default=None, ge=5)
    """Seeds of each model after the one extension, if there was one."""
    models: tuple[ModelStatus, ...] = Field(default=(), max_length=64, json_schema_extra=list_map_schema("name"))
    """Progress of each model or variant, by name."""
    report: ReportStatus | None = None
    """The newest report."""
    conditions: tuple[StatusCondition, ...] = Field(
        default=(), max_length=16, json_schema_extra=list_map_schema("type")
    )
    """What holds of the object, by type."""
