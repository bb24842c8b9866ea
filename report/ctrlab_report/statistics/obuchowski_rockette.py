"""Comparison of two models, and the mean of one, with both sources of variance: the seeds and the test sample.

All seeds are scored on one test set, so the variance between seeds does not include the luck of a model with these
rows, and a t-test over seeds finds a difference between equal models in up to 80 % of experiments. Medical imaging
solved the same problem as multi-reader multi-case analysis (Obuchowski and Rockette 1995; degrees of freedom by Hillis
2007): reader = seed, case = test row, treatment = model.

Two models A and B with r shared seeds, d_j = metric(A, seed j) - metric(B, seed j):

    SE^2 = var(d) / r + 2 max(Cov2 - Cov3, 0)        seed part + test-sample part
    df   = SE^4 / ((var(d) / r)^2 / (r - 1))         t = mean(d) / SE

Cov2 is the mean test-sample covariance of two seeds of one model, Cov3 of two seeds of different models. Sampling
error can make Cov2 - Cov3 negative; it is then set to zero, `clamped` is true, and the result equals the paired t-test
over seeds.

With rows clustered by user the test-sample part has clusters - 1 degrees of freedom instead of infinitely many and
enters the same Satterthwaite formula: df = SE^4 / (seed part^2 / (r - 1) + test part^2 / (clusters - 1)).

After a two-stage extension the seed variance and its degrees of freedom are those of the pilot seeds, which come first
in the arrays: the number of seeds was chosen from that variance, and only then does the interval keep its level (Stein
1945).

Oracle: Van Dyke data in R's MRMCaov, 2 treatments x 5 readers, t -2.117747, df 15.06611, p .05123303.
"""

import numpy as np
from numpy.typing import ArrayLike

from ctrlab_report.statistics.degenerate_results import EQUAL_SEEDS, ONE_SEED, Degenerate, is_constant
from ctrlab_report.statistics.errors import TooFewSeeds
from ctrlab_report.statistics.input_checks import FloatArray, as_finite_vector, require_same_length
from ctrlab_report.statistics.two_source_estimates import (
    TwoSourceComparison,
    TwoSourceEstimate,
    VarianceParts,
    error_covariances,
)

SHARED_SEEDS = "or-hillis-shared-seeds"
UNSHARED_SEEDS = "or-unshared-seeds"
ONE_MODEL = "or-hillis-one-model"


def compare_shared_seeds(
    a: ArrayLike,
    b: ArrayLike,
    covariance: FloatArray,
    *,
    test_df: float = np.inf,
    confidence: float = 0.95,
    pilot_seeds: int | None = None,
) -> TwoSourceComparison | Degenerate:
    """Compare A minus B where seed j of A and seed j of B differ only in the model: the primary comparison.

    `a`, `b` (r) are metric values; `covariance` (2r x 2r) is `MetricCovariance.matrix` of A's runs, then B's, and
    `test_df` its `test_df`. `pilot_seeds` is defined in the module docstring. Raises MisalignedInput, NotFinite or
    TooFewSeeds.
    """
    first, second = as_finite_vector(a, "metric of A"), as_finite_vector(b, "metric of B")
    require_same_length(first, second, "seeds of A and B")
    difference, scale = first - second, float(np.abs([first, second]).max())
    pilot = _spread_seeds(pilot_seeds, first.size)
    if (reason := _degenerate_reason(difference, pilot, scale)) is not None:
        return Degenerate(SHARED_SEEDS, reason, first.size, float(difference.mean()))
    covariances = error_covariances(covariance, first.size, second.size, shared=True)
    parts = VarianceParts(
        seed=[(float(difference[:pilot].var(ddof=1)) / first.size, pilot - 1)],
        test=2.0 * (covariances.cov2 - (covariances.cov3 or 0.0)),
        test_df=test_df,
    )
    return TwoSourceComparison.from_parts(
        SHARED_SEEDS, float(difference.mean()), parts, covariances, confidence, first.size, pilot
    )


def compare_unshared_seeds(
    a: ArrayLike, b: ArrayLike, covariance: FloatArray, *, test_df: float = np.inf, confidence: float = 0.95
) -> TwoSourceComparison | Degenerate:
    """Compare A minus B where the models were trained with different seeds, possibly a different number of them.

    SE^2 = var(a) / r_a + var(b) / r_b + max(Cov2_a + Cov2_b - 2 Cov3, 0): seeds nested in models, test rows crossed.
    """
    first, second = as_finite_vector(a, "metric of A"), as_finite_vector(b, "metric of B")
    estimate, scale = float(first.mean() - second.mean()), float(max(np.abs(first).max(), np.abs(second).max()))
    for values in (first, second):
        if (reason := _degenerate_reason(values, values.size, scale)) is not None:
            return Degenerate(UNSHARED_SEEDS, reason, min(first.size, second.size), estimate)
    covariances = error_covariances(covariance, first.size, second.size, shared=False)
    parts = VarianceParts(
        seed=[(float(values.var(ddof=1)) / values.size, values.size - 1) for values in (first, second)],
        test=2.0 * (covariances.cov2 - (covariances.cov3 or 0.0)),
        test_df=test_df,
    )
    seeds = min(first.size, second.size)
    return TwoSourceComparison.from_parts(UNSHARED_SEEDS, estimate, parts, covariances, confidence, seeds, seeds)


def estimate_model_mean(
    values: ArrayLike,
    covariance: FloatArray,
    *,
    test_df: float = np.inf,
    confidence: float = 0.95,
    pilot_seeds: int | None = None,
) -> TwoSourceEstimate | Degenerate:
    """Estimate the mean of one model over seeds, with the single-treatment interval of Hillis 2007.

    SE^2 = var / r + max(Cov2, 0). Arguments as in `compare_shared_seeds`, with `covariance` (r x r).
    """
    metric = as_finite_vector(values, "metric values")
    pilot = _spread_seeds(pilot_seeds, metric.size)
    if (reason := _degenerate_reason(metric, pilot, float(np.abs(metric).max()))) is not None:
        return Degenerate(ONE_MODEL, reason, metric.size, float(metric.mean()))
    covariances = error_covariances(covariance, metric.size, 0, shared=True)
    seed = [(float(metric[:pilot].var(ddof=1)) / metric.size, float(pilot - 1))]
    parts = VarianceParts(seed, covariances.cov2, test_df)
    return TwoSourceEstimate.from_parts(
        ONE_MODEL, float(metric.mean()), parts, covariances, confidence, metric.size, pilot
    )


def _spread_seeds(pilot_seeds: int | None, seeds: int) -> int:
    """Return the number of leading seeds from which the seed variance is estimated."""
    if pilot_seeds is None:
        return seeds
    if not 2 <= pilot_seeds <= seeds:
        raise TooFewSeeds(
            f"pilot seeds: found {pilot_seeds}, allowed are 2 to {seeds}, the number of seeds that were run"
        )
    return pilot_seeds


def _degenerate_reason(per_seed: FloatArray, pilot: int, scale: float) -> str | None:
    """Return the reason why no spread between seeds can be estimated; None if it can."""
    if per_seed.size < 2:
        return ONE_SEED
    return EQUAL_SEEDS if is_constant(per_seed[:pilot], scale) else None
