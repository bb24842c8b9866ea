"""The rows of a report: models, comparisons, studies, runs."""

from typing import Literal

from pydantic import Field

from ctrlab_api.records.runs import Anomaly
from ctrlab_api.records.studies import ParameterValue
from ctrlab_api.records.summary_statistics import (
    DetectableDifference,
    DistributionFreeTest,
    EffectSize,
    Equivalence,
    FailureRate,
    PopulationEstimate,
    SeedEstimate,
    SingleRun,
)
from ctrlab_api.schema_types import ApiModel

RunClassName = Literal["Clean", "InfrastructureFailure", "TrainingAnomaly"]

RepetitionFinding = Literal["property-of-the-seed", "fault-of-the-first-run", "not-reproducible"]

VerdictName = Literal[
    "better",
    "worse",
    "equivalent",
    "better-on-this-test-set-only",
    "inconclusive (needs N seeds)",
    "inconclusive (test set too small)",
    "degenerate",
]


class MetricSummary(ApiModel):
    """The estimates of one metric of one model."""

    test: SeedEstimate | None = None
    """Mean test value over seeds; absent where no run has a value."""
    population: PopulationEstimate | None = None
    """Estimate for new rows and seeds; absent for metrics without a sampling error (ece), for one seed and without
    variance."""
    single_run: SingleRun | None = None
    """Estimate of a single run, where only one has a value."""
    without_flagged: SeedEstimate | None = None
    """Sensitivity analysis: `test` without the runs that have an anomaly or that Grubbs' test flags; absent without
    such runs."""
    validation: SeedEstimate | None = None
    """Mean validation value of the same runs at their best epochs."""
    gap: float | None = None
    """Mean on test minus mean on validation."""
    undefined: str | None = None
    """Why the test rows define no value, or no sampling error, of this metric; absent where they define both."""
    by_seed: dict[str, float | None]
    """Test value of every seed with a result, anomalous ones included."""
    by_seed_validation: dict[str, float | None]
    """Validation value of every seed with a result."""


class CostSummary(ApiModel):
    """Resource usage of the final runs and the tuning of one model."""

    wall_seconds_mean: float
    wall_seconds_total: float
    cpu_seconds_total: float
    gpu_seconds_total: float
    peak_memory_bytes: int
    peak_gpu_memory_bytes: int | None = None
    tuning_seconds: float
    """Total duration of all trials."""
    tuning_gpu_seconds: float | None = None
    """Duration of trials on a GPU; absent where the trials do not name their device."""


class ReliabilityBin(ApiModel):
    """An equal-mass bin of predictions, pooled over the seeds of one model."""

    predicted: float
    observed: float
    rows: int


class RunSummary(ApiModel):
    """One planned final run."""

    seed: int
    state: Literal["Succeeded", "Diverged", "Missing"]
    attempt: int | None = None
    """The first attempt with a record; it is the result, regardless of later attempts."""
    reruns: tuple[str, ...] = ()
    """For each later attempt, whether its predictions are bit-equal."""
    best_epoch: int | None = None
    wall_seconds: float | None = None
    deterministic: bool | None = None
    openings: int = 0
    """Number of times that this run opened the test rows."""
    run_class: RunClassName | None = None
    """Class derived from `signals`; an infrastructure failure was fixed by a new start with the same seed."""
    signals: tuple[str, ...] = ()
    """Signals of the run: Evicted, OutOfMemory, NotFiniteLoss, ConstantPredictions, AucAtMostOneHalf,
    StoppedAtEpochZero (no epoch after the first was better), SlowMachine."""
    cut_off: tuple[Anomaly, ...] = ()
    """For a missing run, how its starts ended."""
    anomalies: tuple[Anomaly, ...] = ()
    repetition: RepetitionFinding | None = None
    """Conclusion from a second training with the same seed; absent where there was none."""
    config_digest: str | None = None
    predictions_sha256: str | None = None
    model_sha256: str | None = None
    reproduce: str | None = None
    tolerance: str | None = None


class ModelSummary(ApiModel):
    """The results of one model."""

    name: str
    architecture: str
    reference: bool
    removed_parts: tuple[str, ...] = ()
    dropped_features: tuple[str, ...] = ()
    parameters: int | None = None
    """Number of trainable parameters; absent without a finished run."""
    metrics: dict[str, MetricSummary]
    failures: FailureRate
    """Share of planned runs that diverged or are missing."""
    cost: CostSummary | None = None
    config: dict[str, str]
    """Every parameter of the final runs as text."""
    reliability: tuple[ReliabilityBin, ...]
    flagged_seeds: dict[str, str]
    """Seeds that Grubbs' test flags as outliers, with the reason; they are never excluded."""
    runs: tuple[RunSummary, ...]
    inputs_digest: str
    """Digest of the records and predictions that this model's numbers were computed from."""


