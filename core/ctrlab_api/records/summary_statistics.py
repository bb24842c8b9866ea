"""The numbers of a report, each with the id of the method that made it.

`ReportSummary.methods` says for every id which library in which version computed it, and what it assumes.
"""

from ctrlab_api.schema_types import ApiModel


class ConfidenceInterval(ApiModel):
    """A confidence interval; `confidence` between 0 and 1."""

    low: float
    high: float
    confidence: float
    method: str


class SeedEstimate(ApiModel):
    """A mean over seeds with the t interval of the seed spread alone: a claim about this one test set."""

    mean: float
    sd: float | None = None
    """Sample standard deviation (n - 1); absent for a single seed."""
    n: int
    interval: ConfidenceInterval | None = None
    """Absent where nothing varies or there is one seed."""
    bootstrap: ConfidenceInterval | None = None
    """BCa bootstrap beside it, from 20 seeds on."""
    minimum: float
    maximum: float
    p: float | None = None
    """Of a zero mean difference; for comparisons only."""
    p_adjusted: float | None = None
    """After the correction for several comparisons; the verdict looks at this one."""
    correlation: float | None = None
    """Of the two models over seeds; for comparisons only."""
    method: str


class PopulationEstimate(ApiModel):
    """An estimate whose standard error holds seed noise and test-sample noise: a claim about new rows and new seeds."""

    estimate: float
    se: float
    df: float | None = None
    """Absent where it is infinite."""
    interval: ConfidenceInterval
    p: float | None = None
    p_adjusted: float | None = None
    """After the correction for several comparisons."""
    simultaneous: ConfidenceInterval | None = None
    """Wider, so that the intervals of all comparisons hold together."""
    seed_se: float
    """Standard error from the spread between seeds alone."""
    test_se: float
    """Standard error from the finite test set alone: what infinitely many seeds would leave."""
    seed_share: float
    """Share of the squared standard error that more seeds would shrink, 0 to 1."""
    clamped: bool
    """Whether the estimated test-sample part was below zero and was set to zero."""
    units: int
    """Independent rows or users that the test-sample part rests on."""
    method: str


class EffectSize(ApiModel):
    """The difference in units of something."""

    value: float
    interval: ConfidenceInterval | None = None
    method: str


class Equivalence(ApiModel):
    """Two one-sided tests and posterior probabilities against the margin that the plan set."""

    margin: float
    p: float
    """Of the two one-sided tests: small where the difference lies within the margin."""
    p_adjusted: float
    """After the correction for several comparisons; the one that the verdict looks at."""
    interval: ConfidenceInterval
    """The 1 - 2 alpha interval that the tests correspond to."""
    below: float
    """Posterior probability of a difference below -margin."""
    within: float
    above: float
    method: str
    posterior_method: str


class DistributionFreeTest(ApiModel):
    """A distribution-free test over seeds, on this test set only."""

    p: float | None = None
    """Absent where the test could not reach the level it would need."""
    minimum_p: float
    """The smallest p that this number of seeds can give."""
    seeds_needed: int | None = None
    """Seeds from which on the test could reach its level; given where p is absent."""
    method: str


class DetectableDifference(ApiModel):
    """What this design could have seen, and what it would take to see more."""

    critical_difference: float
    """The smallest observed difference whose interval excludes zero."""
    minimum_detectable: float
    """The true difference found with the given power."""
    power: float
    limit_half_width: float
    """Half the interval's width with infinitely many seeds: only a larger test set goes below it."""
    seeds_for_margin: int | None = None
    """Seeds for an interval of half-width `margin`; absent without a margin or where no number suffices."""
    more_seeds_can_help: bool | None = None
    """Whether some number of seeds reaches half-width `margin`; absent without a margin."""
    method: str


class SingleRun(ApiModel):
    """One run, or two runs of one seed, with the error of the test sample alone; of other seeds it knows nothing."""

    estimate: float
    se: float
    interval: ConfidenceInterval
    p: float | None = None
    """Of a zero difference; for comparisons only."""
    method: str


class FailureRate(ApiModel):
    """Runs without a usable result."""

    failed: int
    of: int
    interval: ConfidenceInterval
