"""`spec.tuning`, `spec.evaluation` and `spec.analysis`: the studies, the final runs, and the conclusions from them."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from ctrlab_api.cel import cel_rules
from ctrlab_api.metrics import MetricName
from ctrlab_api.schema_types import (
    LIST_SET_SCHEMA,
    MAX_FIRST_SEED,
    MAX_INT32,
    ApiModel,
    DecimalString,
    Distinct,
    Duration,
    FrozenList,
    VariantName,
    described_pattern,
    duration_seconds,
)

ExecutionMode = Literal["plain", "batched"]
"""Training of a final run: alone, or in one batch with other seeds of its model. The two modes round sums
differently, so their runs are never compared with each other."""


@cel_rules(
    ("!has(self.percentile) || self.type == 'Percentile'", "percentile is for pruner Percentile"),
    (
        "!has(self.percentile) || (double(self.percentile) > 0.0 && double(self.percentile) < 100.0)",
        "percentile must be above 0 and below 100",
    ),
    ("!has(self.patience) || self.type == 'Patient'", "patience is for pruner Patient"),
    ("!has(self.minDelta) || self.type == 'Patient'", "minDelta is for pruner Patient"),
    ("!has(self.minDelta) || double(self.minDelta) >= 0.0", "minDelta must be at least 0"),
)
class Pruner(ApiModel):
    """Early termination of unpromising trials, by the validation metric after each epoch."""

    type: Literal["Median", "Percentile", "Hyperband", "SuccessiveHalving", "Patient", "None"] = "Median"
    """Optuna's pruner. Hyperband's maximum resource is the maximum number of epochs of a trial. Patient is Median with
    patience; None disables pruning."""
    startup_trials: int = Field(default=5, ge=0, le=10_000)
    """Median, Percentile and Patient: number of first trials that are never pruned."""
    warmup_epochs: int = Field(default=1, ge=0, le=10_000)
    """Median, Percentile and Patient: epochs of a trial before it can be pruned."""
    percentile: DecimalString | None = None
    """Percentile: prune trials that are not among the best N percent at the same epoch (default 25)."""
    patience: int | None = Field(default=None, ge=1, le=10_000)
    """Patient: epochs without improvement before pruning (default 3)."""
    min_delta: DecimalString | None = None
    """Patient: minimum improvement that counts, in units of the metric (default 0)."""

    @model_validator(mode="after")
    def _fields_match_type(self) -> Self:
        type_by_field = {"percentile": "Percentile", "patience": "Patient", "min_delta": "Patient"}
        for field, pruner in type_by_field.items():
            if getattr(self, field) is not None and self.type != pruner:
                raise ValueError(f"{type(self).model_fields[field].alias} is for pruner {pruner}, not {self.type}")
        if self.percentile is not None and not 0 < float(self.percentile) < 100:
            raise ValueError(f"percentile must be above 0 and below 100, not {self.percentile}")
        if self.min_delta is not None and float(self.min_delta) < 0:
            raise ValueError(f"minDelta must be at least 0, not {self.min_delta}")
        return self


@cel_rules(
    (
        "has(self.after) || has(self.gpuTime) || has(self.noImprovement)",
        "at least one of after, gpuTime and noImprovement",
    ),
    ("!has(self.after) || self.after.matches('[1-9]')", "after must be longer than 0"),
    ("!has(self.gpuTime) || self.gpuTime.matches('[1-9]')", "gpuTime must be longer than 0"),
)
class Stop(ApiModel):
    """Rules that end a study before its budget is used; the first one that applies is recorded."""

    after: Duration | None = None
    """Time since the first trial of the study started."""
    gpu_time: Duration | None = None
    """GPU time of trials, summed over GPUs, including trials whose worker was lost."""
    no_improvement: int | None = Field(default=None, ge=1, le=10_000)
    """Number of consecutive finished trials without a new best value."""

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.after is None and self.gpu_time is None and self.no_improvement is None:
            raise ValueError("at least one of after, gpuTime and noImprovement")
        for name, duration in (("after", self.after), ("gpuTime", self.gpu_time)):
            if duration is not None and duration_seconds(duration) == 0:
                raise ValueError(f"{name} must be longer than 0, not {duration}")
        return self


class WarmStart(ApiModel):
    """An earlier experiment whose finished trials the sampler learns from; they do not count towards the budget."""

    experiment: Annotated[
        str,
        StringConstraints(
            pattern=described_pattern(
                r"^[^/ ]{1,63}/[^/ ]{1,63}/[^/ ]{1,64}$",
                "NAMESPACE/NAME/UID, the folder of a finished experiment in the store",
            ),
            max_length=192,
        ),
    ]
    """NAMESPACE/NAME/UID, its folder in the same store. It must have the same data set and primary metric."""


@cel_rules(
    ("!has(self.timeout) || self.timeout.matches('[1-9]')", "timeout must be longer than 0"),
    (
        "self.mode != 'Synchronous' || !has(self.stop) || (!has(self.stop.after) && !has(self.stop.gpuTime))",
        "a Synchronous study cannot be stopped by time: use stop.noImprovement, or mode Asynchronous",
    ),
    (
        "!has(self.warmStart) || self.sampler in ['TPE', 'GP', 'CmaEs']",
        "warmStart needs a sampler that learns from trials: TPE, GP or CmaEs",
    ),
)
class Tuning(ApiModel):
    """Hyperparameter tuning on validation data only, with the same budget for every model."""

    sampler: Literal["TPE", "Random", "Grid", "GP", "CmaEs", "QMC"] = "TPE"
    """Optuna's sampler; Grid needs a step or categorical values for every tuned parameter."""
    pruner: Pruner = Pruner()
    """Early termination of unpromising trials."""
    trials: int = Field(default=50, ge=1, le=10_000)
    """Number of finished trials of each study, exact despite crashes; may be raised until a study is frozen."""
    workers: int = Field(default=4, ge=1, le=256)
    """Number of workers (on a cluster: pods) that tune each model; may be changed at any time."""
    seed: int = Field(default=1, ge=0, le=MAX_INT32)
    """Seed of the sampler and of the training inside trials."""
    max_failed_trials: int = Field(default=10, ge=0, le=10_000)
    """Maximum number of failed trials; with more of them the study fails."""
    timeout: Duration | None = None
    """Maximum duration of a study, after which it fails."""
    mode: Literal["Asynchronous", "Synchronous"] = "Asynchronous"
    """Asynchronous: a worker starts the next trial as soon as it is idle. Synchronous: trials are sampled and reported
    in the order of slots, so that the study is reproducible."""
    stop: Stop | None = None
    """Ends a study before its budget is used; the study then counts as finished, not as failed."""
    repeats: int | None = Field(default=None, ge=1, le=100)
    """Number of independent studies of each model (default 1), each with the whole budget. The final runs use their
    best trials in rotation, so that their spread includes the variance of tuning; evaluation.seeds.count must be a
    multiple of it."""
    warm_start: WarmStart | None = None
    """Lets the sampler start with the trials of an earlier experiment."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.timeout is not None and duration_seconds(self.timeout) == 0:
            raise ValueError(f"timeout must be longer than 0, not {self.timeout}")
        if self.mode == "Synchronous" and self.stop is not None and (self.stop.after or self.stop.gpu_time):
            raise ValueError(
                "a Synchronous study cannot be stopped by time: use stop.noImprovement, or mode Asynchronous"
            )
        if self.warm_start is not None and self.sampler not in ("TPE", "GP", "CmaEs"):
            raise ValueError(f"warmStart needs a sampler that learns from trials: TPE, GP or CmaEs, not {self.sampler}")
        return self

    @property
    def study_count(self) -> int:
        """The number of independent studies of each model."""
        return self.repeats or 1


@cel_rules(("!has(self.max) || self.max >= self.count", "max must be at least count"))
class Seeds(ApiModel):
    """Seeds of the final runs: base, base + 1, ..., the same for every model."""

    count: int = Field(default=8, ge=5, le=1000)
    """Number of seeds, at least 5; from 8 on, exact tests can reach significance and the two-stage extension keeps its
    level."""
    max: int | None = Field(default=None, ge=5, le=1000)
    """Maximum number of seeds after the extension that evaluation.precision requests."""
    base: int = Field(default=2024, ge=0, le=MAX_FIRST_SEED)
    """The first seed."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max is not None and self.max < self.count:
            raise ValueError(f"max must be at least count, not {self.max} for count {self.count}")
        return self

    def values(self, count: int | None = None) -> tuple[int, ...]:
        """Return the seeds; `count` defaults to the planned number."""
        return tuple(range(self.base, self.base + (count or self.count)))


