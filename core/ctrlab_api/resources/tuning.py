"""`spec.tuning`, `spec.evaluation` and `spec.analysis`: the search, the final runs, and what is concluded from them."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from ctrlab_api.cel import cel_rules
from ctrlab_api.metrics import MetricName
from ctrlab_api.schema_types import (
    LIST_SET_SCHEMA,
    ApiModel,
    DecimalString,
    Distinct,
    Duration,
    VariantName,
    duration_seconds,
)

ExecutionMode = Literal["plain", "batched"]
"""How a final run is trained: alone, or in one batch with other seeds of its model. Sums are rounded otherwise in the
one than in the other, so that runs of both are never compared."""


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
    """When a trial is given up early, by its validation metric after each epoch."""

    type: Literal["Median", "Percentile", "Hyperband", "SuccessiveHalving", "Patient", "None"] = "Median"
    """The rule (Optuna's pruners); Hyperband's largest resource is the epochs a trial can have. Patient is Median with
    patience; None lets every trial finish."""
    startup_trials: int = Field(default=5, ge=0, le=10_000)
    """Median, Percentile and Patient: trials that are never pruned because there is nothing to compare with."""
    warmup_epochs: int = Field(default=1, ge=0, le=10_000)
    """Median, Percentile and Patient: epochs of a trial before it may be pruned."""
    percentile: DecimalString | None = None
    """Percentile: the best so many percent of the trials go on (default 25)."""
    patience: int | None = Field(default=None, ge=1, le=10_000)
    """Patient: a trial goes on while it became better within the last so many epochs (default 3)."""
    min_delta: DecimalString | None = None
    """Patient: what counts as better, in units of the metric (default 0)."""

    @model_validator(mode="after")
    def _fields_of_the_type(self) -> Self:
        owners = {"percentile": "Percentile", "patience": "Patient", "min_delta": "Patient"}
        for field, owner in owners.items():
            if getattr(self, field) is not None and self.type != owner:
                raise ValueError(f"{type(self).model_fields[field].alias} is for pruner {owner}, not {self.type}")
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
    ("!has(self.after) || self.after.matches('[1-9]')", "after must be longer than nothing"),
    ("!has(self.gpuTime) || self.gpuTime.matches('[1-9]')", "gpuTime must be longer than nothing"),
)
class Stop(ApiModel):
    """When a model's search ends before its budget is used; the first rule that holds counts, and is recorded."""

    after: Duration | None = None
    """Time since the model's first trial began."""
    gpu_time: Duration | None = None
    """Time that trials have held a GPU, summed over GPUs; trials whose worker was lost count too."""
    no_improvement: int | None = Field(default=None, ge=1, le=10_000)
    """So many finished trials in a row without a new best."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.after is None and self.gpu_time is None and self.no_improvement is None:
            raise ValueError("at least one of after, gpuTime and noImprovement")
        for name, given in (("after", self.after), ("gpuTime", self.gpu_time)):
            if given is not None and duration_seconds(given) == 0:
                raise ValueError(f"{name} must be longer than nothing, not {given}")
        return self


class WarmStart(ApiModel):
    """An earlier experiment whose finished trials the sampler learns from; they do not count for the budget."""

    experiment: Annotated[str, StringConstraints(pattern=r"^[^/ ]{1,63}/[^/ ]{1,63}/[^/ ]{1,64}$", max_length=192)]
    """NAMESPACE/NAME/UID: its folder in the same store. It must be of the same data set and primary metric."""


@cel_rules(
    ("!has(self.timeout) || self.timeout.matches('[1-9]')", "timeout must be longer than nothing"),
    (
        "self.mode != 'Synchronous' || !has(self.stop) || (!has(self.stop.after) && !has(self.stop.gpuTime))",
        "a Synchronous search cannot be stopped by the clock: use stop.noImprovement, or mode Asynchronous",
    ),
    (
        "!has(self.warmStart) || self.sampler in ['TPE', 'GP', 'CmaEs']",
        "warmStart is for the samplers that learn from trials: TPE, GP and CmaEs",
    ),
)
class Tuning(ApiModel):
    """The search for hyper-parameters, the same budget for every model, on validation data alone."""

    sampler: Literal["TPE", "Random", "Grid", "GP", "CmaEs", "QMC"] = "TPE"
    """Where the next trial is tried (Optuna's samplers); Grid needs a step or categorical values everywhere."""
    pruner: Pruner = Pruner()
    """When a trial is given up early."""
    trials: int = Field(default=50, ge=1, le=10_000)
    """Finished trials for each model, exact whatever crashes; may be raised until a search is frozen."""
    workers: int = Field(default=4, ge=1, le=256)
    """Processes (on a cluster: pods) for each model's search; may be changed at any time."""
    seed: int = Field(default=1, ge=0, le=2**31 - 1)
    """Of the sampler, and of the training inside trials."""
    max_failed_trials: int = Field(default=10, ge=0, le=10_000)
    """The search of a model stops as failed when more of its trials failed."""
    timeout: Duration | None = None
    """The search of a model stops as failed when it took longer."""
    mode: Literal["Asynchronous", "Synchronous"] = "Asynchronous"
    """Asynchronous: a worker asks as soon as it is free. Synchronous: trials are asked and told in slot order, so that
    the search can be repeated."""
    stop: Stop | None = None
    """Ends a search before its budget is used, as finished and not as failed."""
    repeats: int | None = Field(default=None, ge=1, le=100)
    """Independent searches of each model (default 1), each with the whole budget. The final runs use them in turn, so
    that their spread holds what the search adds; evaluation.seeds.count must be a multiple of it."""
    warm_start: WarmStart | None = None
    """Lets the sampler begin with what an earlier experiment found."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.timeout is not None and duration_seconds(self.timeout) == 0:
            raise ValueError(f"timeout must be longer than nothing, not {self.timeout}")
        if self.mode == "Synchronous" and self.stop is not None and (self.stop.after or self.stop.gpu_time):
            raise ValueError(
                "a Synchronous search cannot be stopped by the clock: use stop.noImprovement, or mode Asynchronous"
            )
        if self.warm_start is not None and self.sampler not in ("TPE", "GP", "CmaEs"):
            raise ValueError(
                f"warmStart is for the samplers that learn from trials: TPE, GP and CmaEs, not {self.sampler}"
            )
        return self

    @property
    def study_count(self) -> int:
        """Number of independent studies of each model."""
        return self.repeats or 1


@cel_rules(("!has(self.max) || self.max >= self.count", "max must be at least count"))
class Seeds(ApiModel):
    """Final runs of each model: base, base + 1, ... , the same for every model."""

    count: int = Field(default=8, ge=5, le=1000)
    """At least 5; 8 is where exact tests can reach significance and two-stage extension keeps its level."""
    max: int | None = Field(default=None, ge=5, le=1000)
    """Up to how many seeds the one extension may go, if evaluation.precision asks for it."""
    base: int = Field(default=2024, ge=0, le=2**31 - 2000)
    """The first seed."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max is not None and self.max < self.count:
            raise ValueError(f"max must be at least count, not {self.max} for count {self.count}")
        return self

    def values(self, count: int | None = None) -> tuple[int, ...]:
        """The seeds themselves; `count` defaults to the planned number."""
        return tuple(range(self.base, self.base + (count or self.count)))


@cel_rules(("double(self.halfWidth) > 0.0", "halfWidth must be above 0"))
class Precision(ApiModel):
    """How narrow the confidence interval of a difference should be; decides the one extension of seeds."""

    metric: MetricName
    """The metric of the difference; its spread over the pilot's validation values decides."""
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
        "precision needs seeds.max: how far may the number of seeds be raised?",
    )
)
class Evaluation(ApiModel):
    """The final runs, after every search is frozen."""

    seeds: Seeds = Seeds()
    """Which seeds, and how many."""
    precision: Precision | None = None
    """Asks for the one extension of seeds, up to seeds.max."""
    seeds_per_pod: int | None = Field(default=None, ge=1, le=256)
    """Seeds of one model that a pod trains at once, as one batch (default 1: each run has a pod of its own). More of
    them use a GPU that one small model leaves idle, and need as many times the memory. It belongs to the plan, because
    a batch of seeds is rounded otherwise than one seed."""

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.precision is not None and self.seeds.max is None:
            raise ValueError("precision needs seeds.max: how far may the number of seeds be raised?")
        return self

    @property
    def execution_mode(self) -> ExecutionMode:
        """Of every final run: batched with more than one seed a pod, also where the last batch has a single one."""
        return "batched" if (self.seeds_per_pod or 1) > 1 else "plain"


