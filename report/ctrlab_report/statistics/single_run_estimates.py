"""Inference from one run of each model, with the test-sample error only.

Imported predictions often consist of one run. The difference of two runs has a test-sample error and an unknown seed
error, so a claim holds for these two trained networks on new rows, not for the two models. For AUC this is DeLong's
test (DeLong et al. 1988); with clusters it is Obuchowski's (1997), as t with clusters - 1 degrees of freedom.
"""

from dataclasses import dataclass

import numpy as np

from ctrlab_report.statistics.covariance import MetricCovariance
from ctrlab_report.statistics.degenerate_results import Degenerate
from ctrlab_report.statistics.errors import MisalignedInput
from ctrlab_report.statistics.students_t import confidence_limits, two_sided_p

ONE_RUN = "test-sample-only-one-run"
TWO_RUNS = "test-sample-only-two-runs"

# Below this share of the larger variance, the variance of a difference is a rounding error of equal influence.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class SingleRunEstimate:
    """A metric of one run with its test-sample interval; the seed variance is unknown."""

    method: str
    estimate: float
    se: float
    df: float
    low: float
    high: float
    confidence: float


@dataclass(frozen=True)
class SingleRunDifference(SingleRunEstimate):
    """Difference of two runs on the same rows; `statistic` and `p` test zero difference of these two networks only."""

    statistic: float
    p: float


def estimate_single_run(covariance: MetricCovariance, run: int = 0, *, confidence: float = 0.95) -> SingleRunEstimate:
    """Return the test-sample interval of one run of `covariance`."""
    estimate, se = float(covariance.estimates[run]), float(np.sqrt(covariance.matrix[run, run]))
    low, high = confidence_limits(estimate, se, covariance.test_df, confidence)
    return SingleRunEstimate(ONE_RUN, estimate, se, covariance.test_df, low, high, confidence)


def compare_single_runs(covariance: MetricCovariance, *, confidence: float = 0.95) -> SingleRunDifference | Degenerate:
    """Compare the first run minus the second of a covariance over exactly two runs.

    Degenerate if both runs have the same influence on every row. Oracle: the license-free DeLong table, z 1.05907463,
    p .28956579.
    """
    if covariance.estimates.size != 2:
        raise MisalignedInput(
            f"runs: found {covariance.estimates.size}, expected 2; select them with `covariance.select`"
        )
    matrix = covariance.matrix
    estimate = float(covariance.estimates[0] - covariance.estimates[1])
    variance = float(matrix[0, 0] + matrix[1, 1] - 2.0 * matrix[0, 1])
    if variance <= _ROUNDING * float(np.diag(matrix).max()):
        return Degenerate(TWO_RUNS, "both runs have the same influence on every test row", 1, estimate)
    se = float(np.sqrt(variance))
    low, high = confidence_limits(estimate, se, covariance.test_df, confidence)
    p = two_sided_p(estimate / se, covariance.test_df)
    return SingleRunDifference(TWO_RUNS, estimate, se, covariance.test_df, low, high, confidence, estimate / se, p)
