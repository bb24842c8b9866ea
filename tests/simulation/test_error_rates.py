"""Simulated type I error (nominal 5 %) and coverage (nominal 95 %) of the tests and intervals.

Every experiment samples test rows, and for each model an error per row (constant over seeds), an error per seed and an
error per row and seed. A and B have the same distribution, so the null hypothesis is true. Observed rates must be
within three Monte-Carlo standard errors of the nominal rates, on both sides.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from ctrlab_report.statistics.confidence_intervals import t_interval
from ctrlab_report.statistics.covariance import MetricCovariance, covariance_from_scores
from ctrlab_report.statistics.degenerate_results import Degenerate
from ctrlab_report.statistics.input_checks import FloatArray, IntArray
from ctrlab_report.statistics.obuchowski_rockette import compare_shared_seeds, estimate_model_mean
from ctrlab_report.statistics.paired_tests import paired_t
from ctrlab_report.statistics.row_clusters import RowClusters, cluster_rows
from ctrlab_report.statistics.single_run_estimates import compare_single_runs
from ctrlab_report.statistics.stein_two_stage import PairSpread, stein_two_stage
from ctrlab_report.statistics.supported_metrics import Metric

pytestmark = pytest.mark.slow

SIMULATIONS = 1000


@dataclass(frozen=True)
class Noise:
    """Standard deviations of the errors: of a model per row, of the signal strength per seed, of a seed per row."""

    row: float
    seed: float
    row_and_seed: float


TEST_ONLY, MIXED, SEED_ONLY = Noise(0.8, 0.02, 0.2), Noise(0.6, 0.15, 0.4), Noise(0.05, 0.3, 0.05)
SCENARIOS = [
    pytest.param(TEST_ONLY, id="test rows"),
    pytest.param(MIXED, id="both"),
    pytest.param(SEED_ONLY, id="seeds"),
]


STRENGTH = 1.2


def experiment(
    rng: np.random.Generator, noise: Noise, seeds: int, clicks: int = 250, gain: float = 0.0
) -> tuple[IntArray, FloatArray]:
    """Return labels of 4 x `clicks` rows, and scores of A's seeds, then B's; the signal of A is stronger by `gain`."""
    labels = np.repeat([1, 0], [clicks, 3 * clicks])
    shared = rng.normal(size=labels.size)
    scores = []
    for model_gain in (gain, 0.0):
        model_error = noise.row * rng.normal(size=labels.size)
        for _ in range(seeds):
            strength = STRENGTH + model_gain + noise.seed * rng.normal()
            scores.append(strength * labels + shared + model_error + noise.row_and_seed * rng.normal(size=labels.size))
    return labels, np.array(scores, dtype=np.float32)


def is_rejected(covariance: MetricCovariance, pilot: int | None = None) -> bool:
    half = covariance.estimates.size // 2
    a, b = covariance.estimates[:half], covariance.estimates[half:]
    result = compare_shared_seeds(a, b, covariance.matrix, test_df=covariance.test_df, pilot_seeds=pilot)
    assert not isinstance(result, Degenerate)
    return result.p <= 0.05


def assert_nominal(rejections: list[bool]) -> None:
    share, standard_error = float(np.mean(rejections)), (0.05 * 0.95 / len(rejections)) ** 0.5
    print(f"error {share:.4f} of {len(rejections)}")
    assert abs(share - 0.05) <= 3 * standard_error, f"type I error {share:.3f}"


def assert_at_most(level: float, rejections: list[bool]) -> None:
    share, standard_error = float(np.mean(rejections)), (level * (1 - level) / len(rejections)) ** 0.5
    print(f"error {share:.4f} of {len(rejections)}")
    assert share <= level + 3 * standard_error, f"error {share:.3f}"


@pytest.mark.parametrize("noise", SCENARIOS)
@pytest.mark.parametrize("seeds", [5, 8])
def test_two_source_comparison_keeps_its_level(noise: Noise, seeds: int) -> None:
    rng = np.random.default_rng(1)
    assert_nominal(
        [
            is_rejected(covariance_from_scores(Metric.AUC, *as_blocks(experiment(rng, noise, seeds))))
            for _ in range(SIMULATIONS)
        ]
    )


def as_blocks(data: tuple[IntArray, FloatArray]) -> tuple[IntArray, list[FloatArray]]:
    return data[0], [data[1]]


def population_auc(noise: Noise, strength: float) -> float:
    """Return the mean AUC over all seeds and rows: Phi of the strength, averaged over its normal distribution."""
    row_variance = 2.0 * (1.0 + noise.row**2 + noise.row_and_seed**2)
    return float(stats.norm.cdf(strength / np.sqrt(row_variance + noise.seed**2)))


@pytest.mark.parametrize("noise", SCENARIOS)
def test_intervals_cover_the_population_difference_and_mean(noise: Noise) -> None:
    """A is better by a known amount; the interval of the difference and that of the mean of A keep their level."""
    rng, gain, seeds = np.random.default_rng(8), 0.15, 8
    auc_a, auc_b = population_auc(noise, STRENGTH + gain), population_auc(noise, STRENGTH)
    missed_difference: list[bool] = []
    missed_mean: list[bool] = []
    for _ in range(SIMULATIONS):
        covariance = covariance_from_scores(Metric.AUC, *as_blocks(experiment(rng, noise, seeds, gain=gain)))
        a, b = covariance.estimates[:seeds], covariance.estimates[seeds:]
        comparison = compare_shared_seeds(a, b, covariance.matrix, test_df=covariance.test_df)
        mean = estimate_model_mean(a, covariance.matrix[:seeds, :seeds], test_df=covariance.test_df)
        assert not isinstance(comparison, Degenerate)
        assert not isinstance(mean, Degenerate)
        missed_difference.append(not comparison.low <= auc_a - auc_b <= comparison.high)
        missed_mean.append(not mean.low <= auc_a <= mean.high)
    assert_nominal(missed_difference)
    if noise is SEED_ONLY:
        # With a seed standard deviation of .05 in AUC the AUC is skewed: the interval of one model misses in about 7 %
        # of experiments (7.4 % of 1 000; in 3 000 others 4.7 % were above the true value and 2.0 % below).
        assert_at_most(0.07, missed_mean)
    else:
        assert_nominal(missed_mean)


def test_paired_t_over_seeds_rejects_far_too_often_when_test_rows_dominate() -> None:
    rng = np.random.default_rng(2)
    rejections = []
    for _ in range(200):
        covariance = covariance_from_scores(Metric.AUC, *as_blocks(experiment(rng, TEST_ONLY, 5)))
        result = paired_t(covariance.estimates[:5], covariance.estimates[5:])
        assert not isinstance(result, Degenerate)
        rejections.append(result.p <= 0.05)
    assert np.mean(rejections) > 0.5


def test_rows_of_one_user_need_clusters() -> None:
    rng = np.random.default_rng(3)
    users, per_user = 100, 20
    ids = np.repeat(np.arange(users), per_user)
    clusters = cluster_rows(ids)
    iid: list[bool] = []
    clustered: list[bool] = []
    for _ in range(SIMULATIONS):
        labels = (rng.random(ids.size) < 0.3).astype(np.int64)
        user_error = 0.7 * rng.normal(size=(2, users, 2))
        base = labels + rng.normal(size=ids.size)
        errors = np.where(labels == 1, user_error[:, ids, 0], user_error[:, ids, 1])
        scores = base + errors + 0.3 * rng.normal(size=(2, ids.size))
        for rejections, row_clusters in ((iid, None), (clustered, clusters)):
            rejections.append(_difference_of_two_runs_is_rejected(labels, scores, row_clusters))
    assert np.mean(iid) > 0.15
    assert_nominal(clustered)


def _difference_of_two_runs_is_rejected(labels: IntArray, scores: FloatArray, clusters: RowClusters | None) -> bool:
    result = compare_single_runs(covariance_from_scores(Metric.AUC, labels, [scores], clusters=clusters))
    assert not isinstance(result, Degenerate)
    return result.p <= 0.05


@pytest.mark.parametrize(
    ("noise", "half_width"),
    [pytest.param(MIXED, 0.0235, id="both"), pytest.param(SEED_ONLY, 0.048, id="seeds")],
)
def test_two_stage_extension_keeps_the_level(noise: Noise, half_width: float) -> None:
    """A pilot of 8 is extended once, up to 20, by its spread; the final spread is that of the pilot."""
    rng = np.random.default_rng(4)
    pilot, maximum = 8, 20
    rejections, sizes = [], set()
    for _ in range(SIMULATIONS):
        labels, scores = experiment(rng, noise, maximum, clicks=125)
        covariance = covariance_from_scores(Metric.AUC, labels, [scores])
        spread = float((covariance.estimates[:pilot] - covariance.estimates[maximum : maximum + pilot]).std(ddof=1))
        extension = stein_two_stage({"A-B": PairSpread(spread)}, pilot=pilot, maximum=maximum, half_width=half_width)
        sizes.add(extension.seeds)
        selected = [*range(extension.seeds), *range(maximum, maximum + extension.seeds)]
        rejections.append(is_rejected(covariance.select(selected), pilot))
    assert len(sizes) > 8, "the extension must depend on the spread, otherwise this test is vacuous"
    assert_nominal(rejections)


def test_pilot_of_five_errs_more_often_than_one_of_eight() -> None:
    """If seed variance dominates, a pilot of 5 can err in up to 7 % of experiments; 8 are recommended."""
    rng, pilot, maximum = np.random.default_rng(9), 5, 20
    rejections = []
    for _ in range(SIMULATIONS):
        labels, scores = experiment(rng, SEED_ONLY, maximum, clicks=125)
        covariance = covariance_from_scores(Metric.AUC, labels, [scores])
        spread = float((covariance.estimates[:pilot] - covariance.estimates[maximum : maximum + pilot]).std(ddof=1))
        extension = stein_two_stage({"A-B": PairSpread(spread)}, pilot=pilot, maximum=maximum, half_width=0.048)
        selected = [*range(extension.seeds), *range(maximum, maximum + extension.seeds)]
        rejections.append(is_rejected(covariance.select(selected), pilot))
    assert_at_most(0.07, rejections)


def skewed(rng: np.random.Generator, seeds: int) -> FloatArray:
    """Return log-normal values minus their mean."""
    return np.asarray(rng.lognormal(sigma=0.5, size=seeds) - np.exp(0.125))


def with_diverged_runs(rng: np.random.Generator, seeds: int) -> FloatArray:
    """Return normal values of which one in ten is lower by four standard deviations, minus their mean."""
    return np.asarray(rng.normal(size=seeds) - 4.0 * (rng.random(seeds) < 0.1) + 0.4)


@pytest.mark.parametrize("sample", [skewed, with_diverged_runs])
@pytest.mark.parametrize("seeds", [5, 10, 20])
def test_nonnormal_seeds_reduce_the_coverage_of_the_percentile_bootstrap_more_than_that_of_t(
    sample: Callable[[np.random.Generator, int], FloatArray], seeds: int
) -> None:
    rng = np.random.default_rng(10)
    by_t: list[bool] = []
    by_percentile: list[bool] = []
    for _ in range(2 * SIMULATIONS):
        values = sample(rng, seeds)
        result = t_interval(values)
        assert not isinstance(result, Degenerate)
        by_t.append(result.low <= 0.0 <= result.high)
        means = values[rng.integers(0, seeds, (999, seeds))].mean(axis=1)
        low, high = np.quantile(means, [0.025, 0.975])
        by_percentile.append(bool(low <= 0.0 <= high))
    print(f"t covers {np.mean(by_t):.3f}, percentile bootstrap {np.mean(by_percentile):.3f}")
    assert np.mean(by_t) > 0.85, f"covers {np.mean(by_t):.3f}"
    assert np.mean(by_t) > np.mean(by_percentile) + 0.01, f"bootstrap covers {np.mean(by_percentile):.3f}"


def test_stein_intervals_cover_for_any_number_of_added_seeds() -> None:
    rng = np.random.default_rng(5)
    covered = []
    for _ in range(4 * SIMULATIONS):
        seeds = rng.normal(size=60)
        pilot_sd = float(seeds[:8].std(ddof=1))
        extension = stein_two_stage({"A-B": PairSpread(pilot_sd)}, pilot=8, maximum=60, half_width=0.6)
        result = compare_shared_seeds(
            seeds[: extension.seeds], np.zeros(extension.seeds), np.zeros((2 * extension.seeds,) * 2), pilot_seeds=8
        )
        assert not isinstance(result, Degenerate)
        covered.append(result.low <= 0.0 <= result.high)
    assert_nominal([not is_covered for is_covered in covered])


@pytest.mark.parametrize("seeds", [5, 10, 20])
def test_t_interval_covers_a_normal_mean(seeds: int) -> None:
    rng = np.random.default_rng(6)
    covered = []
    for _ in range(4 * SIMULATIONS):
        result = t_interval(rng.normal(size=seeds))
        assert not isinstance(result, Degenerate)
        covered.append(result.low <= 0.0 <= result.high)
    assert_nominal([not is_covered for is_covered in covered])


def test_adding_seeds_until_significance_rejects_too_often() -> None:
    rng = np.random.default_rng(7)
    rejections = []
    for _ in range(SIMULATIONS):
        difference = rng.normal(size=20)
        interim_tests = [paired_t(difference[:n], np.zeros(n)) for n in (5, 10, 15, 20)]
        rejections.append(any(test.p <= 0.05 for test in interim_tests if not isinstance(test, Degenerate)))
    assert np.mean(rejections) > 0.09