class ComparisonSummary(ApiModel):
    """The difference of one metric, model `a` minus model `b`, over the seeds that both have."""

    a: str
    b: str
    metric: str
    role: Literal["primary", "exploratory"]
    direction: Literal["maximize", "minimize", "none"]
    seeds: tuple[int, ...]
    differences: tuple[float, ...]
    difference: float | None = None
    """Mean of the differences."""
    population: PopulationEstimate | None = None
    this_test_set: SeedEstimate | None = None
    single_run: SingleRun | None = None
    """Estimate from a single seed, where the models share only one."""
    relative_improvement: float | None = None
    """(auc_a - 0.5) / (auc_b - 0.5) - 1; for auc, gauc and auc_by_group."""
    standardized: EffectSize | None = None
    """d_z: mean difference in units of the standard deviation of the paired differences."""
    hedges: EffectSize | None = None
    equivalence: Equivalence | None = None
    superiority: EffectSize | None = None
    """Share of shared seeds for which `a` is better."""
    distribution_free: DistributionFreeTest | None = None
    """Sign-flip permutation test of the differences."""
    signed_rank: DistributionFreeTest | None = None
    """Wilcoxon's signed-rank test."""
    detectable: DetectableDifference | None = None
    without_flagged: SeedEstimate | None = None
    """Sensitivity analysis: without the runs of either model that have an anomaly or that Grubbs' test flags."""
    verdict: VerdictName | None = None
    """Verdict of a primary comparison; exploratory comparisons have none."""
    label: str | None = None
    """The verdict with its number, such as `inconclusive (needs 17 seeds)`."""
    verdict_method: str | None = None
    seeds_needed: int | None = None
    """Approximate number of seeds that would decide, if difference and spread stayed the same."""
    sentence: str
    inputs_digest: str


class CurvePoint(ApiModel):
    """Median best validation value of a number of random trials, with a simultaneous confidence band."""

    trials: int
    value: float
    low: float | None = None
    """Absent where the trials have no information about the bound."""
    high: float | None = None


class TuningSummary(ApiModel):
    """One study of one model."""

    model: str
    search: int | None = None
    """Number of the study, from 1, among several independent ones; absent where there is one."""
    sampler: str
    pruner: str
    budget: int
    completed: int
    pruned: int
    failed: int
    lost: int
    """Number of trials whose worker was lost; their slots were run again."""
    seconds: float
    """Total duration of all trials, pruned, failed and lost ones included."""
    gpu_seconds: float | None = None
    """Duration of trials on a GPU; absent where the trials do not name their device."""
    best_trial: int | None = None
    best_value: float | None = None
    final_validation: float | None = None
    """Mean validation value of the final runs that use this study."""
    test: float | None = None
    """Mean test value of the same runs."""
    optimism: float | None = None
    """Validation value of the best trial minus the mean of the final runs, signed so that a positive value means that
    the best trial was too optimistic."""
    optimism_bound: float | None = None
    """Optimism that the variance over trials and seeds explains; absent where the final runs cannot estimate it."""
    optimism_method: str | None = None
    chosen: dict[str, ParameterValue]
    justification: str
    course: str | None = None
    """Deviations from the plan: a study that was stopped, got more trials, or started with earlier trials."""
    repeats: str | None = None
    """At the first of several studies: the share of the final runs' spread between the studies."""
    history: tuple[tuple[int, float], ...]
    """Trial number and value of every counted trial with a value."""
    curve: tuple[CurvePoint, ...] = ()
    """Tuning curve from trials that were sampled at random; empty where there are too few."""
    curve_method: str | None = None
    curve_absent: str | None = None
    """Reason why there is no curve."""
    importance: dict[str, float] = Field(default_factory=dict)
    """Importance of each hyperparameter for separating the best tenth of the trials, as shares, largest first; empty
    below 20 trials."""
    importance_method: str | None = None
    search_digest: str

    @property
    def name(self) -> str:
        """The model with the number of the study, if there are several."""
        return self.model if self.search is None else f"{self.model}, study {self.search}"
