"""Effect sizes, reported in addition to the raw difference in metric units, which remains the main result."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import gammaln
from statsmodels.stats.proportion import proportion_confint

from ctrlab_report.statistics.degenerate_results import Degenerate, is_constant
from ctrlab_report.statistics.errors import OutOfRange
from ctrlab_report.statistics.input_checks import (
    as_finite_vector,
    require_open_unit_interval,
    require_same_length,
)
from ctrlab_report.statistics.students_t import noncentral_t_cdf

D_Z = "cohen-d-z-noncentral-t"
PROBABILITY = "probability-of-superiority-paired"


@dataclass(frozen=True)
class StandardizedDifference:
    """Cohen's d_z = mean(d) / sd(d) with a noncentral-t interval; `hedges` is d_z times the small-sample factor J."""

    method: str
    d_z: float
    low: float
    high: float
    hedges: float
    confidence: float
    seeds: int


@dataclass(frozen=True)
class ProbabilityOfSuperiority:
    """Share of shared seeds in which A scored above B (ties one half), with its Wilson interval."""

    method: str
    probability: float
    low: float
    high: float
    confidence: float
    seeds: int


def standardized_difference(
    a: ArrayLike, b: ArrayLike, *, confidence: float = 0.95
) -> StandardizedDifference | Degenerate:
    """Return d_z of the paired differences. Oracle: sleep data, -1.284558 (-2.118017, -0.4146278)."""
    first, second = as_finite_vector(a, "metric of A"), as_finite_vector(b, "metric of B")
    require_same_length(first, second, "seeds of A and B")
    difference = first - second
    seeds = difference.size
    if seeds < 2 or is_constant(difference, float(np.abs([first, second]).max())):
        return Degenerate(D_Z, "the differences do not vary over seeds", seeds, float(difference.mean()))
    d_z = float(difference.mean() / difference.std(ddof=1))
    tail = (1.0 - require_open_unit_interval(confidence, "confidence")) / 2.0
    root = float(np.sqrt(seeds))
    low, high = (_noncentrality(d_z * root, seeds - 1, level) / root for level in (1.0 - tail, tail))
    return StandardizedDifference(D_Z, d_z, low, high, d_z * hedges_factor(seeds - 1), confidence, seeds)


def hedges_factor(df: float) -> float:
    """Return the exact small-sample factor J (Hedges 1981). Oracle: df 4, 8, 9 give .7978846, .9027033, .9138749."""
    return float(np.exp(gammaln(df / 2.0) - gammaln((df - 1.0) / 2.0)) / np.sqrt(df / 2.0))


def relative_improvement(auc: float, base: float) -> float:
    """Return RelaImpr = (auc - .5) / (base - .5) - 1 (Yan et al. 2014; used by DIN). OutOfRange for base <= .5."""
    if base <= 0.5:
        raise OutOfRange(f"RelaImpr: the base AUC is {base}, allowed is above 0.5; compare raw differences instead")
    return (auc - 0.5) / (base - 0.5) - 1.0


def probability_of_superiority(
    a: ArrayLike, b: ArrayLike, *, higher_is_better: bool = True, confidence: float = 0.95
) -> ProbabilityOfSuperiority:
    """Return P(A better than B) over shared seeds (Bouthillier et al. 2021 call a model better from .75 on)."""
    first, second = as_finite_vector(a, "metric of A"), as_finite_vector(b, "metric of B")
    require_same_length(first, second, "seeds of A and B")
    gain = first - second if higher_is_better else second - first
    wins = float(np.count_nonzero(gain > 0) + 0.5 * np.count_nonzero(gain == 0))
    low, high = proportion_confint(
        wins, gain.size, alpha=1.0 - require_open_unit_interval(confidence, "confidence"), method="wilson"
    )
    return ProbabilityOfSuperiority(PROBABILITY, wins / gain.size, float(low), float(high), confidence, gain.size)


def _noncentrality(statistic: float, df: float, level: float) -> float:
    """Return the noncentrality for which `statistic` is the `level` quantile of the noncentral t distribution."""
    bound = abs(statistic) + 10.0
    while noncentral_t_cdf(statistic, df, -bound) < level or noncentral_t_cdf(statistic, df, bound) > level:
        bound *= 2.0
    return float(brentq(lambda nc: noncentral_t_cdf(statistic, df, nc) - level, -bound, bound, xtol=1e-12))
