"""Estimates whose standard error has a seed part and a test-sample part, and the covariances behind it."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from ctrlab_report.statistics.errors import MisalignedInput
from ctrlab_report.statistics.input_checks import FloatArray
from ctrlab_report.statistics.students_t import confidence_limits, satterthwaite_df, two_sided_p


@dataclass(frozen=True)
class ErrorCovariances:
    """Mean test-sample covariances of run metrics, in metric units squared (Obuchowski and Rockette 1995).

    `variance` is that of one run. `cov1`: same seed, different models; `cov2`: different seeds, same model; `cov3`:
    different seeds, different models. For one model `cov1` and `cov3` are None; without shared seeds `cov1` is None.
    """

    variance: float
    cov1: float | None
    cov2: float
    cov3: float | None


@dataclass(frozen=True)
class VarianceParts:
    """The squared standard error of an estimate by source.

    `seed` is a list of independent (variance, degrees of freedom), `test` the test-sample variance with `test_df`.
    `test` can be negative by sampling error and then counts as zero.
    """

    seed: list[tuple[float, float]]
    test: float
    test_df: float


@dataclass(frozen=True)
class TwoSourceEstimate:
    """A mean over seeds (of a metric, or of a difference) with its total standard error and interval.

    `seed_variance` + `test_variance` = `se`^2. `seeds` is the number of seeds in the mean, `spread_seeds` the number
    from which the seed variance was estimated (fewer after a two-stage extension). `clamped`: the test-sample part was
    negative and was set to zero.
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
        """Share of the squared standard error that more seeds would reduce; the rest is due to the test sample."""
        return self.seed_variance / (self.seed_variance + self.test_variance)

    @property
    def se_limit(self) -> float:
        """The standard error with infinitely many seeds; only more test rows reduce it further."""
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
        """Combine the variance parts into standard error, degrees of freedom and interval.

        Degrees of freedom by Satterthwaite; with one seed part they equal those of Hillis 2007.
        """
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
    """A difference of two models; `statistic` and `p` test the hypothesis that it is zero."""

    @property
    def statistic(self) -> float:
        """estimate / se."""
        return self.estimate / self.se

    @property
    def p(self) -> float:
        """Two-sided p of the hypothesis of no difference in the population of seeds and test rows."""
        return two_sided_p(self.statistic, self.df)


def error_covariances(matrix: FloatArray, first: int, second: int, *, shared: bool) -> ErrorCovariances:
    """Average a covariance matrix over `first` runs of A followed by `second` runs of B (0 for a single model).

    `shared`: run j of A and run j of B have the same seed. Raises MisalignedInput for any other shape.
    """
    if matrix.shape != (first + second, first + second):
        raise MisalignedInput(
            f"covariance: found shape {matrix.shape}, expected {first + second} runs: {first} of A, then {second} of B"
        )
    variance = float(np.trace(matrix)) / (first + second)
    block_a, block_b, across = matrix[:first, :first], matrix[first:, first:], matrix[:first, first:]
    if second == 0:
        return ErrorCovariances(variance, None, mean_off_diagonal(block_a), None)
    cov2 = 0.5 * (mean_off_diagonal(block_a) + mean_off_diagonal(block_b))
    if shared:
        return ErrorCovariances(variance, float(np.trace(across)) / first, cov2, mean_off_diagonal(across))
    return ErrorCovariances(variance, None, cov2, float(across.mean()))


def mean_off_diagonal(block: FloatArray) -> float:
    """Return the mean of the off-diagonal entries of a square block (covariances of different runs)."""
    size = len(block)
    return (float(block.sum()) - float(np.trace(block))) / (size * (size - 1))
