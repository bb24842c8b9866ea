"""How good the best of n random trials is, with bands that hold at every n at once.

A best-so-far plot shows one search; another would have looked different. The tuning curve is the quantity behind it:
the median score of the best of n trials (Lourie, Cho and He 2024), for which the order statistics of independent trials
give exact, distribution-free, simultaneous bands (opda). They need trials drawn independently, so only a study's random
start-up trials qualify; a TPE history is drawn as history and called descriptive.

Beside it stands the expected best of n trials, Dodge et al. 2021 (U, unbiased).
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
    """At each of `trials`: median best score with its simultaneous band, and the unbiased expected best (U).

    A bound is infinite where the trials carry no information on that side.
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
    """Curve for 1 .. N trials from N independent random-search scores.

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
    median, one, other = (cdf.quantile_tuning_curve(ns, minimize=minimize) for cdf in (point_cdf, lower_cdf, upper_cdf))
    expected = point_cdf.u_tuning_curve(ns, minimize=minimize)
    return TuningCurve(
        method=TUNING_CURVE,
        trials=tuple(int(n) for n in ns),
        median=_floats(median),
        low=_floats(np.minimum(one, other)),
        high=_floats(np.maximum(one, other)),
        expected=_floats(expected),
        confidence=confidence,
        sample=scores.size,
    )


def _floats(values: ArrayLike) -> tuple[float, ...]:
    return tuple(float(value) for value in np.asarray(values))
