"""Prediction bound for the best of several trials relative to the final runs with its hyperparameters.

The best trial is selected for its high value, so the value is biased upward: the winner's curse. If all trials were as
good as the final runs, the largest of them would still exceed the mean of the runs by an amount that a prediction bound
limits. A best trial above that bound is not explained by the selection: its hyperparameters reach this value with the
trial's seed, but not with other seeds.
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
    """Upper bound (`excess`, at least 0, metric units) for the best trial minus the mean of the final runs."""

    method: str
    excess: float
    trials: int
    runs: int


def best_trial_bound(final_runs: ArrayLike, trials: int, *, confidence: float = 0.95) -> BestTrialBound | Degenerate:
    """Return the bound for `trials` (at least 1) from the validation values of the final runs.

        t(1 - (1 - confidence) / trials; n - 1) * sd * sqrt(1 + 1 / n)

    Upper prediction bound for the largest of `trials` further values of a normal distribution, by Bonferroni's
    inequality (Hahn, JASA 65, 1970): exact for one trial, otherwise with at least `confidence`. Degenerate for fewer
    than two runs, and for runs that do not differ.
    """
    values = as_finite_vector(final_runs, "final runs on validation")
    n = values.size
    if n < 2 or is_constant(values, float(values.mean())):
        reason = "the spread cannot be estimated from one run" if n < 2 else "the runs do not differ"
        return Degenerate(BEST_OF_TRIALS, reason, n, float(values.mean()) if n else float("nan"))
    tail = (1.0 - require_open_unit_interval(confidence, "confidence")) / max(trials, 1)
    excess = float(stats.t.isf(tail, n - 1) * values.std(ddof=1) * np.sqrt(1.0 + 1.0 / n))
    return BestTrialBound(BEST_OF_TRIALS, max(excess, 0.0), trials, n)
