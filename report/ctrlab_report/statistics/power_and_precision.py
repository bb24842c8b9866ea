"""Power and precision: the smallest detectable effect, and the number of seeds for a target precision.

The test-sample part of the error does not shrink with seeds. The functions of this module that return a number of seeds
include that part, and return None if no number of seeds reaches the target.
"""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.optimize import brentq

from ctrlab_report.statistics.errors import OutOfRange, TooFewRows
from ctrlab_report.statistics.input_checks import require_open_unit_interval, require_positive
from ctrlab_report.statistics.students_t import critical_value, noncentral_t_cdf, satterthwaite_df

MDE = "mde-noncentral-t"
SEEDS_FOR_HALF_WIDTH = "seeds-for-half-width"


@dataclass(frozen=True)
class DetectableEffect:
    """The true difference, in metric units, that a test with this standard error detects with probability `power`."""

    method: str
    effect: float
    power: float
    alpha: float


@dataclass(frozen=True)
class SeedsForHalfWidth:
    """Number of seeds for which the half-width of the interval is at most `half_width`.

    `seeds` is None if no number of seeds suffices: `limit`, the half-width with infinitely many seeds, is not below it.
    """

    method: str
    seeds: int | None
    half_width: float
    limit: float
    confidence: float


def minimum_detectable_effect(se: float, df: float, *, alpha: float = 0.05, power: float = 0.8) -> DetectableEffect:
    """Return the smallest difference that a two-sided t-test with standard error `se` detects.

    Reported instead of observed power, which only restates p. Oracle: statsmodels `TTestPower` at df = n - 1.
    """
    require_positive(se, "standard error")
    critical = critical_value(df, 1.0 - require_open_unit_interval(alpha, "alpha"))
    target = require_open_unit_interval(power, "power")
    if power <= alpha:
        raise OutOfRange(f"power: found {power}, allowed is more than alpha = {alpha}")

    def power_deficit(shift: float) -> float:
        if np.isinf(df):
            return float(stats.norm.sf(critical - shift) + stats.norm.cdf(-critical - shift)) - target
        return 1.0 - noncentral_t_cdf(critical, df, shift) + noncentral_t_cdf(-critical, df, shift) - target

    shift = brentq(power_deficit, 0.0, critical + 10.0 + 2.0 * critical, xtol=1e-10)
    return DetectableEffect(MDE, float(shift) * se, power, alpha)


def seeds_for_half_width(
    seed_sd: float,
    test_variance: float,
    half_width: float,
    *,
    test_df: float = np.inf,
    confidence: float = 0.95,
    pilot: int | None = None,
) -> SeedsForHalfWidth:
    """Return the smallest r >= 2 for which the two-source interval has at most this half-width.

    `seed_sd` is the standard deviation of one seed's value or difference, `test_variance` the part independent of r.
    The degrees of freedom are those of Hillis 2007 at that r. With `pilot` the seed variance remains that of the pilot
    seeds, and without a test-sample part the result is Stein's ceil((t_{pilot - 1} s / h)^2).
    """
    require_positive(half_width, "half-width")
    require_positive(seed_sd, "seed standard deviation")
    limit = critical_value(test_df, confidence) * float(np.sqrt(test_variance))
    if limit >= half_width:
        return SeedsForHalfWidth(SEEDS_FOR_HALF_WIDTH, None, half_width, limit, confidence)

    def is_reached(seeds: int) -> bool:
        seed = (seed_sd**2 / seeds, (pilot or seeds) - 1)
        df = satterthwaite_df([seed, (test_variance, test_df)])
        return critical_value(df, confidence) * float(np.sqrt(seed[0] + test_variance)) <= half_width

    upper = 2
    while not is_reached(upper):
        upper *= 2
    seeds = bisect_left(range(upper), True, lo=max(upper // 2, 2), key=is_reached)
    return SeedsForHalfWidth(SEEDS_FOR_HALF_WIDTH, seeds, half_width, limit, confidence)


def hanley_mcneil_se(auc: float, clicks: int, non_clicks: int) -> float:
    """Approximate the test-sample standard error of an AUC without predictions (Hanley and McNeil 1982).

    Used to plan the size of a test set. Oracle: AUC .893 with 51 and 58 cases, .0325.
    """
    if min(clicks, non_clicks) < 1:
        raise TooFewRows(f"test rows: found {clicks} clicks and {non_clicks} non-clicks, needs at least one of each")
    q1, q2 = auc / (2.0 - auc), 2.0 * auc**2 / (1.0 + auc)
    variance = auc * (1.0 - auc) + (clicks - 1) * (q1 - auc**2) + (non_clicks - 1) * (q2 - auc**2)
    return float(np.sqrt(variance / (clicks * non_clicks)))
