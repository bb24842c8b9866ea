"""Properties of comparisons of any two models: swapping, more seeds, and limits of the two-source comparison."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrlab_report.statistics.degenerate_results import Degenerate
from ctrlab_report.statistics.equivalence import rope_posterior, tost
from ctrlab_report.statistics.input_checks import FloatArray
from ctrlab_report.statistics.multiple_testing import Correction, adjust
from ctrlab_report.statistics.obuchowski_rockette import compare_shared_seeds, compare_unshared_seeds
from ctrlab_report.statistics.paired_tests import paired_t
from ctrlab_report.statistics.power_and_precision import seeds_for_half_width
from ctrlab_report.statistics.two_source_estimates import TwoSourceComparison

Experiment = tuple[FloatArray, FloatArray, FloatArray]


@st.composite
def experiments(draw: st.DrawFn) -> Experiment:
    """Generate metrics of A and B over shared seeds, and the covariance of their runs."""
    seeds, root = draw(st.integers(2, 12)), draw(st.integers(0, 10_000))
    rng = np.random.default_rng(root)
    influence = rng.normal(size=(2 * seeds, 50)) + 2 * rng.normal(size=50)
    a, b = rng.normal(0.7, 0.01, (2, seeds))
    return a, b, influence @ influence.T * 1e-6


def compare(experiment: Experiment) -> TwoSourceComparison:
    result = compare_shared_seeds(*experiment)
    assert not isinstance(result, Degenerate)
    return result


@given(experiments())
def test_swapping_the_models_only_negates_the_difference(experiment: Experiment) -> None:
    a, b, covariance = experiment
    order = np.roll(np.arange(2 * a.size), a.size)
    forward, backward = compare(experiment), compare((b, a, covariance[np.ix_(order, order)]))
    assert backward.estimate == pytest.approx(-forward.estimate)
    assert (backward.low, backward.high) == pytest.approx((-forward.high, -forward.low))
    assert (backward.se, backward.df, backward.p) == pytest.approx((forward.se, forward.df, forward.p))


@given(experiments())
def test_standard_error_is_at_least_that_over_seeds_and_at_least_the_limit(experiment: Experiment) -> None:
    result, over_seeds = compare(experiment), paired_t(*experiment[:2])
    assert not isinstance(over_seeds, Degenerate)
    assert result.se >= over_seeds.se * (1 - 1e-12)
    assert result.se >= result.se_limit
    assert result.df >= over_seeds.df * (1 - 1e-12)


@given(experiments())
def test_without_test_sample_variance_it_equals_the_paired_t_test(experiment: Experiment) -> None:
    a, b, covariance = experiment
    result, over_seeds = compare((a, b, np.zeros_like(covariance))), paired_t(a, b)
    assert not isinstance(over_seeds, Degenerate)
    assert result.clamped
    assert (result.p, result.low, result.high) == pytest.approx((over_seeds.p, over_seeds.low, over_seeds.high))


@given(experiments())
def test_negative_test_variance_is_clamped_and_marked(experiment: Experiment) -> None:
    a, b, covariance = experiment
    negative = covariance.copy()
    negative[: a.size, a.size :] += 1.0
    negative[a.size :, : a.size] += 1.0
    result = compare((a, b, negative))
    assert result.clamped
    assert result.test_variance == 0.0


@given(experiments())
def test_many_seeds_leave_the_test_sample_variance(experiment: Experiment) -> None:
    a, b, _ = experiment
    result = compare(experiment)
    cov2, cov3 = result.covariances.cov2, result.covariances.cov3 or 0.0
    many = 200
    rng = np.random.default_rng(0)
    block, across = np.full((many, many), cov2), np.full((many, many), cov3)
    spread = (a - b).std(ddof=1)
    differences = spread * rng.normal(size=many)
    limit = compare((differences, np.zeros(many), np.block([[block, across], [across, block]])))
    assert limit.test_variance == pytest.approx(result.test_variance, rel=1e-6, abs=1e-12)
    assert limit.seed_variance == pytest.approx(spread**2 / many, rel=0.5)


@given(experiments())
def test_few_clusters_widen_the_interval_and_many_do_not(experiment: Experiment) -> None:
    infinite = compare(experiment)
    few = compare_shared_seeds(*experiment, test_df=3.0)
    many = compare_shared_seeds(*experiment, test_df=1e9)
    assert isinstance(few, TwoSourceComparison)
    assert isinstance(many, TwoSourceComparison)
    assert few.df <= infinite.df
    assert many.high == pytest.approx(infinite.high, rel=1e-6)


@given(experiments())
def test_unshared_seeds_have_both_variances_in_the_seed_part(experiment: Experiment) -> None:
    a, b, covariance = experiment
    result = compare_unshared_seeds(a, b, covariance)
    assert isinstance(result, TwoSourceComparison)
    assert result.seed_variance == pytest.approx((a.var(ddof=1) + b.var(ddof=1)) / a.size)


@given(st.floats(1e-5, 1.0), st.floats(0.0, 1e-2), st.floats(1e-4, 1.0), st.sampled_from([None, 5, 8]))
def test_seeds_for_a_half_width_are_sufficient_and_one_fewer_is_not(
    seed_sd: float, test_variance: float, half_width: float, pilot: int | None
) -> None:
    result = seeds_for_half_width(seed_sd, test_variance, half_width, pilot=pilot)
    if result.seeds is None:
        assert result.limit >= half_width
        return
    assert result.limit < half_width
    if pilot is None and 2 < result.seeds <= 200:
        assert _half_width(seed_sd, test_variance, result.seeds) <= half_width * (1 + 1e-9)
        assert _half_width(seed_sd, test_variance, result.seeds - 1) > half_width * (1 - 1e-9)


def _half_width(seed_sd: float, test_variance: float, seeds: int) -> float:
    """Return the half-width of an experiment with exactly this spread and test-sample variance."""
    values = np.resize([1.0, -1.0], seeds) + np.linspace(0, 0.1, seeds)
    values = seed_sd * (values - values.mean()) / values.std(ddof=1)
    block, zero = np.full((seeds, seeds), test_variance / 2), np.zeros((seeds, seeds))
    result = compare_shared_seeds(values, np.zeros(seeds), np.block([[block, zero], [zero, block]]))
    assert isinstance(result, TwoSourceComparison)
    return (result.high - result.low) / 2


@given(st.floats(-3, 3), st.floats(0.01, 2), st.floats(1, 100), st.floats(0.01, 3))
def test_equivalence_means_the_interval_is_within_the_margin(
    estimate: float, se: float, df: float, margin: float
) -> None:
    result = tost(estimate, se, df, margin)
    within = -margin <= result.low and result.high <= margin
    if abs(result.p - result.alpha) > 1e-9:
        assert result.equivalent == within


@given(st.floats(-3, 3), st.floats(0.01, 2), st.floats(1, 100), st.floats(0.01, 3))
def test_posterior_probabilities_sum_to_one(estimate: float, se: float, df: float, margin: float) -> None:
    rope = rope_posterior(estimate, se, df, margin)
    assert rope.below + rope.within + rope.above == pytest.approx(1.0)
    mirrored = rope_posterior(-estimate, se, df, margin)
    assert (mirrored.below, mirrored.above) == pytest.approx((rope.above, rope.below))


# statsmodels collects garbage in every Holm call, which takes a tenth of a second in a large process.
@settings(max_examples=20)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_adjusted_p_is_not_smaller_and_keeps_the_order(p_values: list[float]) -> None:
    for correction in Correction:
        adjusted = np.array(adjust(p_values, correction).adjusted, dtype=np.float64)
        assert (adjusted >= np.array(p_values) - 1e-12).all()
        assert (np.diff(adjusted[np.argsort(p_values)]) >= -1e-12).all()
