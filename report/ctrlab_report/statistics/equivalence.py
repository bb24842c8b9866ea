"""Equivalence: is the difference too small to matter? Both methods need a margin, the smallest difference of interest.

They take any estimate with a standard error and degrees of freedom, so that the two-source comparison and the paired
t-test share them.
"""

from dataclasses import dataclass

from scipy import stats

from ctrlab_report.statistics.input_checks import require_open_unit_interval, require_positive
from ctrlab_report.statistics.students_t import confidence_limits

TOST = "tost"
ROPE = "rope-reference-posterior"


@dataclass(frozen=True)
class TostResult:
    """Two one-sided tests (Schuirmann 1987): equivalent when p <= alpha, that is when (low, high) lies in +-margin.

    `low`, `high` have confidence 1 - 2 alpha.
    """

    method: str
    p: float
    p_above_lower: float
    p_below_upper: float
    low: float
    high: float
    margin: float
    alpha: float

    @property
    def equivalent(self) -> bool:
        """Whether the difference is shown to lie within the margin at level alpha."""
        return self.p <= self.alpha


@dataclass(frozen=True)
class RopePosterior:
    """Posterior probabilities that the difference is below -margin, within it, and above it (they sum to one)."""

    method: str
    below: float
    within: float
    above: float
    margin: float


def tost(estimate: float, se: float, df: float, margin: float, *, alpha: float = 0.05) -> TostResult:
    """Test both "difference > -margin" and "difference < margin"; p is the larger of the two.

    `estimate`, `se` and `margin` in metric units. Raises OutOfRange if margin or standard error is not above zero.
    Oracle: statsmodels `ttost_paired` on the paired differences.
    """
    require_positive(margin, "margin")
    require_positive(se, "standard error")
    p_above = float(stats.t.sf((estimate + margin) / se, df))
    p_below = float(stats.t.cdf((estimate - margin) / se, df))
    low, high = confidence_limits(estimate, se, df, 1.0 - 2.0 * require_open_unit_interval(alpha, "alpha"))
    return TostResult(TOST, max(p_above, p_below), p_above, p_below, low, high, margin, alpha)


def rope_posterior(estimate: float, se: float, df: float, margin: float) -> RopePosterior:
    """Return the posterior probabilities relative to the region of practical equivalence, +-margin.

    Under the reference prior the difference is distributed as t(df) around `estimate` with scale `se` (Kruschke 2013;
    Benavoli et al. 2017).
    """
    require_positive(margin, "margin")
    require_positive(se, "standard error")
    below = float(stats.t.cdf((-margin - estimate) / se, df))
    above = float(stats.t.sf((margin - estimate) / se, df))
    return RopePosterior(ROPE, below, max(1.0 - below - above, 0.0), above, margin)
