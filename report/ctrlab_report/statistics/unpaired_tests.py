"""Test of two models whose runs do not share seeds, on this test set only.

For a claim about the population of test rows use `obuchowski_rockette.compare_unshared_seeds`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from ctrlab_report.statistics.degenerate_results import EQUAL_SEEDS, ONE_SEED, Degenerate, is_constant
from ctrlab_report.statistics.input_checks import as_finite_vector, require_open_unit_interval

WELCH = "welch-t"


@dataclass(frozen=True)
class WelchT:
    """Difference of two means with unequal variances; `seeds_a` and `seeds_b` can differ."""

    method: str
    estimate: float
    se: float
    df: float
    statistic: float
    p: float
    low: float
    high: float
    confidence: float
    seeds_a: int
    seeds_b: int


def welch_t(a: ArrayLike, b: ArrayLike, *, confidence: float = 0.95) -> WelchT | Degenerate:
    """Run Welch's t-test of mean(A) - mean(B). Oracle: sleep data as two groups, t -1.860813, df 17.77647.

    Degenerate with fewer than two seeds in a group, or if neither group varies.
    """
    first, second = as_finite_vector(a, "metric of A"), as_finite_vector(b, "metric of B")
    fewest, estimate = min(first.size, second.size), float(first.mean() - second.mean())
    if fewest < 2:
        return Degenerate(WELCH, ONE_SEED, fewest, estimate)
    if all(is_constant(values, float(np.abs(values).max())) for values in (first, second)):
        return Degenerate(WELCH, EQUAL_SEEDS, fewest, estimate)
    result = stats.ttest_ind(first, second, equal_var=False)
    interval = result.confidence_interval(require_open_unit_interval(confidence, "confidence"))
    return WelchT(
        method=WELCH,
        estimate=estimate,
        se=float(np.sqrt(first.var(ddof=1) / first.size + second.var(ddof=1) / second.size)),
        df=float(result.df),
        statistic=float(result.statistic),
        p=float(result.pvalue),
        low=float(interval.low),
        high=float(interval.high),
        confidence=confidence,
        seeds_a=first.size,
        seeds_b=second.size,
    )
