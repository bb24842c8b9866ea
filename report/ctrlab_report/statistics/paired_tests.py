"""Tests of two models with shared seeds, on this test set only.

These tests treat the test rows as fixed. Their claim is "on these rows, over new seeds", never "in the population": for
that see `obuchowski_rockette`. The distribution-free tests cannot reach a p below 2 / 2^n. If that is above the level
left by the correction for multiple comparisons, they return `UnderpoweredByDesign` instead of an uninformative "not
significant".
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from ctrlab_report.statistics.degenerate_results import ONE_SEED, Degenerate, is_constant
from ctrlab_report.statistics.input_checks import (
    FloatArray,
    as_finite_vector,
    require_open_unit_interval,
    require_same_length,
)

PAIRED_T = "paired-t"
SIGN_FLIP = "sign-flip-exact"
WILCOXON = "wilcoxon-signed-rank-exact"

# Up to this number of seeds all 2^n sign patterns are enumerated; above it, patterns are sampled.
_MAX_ENUMERATED_SEEDS = 16
_SAMPLED_PATTERNS = 99_999


@dataclass(frozen=True)
class PairedT:
    """Mean difference over seeds with its t interval; `correlation` of A and B over seeds shows the gain from pairing.

    `correlation` is None if one of the models does not vary.
    """

    method: str
    estimate: float
    sd: float
    se: float
    df: float
    statistic: float
    p: float
    low: float
    high: float
    confidence: float
    seeds: int
    correlation: float | None


@dataclass(frozen=True)
class ExactTest:
    """A distribution-free two-sided test of the paired differences; `minimum_p` is the smallest p it can reach.

    `statistic` is the mean difference (sign-flip) or the sum of the positive ranks (Wilcoxon).
    """

    method: str
    statistic: float
    p: float
    minimum_p: float
    seeds: int


@dataclass(frozen=True)
class UnderpoweredByDesign:
    """The test was not run: with `seeds` seeds its smallest possible p is above the level.

    `seeds_needed` is the smallest number of seeds with 2 / 2^n at or below `level` = alpha / comparisons.
    """

    method: str
    seeds: int
    minimum_p: float
    level: float
    seeds_needed: int


def paired_t(a: ArrayLike, b: ArrayLike, *, confidence: float = 0.95) -> PairedT | Degenerate:
    """Run Student's paired t-test of A minus B. Oracle: Student's sleep data, t -4.062128, p .002832890."""
    first, second = _pair(a, b)
    difference = first - second
    if (degenerate := _degenerate(PAIRED_T, first, second)) is not None:
        return degenerate
    result = stats.ttest_rel(first, second)
    interval = result.confidence_interval(require_open_unit_interval(confidence, "confidence"))
    sd = float(difference.std(ddof=1))
    return PairedT(
        method=PAIRED_T,
        estimate=float(difference.mean()),
        sd=sd,
        se=sd / float(np.sqrt(difference.size)),
        df=float(result.df),
        statistic=float(result.statistic),
        p=float(result.pvalue),
        low=float(interval.low),
        high=float(interval.high),
        confidence=confidence,
        seeds=difference.size,
        correlation=_correlation(first, second),
    )


def sign_flip(
    a: ArrayLike, b: ArrayLike, *, alpha: float = 0.05, comparisons: int = 1
) -> ExactTest | UnderpoweredByDesign | Degenerate:
    """Run the permutation test that flips the sign of each seed's difference; all 2^n patterns up to 16 seeds.

    Above 16 seeds, 99 999 patterns are sampled with a fixed random seed, under another method id.
    """
    first, second = _pair(a, b)
    if (degenerate := _degenerate(SIGN_FLIP, first, second)) is not None:
        return degenerate
    if (underpowered := _underpowered(SIGN_FLIP, first.size, alpha, comparisons)) is not None:
        return underpowered
    enumerated = first.size <= _MAX_ENUMERATED_SEEDS
    result = stats.permutation_test(
        (first - second,),
        np.mean,
        permutation_type="samples",
        n_resamples=2**first.size if enumerated else _SAMPLED_PATTERNS,
        vectorized=True,
        rng=np.random.default_rng(0),
    )
    method = SIGN_FLIP if enumerated else "sign-flip-sampled"
    return ExactTest(method, float(result.statistic), float(result.pvalue), minimum_p(first.size), first.size)


def wilcoxon_signed_rank(
    a: ArrayLike, b: ArrayLike, *, alpha: float = 0.05, comparisons: int = 1
) -> ExactTest | UnderpoweredByDesign | Degenerate:
    """Run Wilcoxon's signed-rank test with its exact distribution; with ties or zeros, the permutation distribution.

    Seeds with zero difference have no sign and are omitted. Oracle: Hollander and Wolfe, V 40, p .0390625.
    """
    first, second = _pair(a, b)
    if (degenerate := _degenerate(WILCOXON, first, second)) is not None:
        return degenerate
    difference = first - second
    nonzero = difference[difference != 0.0]
    if (underpowered := _underpowered(WILCOXON, nonzero.size, alpha, comparisons)) is not None:
        return underpowered
    ranks = stats.rankdata(np.abs(nonzero))
    tied = np.unique(ranks).size < ranks.size
    permuted = stats.PermutationMethod(n_resamples=2**_MAX_ENUMERATED_SEEDS, rng=np.random.default_rng(0))
    p = float(stats.wilcoxon(nonzero, method=permuted if tied else "exact").pvalue)
    return ExactTest(WILCOXON, float(ranks[nonzero > 0].sum()), p, minimum_p(nonzero.size), nonzero.size)


def minimum_p(seeds: int) -> float:
    """Return the smallest two-sided p of a sign-based test on `seeds` pairs: 2 / 2^n."""
    return 2.0 / 2.0**seeds


def _pair(a: ArrayLike, b: ArrayLike) -> tuple[FloatArray, FloatArray]:
    first, second = as_finite_vector(a, "metric of A"), as_finite_vector(b, "metric of B")
    require_same_length(first, second, "seeds of A and B")
    return first, second


def _degenerate(method: str, first: FloatArray, second: FloatArray) -> Degenerate | None:
    difference = first - second
    if difference.size < 2:
        return Degenerate(method, ONE_SEED, difference.size, float(difference[0]))
    if is_constant(difference, float(np.abs([first, second]).max())):
        reason = "the difference is the same for every seed, so its spread cannot be estimated"
        return Degenerate(method, reason, difference.size, float(difference.mean()))
    return None


def _underpowered(method: str, seeds: int, alpha: float, comparisons: int) -> UnderpoweredByDesign | None:
    level = require_open_unit_interval(alpha, "alpha") / max(comparisons, 1)
    if minimum_p(seeds) <= level:
        return None
    return UnderpoweredByDesign(method, seeds, minimum_p(seeds), level, int(np.ceil(1.0 - np.log2(level))))


def _correlation(first: FloatArray, second: FloatArray) -> float | None:
    if is_constant(first, float(np.abs(first).max())) or is_constant(second, float(np.abs(second).max())):
        return None
    return float(np.corrcoef(first, second)[0, 1])
