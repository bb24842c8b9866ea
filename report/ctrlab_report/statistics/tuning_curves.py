"""Tuning curves: the score of the best of n random trials, with simultaneous confidence bands over all n.

A best-so-far plot shows one realization of a search; another would differ. The tuning curve is the underlying quantity:
the median score of the best of n trials (Lourie, Cho and He 2024), for which the order statistics of independent trials
give exact, distribution-free, simultaneous bands (opda). They need independently sampled trials, so only the random
start-up trials of a study qualify; a TPE history is plotted as a descriptive history.

The expected best of n trials, Dodge et al. 2021 (U, unbiased), is reported in addition.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from opda.nonparametric import EmpiricalDistribution

from ctrlab_report.statistics.errors import TooFewTrials
from ctrlab_report.statistics.input_checks import as_finite_vector, require_open_unit_interval

TUNING_CURVE = "tuning-curve-ld-band"
MIN_TRIALS = 5


@dataclass(frozen=True)
class TuningCurve:
    """Median best score with its simultaneous band, and the unbiased expected best (U), at each of `trials`.

    A bound is infinite where the trials contain no information on that side. `sample` is the number of trials used.
    """

    method: str
    trials: tuple[int, ...]
    median: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    expected: tuple[float, ...]
    confidence: float
    sample: int


def tuning_curve(
    random_trials: ArrayLike, *, minimize: bool = False, confidence: float = 0.95, seed: int = 0
) -> TuningCurve:
    """Return the curve for 1 .. N trials from the scores of N independent random trials.

    Raises TooFewTrials below five trials. `seed` fixes the Monte-Carlo step in opda's band weights.
    """
    scores = as_finite_vector(random_trials, "scores of random trials")
    if scores.size < MIN_TRIALS:
        raise TooFewTrials(f"random trials: found {scores.size}, needs {MIN_TRIALS}; show the history instead")
    ns = np.arange(1, scores.size + 1)
    lower_cdf, point_cdf, upper_cdf = EmpiricalDistribution.confidence_bands(
        scores,
        require_open_unit_interval(confidence, "confidence"),
        generator=np.random.default_rng(seed),
        method="ld_equal_tailed",
        n_jobs=1,
    )
    median, bound, other_bound = (
        cdf.quantile_tuning_curve(ns, minimize=minimize) for cdf in (point_cdf, lower_cdf, upper_cdf)
    )
    expected = point_cdf.u_tuning_curve(ns, minimize=minimize)
    return TuningCurve(
        method=TUNING_CURVE,
        trials=tuple(int(n) for n in ns),
        median=_floats(median),
        low=_floats(np.minimum(bound, other_bound)),
        high=_floats(np.maximum(bound, other_bound)),
        expected=_floats(expected),
        confidence=confidence,
        sample=scores.size,
    )


def _floats(values: ArrayLike) -> tuple[float, ...]:
    return tuple(float(value) for value in np.asarray(values))