@cel_rules(
    ("self.primaryMetric in self.metrics", "primaryMetric must be one of metrics"),
    (
        "!(self.primaryMetric in ['pcoc', 'ece'])",
        "primaryMetric can be auc, gauc, logloss, ne or brier: pcoc has no better direction, and no sampling error is "
        "known for ece",
    ),
    (
        "double(self.confidence) >= 0.5 && double(self.confidence) < 1.0",
        "confidence must be at least 0.5 and below 1",
    ),
    ("!has(self.margin) || double(self.margin) > 0.0", "margin must be above 0"),
)
class Analysis(ApiModel):
    """The analysis plan, frozen before the test set is opened."""

    primary_metric: MetricName = "auc"
    """Tuned, monitored for early stopping, and the one that verdicts are about; not pcoc or ece."""
    metrics: Annotated[tuple[MetricName, ...], Field(min_length=1, max_length=7), Distinct] = Field(
        default=("auc", "logloss"), json_schema_extra=LIST_SET_SCHEMA
    )
    """Everything that is reported; gauc needs dataset.user."""
    reference: VariantName | None = None
    """The model that the others are compared with; the first one unless given."""
    compare: Literal["AgainstReference", "AllPairs"] = "AgainstReference"
    """Which pairs of models are compared."""
    confidence: DecimalString = "0.95"
    """Level of the confidence intervals, between 0.5 and 1."""
    correction: Literal["Holm", "None"] = "Holm"
    """Of the p-values of the primary metric over all comparisons."""
    margin: DecimalString | None = None
    """The smallest difference of the primary metric that matters to you; needed for the verdict `equivalent`."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.primary_metric not in self.metrics:
            raise ValueError(f"primaryMetric {self.primary_metric} must be one of metrics: {', '.join(self.metrics)}")
        if self.primary_metric in ("pcoc", "ece"):
            why = "has no better direction" if self.primary_metric == "pcoc" else "has no known sampling error"
            raise ValueError(
                f"primaryMetric can be auc, gauc, logloss, ne or brier, not {self.primary_metric}, which {why}; "
                "list it under metrics alone"
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