@cel_rules(("double(self.halfWidth) > 0.0", "halfWidth must be above 0"))
class Precision(ApiModel):
    """Target width of the confidence interval of a difference, from which the one seed extension is computed."""

    metric: MetricName
    """Metric of the difference; the spread of its validation values in the pilot determines the extension."""
    half_width: DecimalString
    """Half the width of the interval, in units of the metric, such as "0.0005"."""

    @model_validator(mode="after")
    def _positive(self) -> Self:
        if float(self.half_width) <= 0:
            raise ValueError(f"halfWidth must be above 0, not {self.half_width}")
        return self


@cel_rules(
    (
        "!has(self.precision) || has(self.seeds.max)",
        "precision needs seeds.max: the maximum number of seeds after the extension",
    )
)
class Evaluation(ApiModel):
    """The final runs, which start after every study is frozen."""

    seeds: Seeds = Seeds()
    """Seeds of the final runs."""
    precision: Precision | None = None
    """Enables the one seed extension, up to seeds.max."""
    seeds_per_pod: int | None = Field(default=None, ge=1, le=256)
    """Number of seeds of one model that a pod trains together as one batch (default 1: one pod per run). Larger batches
    use a GPU that a single small model leaves idle, and need proportionally more memory. It belongs to the plan because
    a batch of seeds rounds sums differently from a single seed."""

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.precision is not None and self.seeds.max is None:
            raise ValueError("precision needs seeds.max: the maximum number of seeds after the extension")
        return self

    @property
    def execution_mode(self) -> ExecutionMode:
        """The mode of every final run: batched with more than one seed per pod, even where the last batch has one."""
        return "batched" if (self.seeds_per_pod or 1) > 1 else "plain"


