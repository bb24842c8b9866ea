"""Estimates whose standard error has a seed part and a test-sample part, and the covariances it is made of."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from ctrlab_report.statistics.errors import MisalignedInput
from ctrlab_report.statistics.input_checks import FloatArray
from ctrlab_report.statistics.students_t import confidence_limits, satterthwaite_df, two_sided_p


@dataclass(frozen=True)
class ErrorCovariances:
    """Mean test-sample covariances of run metrics, in metric units squared (Obuchowski and Rockette 1995).

    `variance` of one run; `cov1` same seed, different models; `cov2` different seeds, same model; `cov3` different
    seeds, different models. For one model `cov1` and `cov3` are None; where seeds are not shared `cov1` is None.
    """

    variance: float
    cov1: float | None
    cov2: float
    cov3: float | None


@dataclass(frozen=True)
class VarianceParts:
    """The squared standard error of an estimate by source.

    `seed` is a list of independent (variance, degrees of freedom), `test` the test-sample variance with `test_df`.
    `test` may come out negative by sampling error and is then taken as zero.
    """

    seed: list[tuple[float, float]]
    test: float
    test_df: float


@dataclass(frozen=True)
class TwoSourceEstimate:
    """A mean over seeds (of a metric, or of a difference) with its total standard error and interval.

    `seed_variance` + `test_variance` = `se`^2. `seeds` are those in the mean, `spread_seeds` those the seed spread was
    taken from (fewer after a two-stage extension). `clamped`: the test part came out negative and was set to zero.
    """

    method: str
    estimate: float
    se: float
    df: float
    low: float
    high: float
    confidence: float
    seeds: int
    spread_seeds: int
    seed_variance: float
    test_variance: float
    clamped: bool
    covariances: ErrorCovariances

    @property
    def seed_share(self) -> float:
        """Share of the squared standard error that more seeds would shrink; the rest belongs to the test sample."""
        return self.seed_variance / (self.seed_variance + self.test_variance)

    @property
    def se_limit(self) -> float:
        """The standard error that infinitely many seeds would leave: only more test rows go below it."""
        return float(np.sqrt(self.test_variance))

    @classmethod
    def from_parts(
        cls,
        method: str,
        estimate: float,
        parts: VarianceParts,
        covariances: ErrorCovariances,
        confidence: float,
        seeds: int,
        spread_seeds: int,
    ) -> Self:
        """Standard error and Satterthwaite degrees of freedom of the sum; with one seed part these are Hillis' 2007."""
        seed, test = sum(variance for variance, _ in parts.seed), max(parts.test, 0.0)
        se = float(np.sqrt(seed + test))
        df = satterthwaite_df([*parts.seed, (test, parts.test_df)])
        low, high = confidence_limits(estimate, se, df, confidence)
        clamped = parts.test <= 0.0
        return cls(
            method, estimate, se, df, low, high, confidence, seeds, spread_seeds, seed, test, clamped, covariances
        )


@dataclass(frozen=True)
class TwoSourceComparison(TwoSourceEstimate):
    """A difference of two models; `statistic` and `p` test that it is zero."""

    @property
    def statistic(self) -> float:
        """estimate / se."""
        return self.estimate / self.se

    @property
    def p(self) -> float:
        """Two-sided p of no difference in the population of seeds and test rows."""
        return two_sided_p(self.statistic, self.df)


def error_covariances(matrix: FloatArray, first: int, second: int, *, shared: bool) -> ErrorCovariances:
    """Average a run covariance over `first` runs of A followed by `second` runs of B (0 for one model alone).

    `shared`: run j of A and run j of B have the same seed. Raises MisalignedInput for any other shape.
    """
    if matrix.shape != (first + second, first + second):
        raise MisalignedInput(
            f"covariance: found shape {matrix.shape}, expected {first + second} runs: {first} of A, then {second} of B"
        )
    variance = float(np.trace(matrix)) / (first + second)
    of_a, of_b, across = matrix[:first, :first], matrix[first:, first:], matrix[:first, first:]
    if second == 0:
        return ErrorCovariances(variance, None, mean_off_diagonal(of_a), None)
    cov2 = 0.5 * (mean_off_diagonal(of_a) + mean_off_diagonal(of_b))
    if shared:
        return ErrorCovariances(variance, float(np.trace(across)) / first, cov2, mean_off_diagonal(across))
    return ErrorCovariances(variance, None, cov2, float(across.mean()))


def mean_off_diagonal(block: FloatArray) -> float:
    """Mean of the entries of a square block whose row and column are different runs."""
    size = len(block)
    return (float(block.sum()) - float(np.trace(block))) / (size * (size - 1))
