"""`status` of both resources: conditions, progress as strings for printer columns, and the location of the report.

It never contains data per trial: with 20 models and 20 seeds it stays below 16 KiB. Every list is sorted and nothing
changes without a cause, so that an unchanged status is never written twice.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from ctrlab_api.schema_types import ApiModel, FrozenList, VariantName, described_pattern, list_map_schema

Stage = Literal[
    "Pending",
    "Preparing",
    "Tuning",
    "Evaluating",
    "Deciding",
    "Extending",
    "Reporting",
    "Incomplete",
    "Succeeded",
    "Failed",
    "Suspended",
]


Digest = Annotated[str, StringConstraints(max_length=80)]
"""A digest as `canonical_json.digest` returns it."""

MAX_VERDICT_LENGTH = 1024
"""Maximum number of characters of a verdict in the status."""

DisplayNumber = Annotated[str, StringConstraints(max_length=32)]
"""A number, formatted for a printer column."""


class StatusCondition(ApiModel):
    """A condition of the object, in the form of `metav1.Condition`."""

    type: str = Field(max_length=316)
    """Ready, Reconciling, Stalled, Prepared, TuningComplete, EvaluationComplete, RunsLost, ReportPublished, Succeeded,
    Failed or Suspended."""
    status: Literal["True", "False", "Unknown"]
    """Whether the condition is true; an absent condition is unknown."""
    observed_generation: int = Field(default=0, ge=0)
    """The metadata.generation that the condition was set for."""
    last_transition_time: str = Field(json_schema_extra={"format": "date-time"})
    """Time of the last change of status."""
    reason: str = Field(
        pattern=described_pattern(r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$", "a reason in one CamelCase word"),
        min_length=1,
        max_length=1024,
    )
    """Reason of the last change, in one CamelCase word for programs."""
    message: str = Field(default="", max_length=32768)
    """Explanation for people, with what to do."""


class ModelStatus(ApiModel):
    """Progress of one model or ablation variant."""

    name: VariantName
    """Name of the model or variant."""
    trials_done: int = Field(default=0, ge=0)
    """Number of finished trials of the budget."""
    trials_failed: int = Field(default=0, ge=0)
    """Number of trials that ended with an error; they do not count towards the budget."""
    best: DisplayNumber | None = None
    """Best validation value of the primary metric so far."""
    search_digest: Digest | None = None
    """Digest of the frozen study; set when the study is frozen."""
    runs_done: int = Field(default=0, ge=0)
    """Number of final runs with a record."""
    runs_failed: int = Field(default=0, ge=0)
    """Number of final runs that cannot succeed."""


class ReportStatus(ApiModel):
    """Location and digest of a report."""

    uri: str = Field(max_length=2048)
    """Folder of the report in the artifact store."""
    digest: Digest
    """Digest of the report's manifest, which lists the digest of every file."""
    page: str | None = Field(default=None, max_length=2112)
    """URL of the report as a page, report.html."""
    verdict: str | None = Field(default=None, max_length=MAX_VERDICT_LENGTH)
    """Verdicts of the primary comparisons, such as `DeepFM vs LR: better`; those that do not fit are counted."""
    conclusion: str | None = Field(default=None, max_length=MAX_VERDICT_LENGTH)
    """The answers of the report, one sentence for each primary comparison."""


class ExperimentStatus(ApiModel):
    """Status of an experiment or ablation; only the control loop writes it."""

    observed_generation: int = Field(default=0, ge=-1)
    """The metadata.generation that the rest of the status refers to; -1 until the control loop has seen the object."""
    plan_digest: Digest | None = None
    """Digest of the plan; set before anything runs, after which the planned fields of the spec cannot change."""
    dataset_digest: Digest | None = None
    """Digest of the prepared data set: of source bytes, schema and preprocessing version."""
    search_digest: Digest | None = None
    """Digest over all frozen studies: the token that opens the test rows."""
    stage: Stage = "Pending"
    """Current phase of work, or final state; the conditions have the details."""
    trials: DisplayNumber | None = None
    """Finished and planned trials, such as 137/200."""
    best: DisplayNumber | None = None
    """Best validation value of the primary metric over all models."""
    seeds: DisplayNumber | None = None
    """Seeds that every model has finished, and planned seeds, such as 4/10."""
    seed_count: int | None = Field(default=None, ge=5)
    """Seeds of each model after the seed extension, if there was one."""
    models: FrozenList[ModelStatus] = Field(default=(), max_length=64, json_schema_extra=list_map_schema("name"))
    """Progress of each model or variant, by name."""
    report: ReportStatus | None = None
    """The newest report."""
    retry: str | None = Field(default=None, max_length=1024)
    """Value of the annotation ctrlab.dev/retry that was acted on last."""
    conditions: FrozenList[StatusCondition] = Field(
        default=(), max_length=16, json_schema_extra=list_map_schema("type")
    )
    """Conditions of the object, by type."""

    def condition(self, condition_type: str) -> StatusCondition | None:
        """Return the condition of this type, or None where it is absent."""
        return next((condition for condition in self.conditions if condition.type == condition_type), None)

    def is_true(self, *condition_types: str) -> bool:
        """Whether a condition of one of these types has status True."""
        return any(condition.type in condition_types and condition.status == "True" for condition in self.conditions)