@cel_rules(
    ("self.primaryMetric in self.metrics", "primaryMetric must be one of metrics"),
    (
        "!(self.primaryMetric in ['pcoc', 'ece'])",
        "primaryMetric can be auc, gauc, auc_by_group, logloss, ne or brier: pcoc has no direction, and no sampling "
        "error is known for ece",
    ),
    (
        "double(self.confidence) >= 0.5 && double(self.confidence) < 1.0",
        "confidence must be at least 0.5 and below 1",
    ),
    ("!has(self.margin) || double(self.margin) > 0.0", "margin must be above 0"),
)
class Analysis(ApiModel):
    """The analysis plan, frozen before the test rows are opened."""

    primary_metric: MetricName = "auc"
    """The metric of tuning, early stopping and verdicts; not pcoc or ece."""
    metrics: Annotated[FrozenList[MetricName], Field(min_length=1, max_length=8), Distinct] = Field(
        default=("auc", "logloss"), json_schema_extra=LIST_SET_SCHEMA
    )
    """Reported metrics; gauc needs dataset.user, auc_by_group dataset.group."""
    reference: VariantName | None = None
    """Model that the others are compared with (default: the first model)."""
    compare: Literal["AgainstReference", "AllPairs"] = "AgainstReference"
    """Pairs of models that are compared."""
    confidence: DecimalString = "0.95"
    """Confidence level of the intervals, between 0.5 and 1."""
    correction: Literal["Holm", "None"] = "Holm"
    """Correction of the primary metric's p-values for multiple comparisons."""
    margin: DecimalString | None = None
    """Largest difference of the primary metric that counts as equal in practice; needed for the verdict
    `equivalent`."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.primary_metric not in self.metrics:
            raise ValueError(f"primaryMetric {self.primary_metric} must be one of metrics: {', '.join(self.metrics)}")
        if self.primary_metric in ("pcoc", "ece"):
            why = "has no direction" if self.primary_metric == "pcoc" else "has no known sampling error"
            raise ValueError(
                f"primaryMetric can be auc, gauc, auc_by_group, logloss, ne or brier, not {self.primary_metric}, which "
                f"{why}; list it under metrics only"
            )
        if not 0.5 <= float(self.confidence) < 1:
            raise ValueError(f"confidence must be at least 0.5 and below 1, not {self.confidence}")
        if self.margin is not None and float(self.margin) <= 0:
            raise ValueError(f"margin must be above 0, not {self.margin}")
        return self

    @property
    def alpha(self) -> float:
        """The significance level, 1 - confidence."""
        return round(1 - float(self.confidence), 12)
