"""How far the best of several trials may lie above the final runs of what it chose, when only chance is at work.

The best trial is chosen because it is high, so it is too high: the winner's curse. If all trials were as good as the
final runs, the largest of them would still exceed the runs' mean by an amount that a prediction bound limits. A best
trial beyond it was not luck over trials: its parameters do with one seed what they do not do with others.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from ctrlab_report.statistics.degenerate_results import Degenerate, is_constant
from ctrlab_report.statistics.input_checks import as_finite_vector, require_open_unit_interval

BEST_OF_TRIALS = "best-of-trials-prediction-bound"


@dataclass(frozen=True)
class BestTrialBound:
    """`excess`: how far the best of the trials lies above the runs' mean at most, in metric units, never below 0."""

    method: str
    excess: float
    trials: int
    runs: int


def best_trial_bound(final_runs: ArrayLike, trials: int, *, confidence: float = 0.95) -> BestTrialBound | Degenerate:
    """The bound for `trials` (at least 1) from the values of the final runs on validation.

        t(1 - (1 - confidence) / trials; n - 1) * sd * sqrt(1 + 1 / n)

    Upper prediction bound for the largest of `trials` further values of a normal distribution, by Bonferroni's
    inequality (Hahn, JASA 65, 1970): exact for one trial, and else at least `confidence`. Degenerate below two runs,
    and for runs that do not differ.
    """
    values = as_finite_vector(final_runs, "final runs on validation")
    n = values.size
    if n < 2 or is_constant(values, float(values.mean())):
        reason = "one run has no spread" if n < 2 else "the runs do not differ"
        return Degenerate(BEST_OF_TRIALS, reason, n, float(values.mean()) if n else float("nan"))
    each = (1.0 - require_open_unit_interval(confidence, "confidence")) / max(trials, 1)
    excess = float(stats.t.isf(each, n - 1) * values.std(ddof=1) * np.sqrt(1.0 + 1.0 / n))
    return BestTrialBound(BEST_OF_TRIALS, max(excess, 0.0), trials, n)
