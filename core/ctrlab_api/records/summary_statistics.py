"""The numbers of a report, each with the id of the method that computed it.

`ReportSummary.methods` describes every id: the library with its version, and the assumptions.
"""

from ctrlab_api.schema_types import ApiModel


class ConfidenceInterval(ApiModel):
    """A confidence interval; `confidence` between 0 and 1."""

    low: float
    high: float
    confidence: float
    method: str


class SeedEstimate(ApiModel):
    """A mean over seeds with a t interval from the spread of seeds only: a claim about this one test set."""

    mean: float
    sd: float | None = None
    """Sample standard deviation (n - 1); absent for a single seed."""
    n: int
    """Number of seeds."""
    interval: ConfidenceInterval | None = None
    """Absent for a single seed and without variance."""
    bootstrap: ConfidenceInterval | None = None
    """BCa bootstrap interval, from 20 seeds on."""
    minimum: float
    maximum: float
    p: float | None = None
    """p-value of a zero mean difference; for comparisons only."""
    p_adjusted: float | None = None
    """p-value after correction for multiple comparisons, which the verdict uses."""
    correlation: float | None = None
    """Correlation of the two models over seeds; for comparisons only."""
    method: str


class PopulationEstimate(ApiModel):
    """An estimate whose standard error includes the variance of seeds and of test rows: a claim about new rows and new
    seeds."""

    estimate: float
    se: float
    df: float | None = None
    """Degrees of freedom; absent where they are infinite."""
    interval: ConfidenceInterval
    p: float | None = None
    p_adjusted: float | None = None
    """p-value after correction for multiple comparisons."""
    simultaneous: ConfidenceInterval | None = None
    """Simultaneous interval, wide enough to cover all comparisons together."""
    seed_se: float
    """Standard error from the spread of seeds only."""
    test_se: float
    """Standard error from the finite test set only, which remains with infinitely many seeds."""
    seed_share: float
    """Share of the squared standard error that more seeds would reduce, 0 to 1."""
    clamped: bool
    """Whether the estimated variance of test rows was negative and was set to zero."""
    units: int
    """Number of independent rows or users from which the variance of test rows is estimated."""
    method: str


class EffectSize(ApiModel):
    """A standardized difference."""

    value: float
    interval: ConfidenceInterval | None = None
    method: str


class Equivalence(ApiModel):
    """Two one-sided tests and posterior probabilities against the margin of the plan."""

    margin: float
    p: float
    """p-value of the two one-sided tests; small where the difference is within the margin."""
    p_adjusted: float
    """p-value after correction for multiple comparisons, which the verdict uses."""
    interval: ConfidenceInterval
    """The 1 - 2 alpha interval that corresponds to the tests."""
    below: float
    """Posterior probability of a difference below -margin."""
    within: float
    """Posterior probability of a difference within the margin."""
    above: float
    """Posterior probability of a difference above the margin."""
    method: str
    posterior_method: str


class DistributionFreeTest(ApiModel):
    """A distribution-free test over seeds, on this test set only."""

    p: float | None = None
    """Absent where no result of the test could be significant."""
    minimum_p: float
    """The smallest p-value that is possible with this number of seeds."""
    seeds_needed: int | None = None
    """Number of seeds from which on the test can be significant; present where p is absent."""
    method: str


class DetectableDifference(ApiModel):
    """The differences that this design can detect, and the sample size for smaller ones."""

    critical_difference: float
    """The smallest observed difference whose interval excludes zero."""
    minimum_detectable: float
    """The true difference that is detected with probability `power`."""
    power: float
    limit_half_width: float
    """Half the width of the interval with infinitely many seeds, which only a larger test set reduces."""
    seeds_for_margin: int | None = None
    """Number of seeds for an interval of half-width `margin`; absent without a margin or where no number suffices."""
    more_seeds_can_help: bool | None = None
    """Whether some number of seeds reaches half-width `margin`; absent without a margin."""
    method: str


class SingleRun(ApiModel):
    """The estimate of one run, or of two runs with one seed, with the sampling error of test rows only.

    It says nothing about other seeds.
    """

    estimate: float
    se: float
    interval: ConfidenceInterval
    p: float | None = None
    """p-value of a zero difference; for comparisons only."""
    method: str


class FailureRate(ApiModel):
    """The rate of runs without a usable result."""

    failed: int
    of: int
    interval: ConfidenceInterval
