"""The rows of a report: models, comparisons, searches, runs."""

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
    """One metric of one model."""

    test: SeedEstimate | None = None
    """Absent where no run has a value."""
    population: PopulationEstimate | None = None
    """Absent for metrics without a sampling theory here (ece), for one seed and where nothing varies."""
    single_run: SingleRun | None = None
    """Where one run alone has a value."""
    without_flagged: SeedEstimate | None = None
    """Sensitivity: the same without the runs that have an anomaly or that Grubbs' test marks; absent without any."""
    validation: SeedEstimate | None = None
    """At the best epoch of the same runs."""
    gap: float | None = None
    """Mean on test minus mean on validation."""
    by_seed: dict[str, float | None]
    """Test value of every seed that ended, anomalous ones included."""
    by_seed_validation: dict[str, float | None]


class CostSummary(ApiModel):
    """What the final runs and the search of one model took."""

    wall_seconds_mean: float
    wall_seconds_total: float
    cpu_seconds_total: float
    gpu_seconds_total: float
    peak_memory_bytes: int
    peak_gpu_memory_bytes: int | None = None
    tuning_seconds: float
    """Summed over trials."""
    tuning_gpu_seconds: float | None = None
    """The part of them on a GPU; absent where the trials do not say what they ran on."""


class ReliabilityBin(ApiModel):
    """Equal-mass bin of predictions, pooled over the seeds of one model."""

    predicted: float
    observed: float
    rows: int


class RunSummary(ApiModel):
    """One planned (variant, seed)."""

    seed: int
    state: Literal["Succeeded", "Diverged", "Missing"]
    attempt: int | None = None
    """The first attempt that ended; it is the result, whatever later attempts say."""
    reruns: tuple[str, ...] = ()
    """For each later attempt: whether its predictions are bit-equal."""
    best_epoch: int | None = None
    wall_seconds: float | None = None
    deterministic: bool | None = None
    openings: int = 0
    """How often this run opened the test set."""
    run_class: RunClassName | None = None
    """By the signals below; an infrastructure failure was repaired by starting again with the same seed."""
    signals: tuple[str, ...] = ()
    """What the course of the run shows: Evicted, OutOfMemory, NotFiniteLoss, ConstantPredictions, AucAtMostOneHalf,
    StoppedAtEpochZero (no epoch after the first was better), SlowMachine."""
    cut_off: tuple[Anomaly, ...] = ()
    """Of a missing run: how its starts ended."""
    anomalies: tuple[Anomaly, ...] = ()
    repetition: RepetitionFinding | None = None
    """What a second training with the same seed says of the anomalies; absent where none was made."""
    config_digest: str | None = None
    predictions_sha256: str | None = None
    model_sha256: str | None = None
    reproduce: str | None = None
    tolerance: str | None = None


class ModelSummary(ApiModel):
    """One model."""

    name: str
    architecture: str
    reference: bool
    removed_parts: tuple[str, ...] = ()
    dropped_features: tuple[str, ...] = ()
    parameters: int | None = None
    """Trainable numbers; absent where no run ended."""
    metrics: dict[str, MetricSummary]
    failures: FailureRate
    """Diverged or missing, of all planned."""
    cost: CostSummary | None = None
    config: dict[str, str]
    """Every parameter of the final runs as text."""
    reliability: tuple[ReliabilityBin, ...]
    flagged_seeds: dict[str, str]
    """Seeds that Grubbs' test marks as unusual, with the reason; a remark, never an exclusion."""
    runs: tuple[RunSummary, ...]
    inputs_digest: str
    """Of the records and predictions that this model's numbers were made from."""


class ComparisonSummary(ApiModel):
    """One metric of model `a` minus the same of model `b`, over the seeds that both have."""

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
    """Where the models share one seed."""
    relative_improvement: float | None = None
    """(auc_a - 0.5) / (auc_b - 0.5) - 1; for auc and gauc."""
    standardized: EffectSize | None = None
    """d_z: mean difference in units of the standard deviation of the paired differences."""
    hedges: EffectSize | None = None
    equivalence: Equivalence | None = None
    superiority: EffectSize | None = None
    """Share of shared seeds in which a scored better."""
    distribution_free: DistributionFreeTest | None = None
    """By flipping the signs of the differences."""
    signed_rank: DistributionFreeTest | None = None
    """Wilcoxon's signed-rank test."""
    detectable: DetectableDifference | None = None
    without_flagged: SeedEstimate | None = None
    """Sensitivity: without the runs of either model that have an anomaly or that Grubbs' test marks."""
    verdict: VerdictName | None = None
    """For the primary metric; exploratory comparisons carry no verdict."""
    label: str | None = None
    """The verdict with its number: `inconclusive (needs 17 seeds)`."""
    verdict_method: str | None = None
    seeds_needed: int | None = None
    """About how many seeds would decide, if difference and spread stayed as they are."""
    sentence: str
    inputs_digest: str


class CurvePoint(ApiModel):
    """Median best validation value of that many random trials, with a band that holds for all counts at once."""

    trials: int
    value: float
    low: float | None = None
    """Absent where the trials carry no information on that side."""
    high: float | None = None


class TuningSummary(ApiModel):
    """A search of one model."""

    model: str
    search: int | None = None
    """Which of several independent searches, from 1; absent where there is one."""
    sampler: str
    pruner: str
    budget: int
    completed: int
    pruned: int
    failed: int
    lost: int
    """Trials whose worker went away; their slot was run again."""
    seconds: float
    """Summed over all trials, pruned, failed and lost ones included."""
    gpu_seconds: float | None = None
    """The part of them on a GPU; absent where the trials do not say what they ran on."""
    best_trial: int | None = None
    best_value: float | None = None
    final_validation: float | None = None
    """Mean over the final seeds that used this search."""
    test: float | None = None
    """Of the same runs."""
    optimism: float | None = None
    """Best trial's validation value minus the mean of the final runs' in the same metric, signed so that above zero
    means too good."""
    optimism_bound: float | None = None
    """What chance over the search's trials and the seeds explains of it; absent where the final runs do not say."""
    optimism_method: str | None = None
    chosen: dict[str, ParameterValue]
    justification: str
    course: str | None = None
    """What was not as the plan has it: a search that was stopped, given more trials, or begun with earlier ones."""
    repeats: str | None = None
    """Of several searches, at the first: how much of the final runs' spread lies between them."""
    history: tuple[tuple[int, float], ...]
    """Trial number and value of every counted trial with a value."""
    curve: tuple[CurvePoint, ...] = ()
    """From trials that the sampler drew at random; empty where there are too few."""
    curve_method: str | None = None
    curve_absent: str | None = None
    """Why there is no curve."""
    importance: dict[str, float] = Field(default_factory=dict)
    """Share of each hyper-parameter in telling the best tenth of the trials apart, largest first; empty below 20."""
    importance_method: str | None = None
    search_digest: str

    @property
    def name(self) -> str:
        """The model, and which of its searches."""
        return self.model if self.search is None else f"{self.model}, search {self.search}"
