"""Do the tests reject true null hypotheses in 5 % of experiments, and do the intervals cover in 95 %?

Every experiment draws test rows, and for each model an error on every row (which stays over seeds), an error for every
seed and an error for every row and seed. A and B follow the same law, so no difference is real. Observed shares must
lie within three Monte-Carlo standard errors of the nominal ones, on both sides.
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
    """Standard deviations of the errors: of a model on a row, of a seed's strength, of a seed on a row."""

    row: float
    seed: float
    row_and_seed: float


TEST_ONLY, MIXED, SEED_ONLY = Noise(0.8, 0.02, 0.2), Noise(0.6, 0.15, 0.4), Noise(0.05, 0.3, 0.05)
SITUATIONS = [
    pytest.param(TEST_ONLY, id="test rows"),
    pytest.param(MIXED, id="both"),
    pytest.param(SEED_ONLY, id="seeds"),
]


STRENGTH = 1.2


def experiment(
    rng: np.random.Generator, noise: Noise, seeds: int, clicks: int = 250, gain: float = 0.0
) -> tuple[IntArray, FloatArray]:
    """Labels of 4 x `clicks` rows, and scores of A's seeds, then B's; A is stronger by `gain`."""
    labels = np.repeat([1, 0], [clicks, 3 * clicks])
    shared = rng.normal(size=labels.size)
    scores = []
    for more in (gain, 0.0):
        of_model = noise.row * rng.normal(size=labels.size)
        for _ in range(seeds):
            strength = STRENGTH + more + noise.seed * rng.normal()
            scores.append(strength * labels + shared + of_model + noise.row_and_seed * rng.normal(size=labels.size))
    return labels, np.array(scores, dtype=np.float32)


def rejected(covariance: MetricCovariance, pilot: int | None = None) -> bool:
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


@pytest.mark.parametrize("noise", SITUATIONS)
@pytest.mark.parametrize("seeds", [5, 8])
def test_two_source_comparison_keeps_its_level(noise: Noise, seeds: int) -> None:
    rng = np.random.default_rng(1)
    assert_nominal(
        [
            rejected(covariance_from_scores(Metric.AUC, *as_blocks(experiment(rng, noise, seeds))))
            for _ in range(SIMULATIONS)
        ]
    )


def as_blocks(data: tuple[IntArray, FloatArray]) -> tuple[IntArray, list[FloatArray]]:
    return data[0], [data[1]]


def population_auc(noise: Noise, strength: float) -> float:
    """The mean AUC over all seeds and rows: Phi of the strength, averaged over its normal law."""
    of_row = 2.0 * (1.0 + noise.row**2 + noise.row_and_seed**2)
    return float(stats.norm.cdf(strength / np.sqrt(of_row + noise.seed**2)))


@pytest.mark.parametrize("noise", SITUATIONS)
def test_intervals_cover_the_population_s_difference_and_its_mean(noise: Noise) -> None:
    """A is better by a known amount; both the interval of the difference and that of A alone hold their level."""
    rng, gain, seeds = np.random.default_rng(8), 0.15, 8
    of_a, of_b = population_auc(noise, STRENGTH + gain), population_auc(noise, STRENGTH)
    missed_difference: list[bool] = []
    missed_mean: list[bool] = []
    for _ in range(SIMULATIONS):
        found = covariance_from_scores(Metric.AUC, *as_blocks(experiment(rng, noise, seeds, gain=gain)))
        a, b = found.estimates[:seeds], found.estimates[seeds:]
        both = compare_shared_seeds(a, b, found.matrix, test_df=found.test_df)
        alone = estimate_model_mean(a, found.matrix[:seeds, :seeds], test_df=found.test_df)
        assert not isinstance(both, Degenerate)
        assert not isinstance(alone, Degenerate)
        missed_difference.append(not both.low <= of_a - of_b <= both.high)
        missed_mean.append(not alone.low <= of_a <= alone.high)
    assert_nominal(missed_difference)
    if noise is SEED_ONLY:
        # Seeds that differ by .05 in AUC have a skewed AUC: the interval of one model misses in about 7 % of
        # experiments (7.4 % of 1 000; of 3 000 others 4.7 % by lying above the truth and 2.0 % below).
        assert_at_most(0.07, missed_mean)
    else:
        assert_nominal(missed_mean)


def test_a_paired_t_over_seeds_calls_equal_models_different_when_test_rows_dominate() -> None:
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
        of_user = 0.7 * rng.normal(size=(2, users, 2))
        base = labels + rng.normal(size=ids.size)
        errors = np.where(labels == 1, of_user[:, ids, 0], of_user[:, ids, 1])
        scores = base + errors + 0.3 * rng.normal(size=(2, ids.size))
        for found, grouped in ((iid, None), (clustered, clusters)):
            found.append(_two_runs_rejected(labels, scores, grouped))
    assert np.mean(iid) > 0.15
    assert_nominal(clustered)


def _two_runs_rejected(labels: IntArray, scores: FloatArray, clusters: RowClusters | None) -> bool:
    result = compare_single_runs(covariance_from_scores(Metric.AUC, labels, [scores], clusters=clusters))
    assert not isinstance(result, Degenerate)
    return result.p <= 0.05


@pytest.mark.parametrize(
    ("noise", "half_width"),
    [pytest.param(MIXED, 0.0235, id="both"), pytest.param(SEED_ONLY, 0.048, id="seeds")],
)
def test_a_two_stage_extension_keeps_the_level(noise: Noise, half_width: float) -> None:
    """Pilot of 8, extended once up to 20 by the pilot's spread; the final spread is the pilot's."""
    rng = np.random.default_rng(4)
    pilot, maximum = 8, 20
    rejections, sizes = [], set()
    for _ in range(SIMULATIONS):
        labels, scores = experiment(rng, noise, maximum, clicks=125)
        covariance = covariance_from_scores(Metric.AUC, labels, [scores])
        spread = float((covariance.estimates[:pilot] - covariance.estimates[maximum : maximum + pilot]).std(ddof=1))
        plan = stein_two_stage({"A-B": PairSpread(spread)}, pilot=pilot, maximum=maximum, half_width=half_width)
        sizes.add(plan.seeds)
        kept = [*range(plan.seeds), *range(maximum, maximum + plan.seeds)]
        rejections.append(rejected(covariance.select(kept), pilot))
    assert len(sizes) > 8, "the extension must depend on the spread, or this is no test of it"
    assert_nominal(rejections)


def test_a_pilot_of_five_is_acceptable_and_worse_than_one_of_eight() -> None:
    """Where seed noise dominates, a pilot of 5 may err in up to 7 % of experiments: labelled, never recommended."""
    rng, pilot, maximum = np.random.default_rng(9), 5, 20
    rejections = []
    for _ in range(SIMULATIONS):
        labels, scores = experiment(rng, SEED_ONLY, maximum, clicks=125)
        covariance = covariance_from_scores(Metric.AUC, labels, [scores])
        spread = float((covariance.estimates[:pilot] - covariance.estimates[maximum : maximum + pilot]).std(ddof=1))
        plan = stein_two_stage({"A-B": PairSpread(spread)}, pilot=pilot, maximum=maximum, half_width=0.048)
        kept = [*range(plan.seeds), *range(maximum, maximum + plan.seeds)]
        rejections.append(rejected(covariance.select(kept), pilot))
    assert_at_most(0.07, rejections)


def skewed(rng: np.random.Generator, seeds: int) -> FloatArray:
    """Log-normal values around their mean."""
    return np.asarray(rng.lognormal(sigma=0.5, size=seeds) - np.exp(0.125))


def with_diverged_runs(rng: np.random.Generator, seeds: int) -> FloatArray:
    """One run in ten is worse by four standard deviations."""
    return np.asarray(rng.normal(size=seeds) - 4.0 * (rng.random(seeds) < 0.1) + 0.4)


@pytest.mark.parametrize("draw", [skewed, with_diverged_runs])
@pytest.mark.parametrize("seeds", [5, 10, 20])
def test_with_odd_seeds_the_t_interval_loses_some_coverage_and_the_percentile_bootstrap_more(
    draw: Callable[[np.random.Generator, int], FloatArray], seeds: int
) -> None:
    rng = np.random.default_rng(10)
    by_t: list[bool] = []
    by_percentile: list[bool] = []
    for _ in range(2 * SIMULATIONS):
        values = draw(rng, seeds)
        result = t_interval(values)
        assert not isinstance(result, Degenerate)
        by_t.append(result.low <= 0.0 <= result.high)
        means = values[rng.integers(0, seeds, (999, seeds))].mean(axis=1)
        low, high = np.quantile(means, [0.025, 0.975])
        by_percentile.append(bool(low <= 0.0 <= high))
    print(f"t covers {np.mean(by_t):.3f}, percentile bootstrap {np.mean(by_percentile):.3f}")
    assert np.mean(by_t) > 0.85, f"covers {np.mean(by_t):.3f}"
    assert np.mean(by_t) > np.mean(by_percentile) + 0.01, f"bootstrap covers {np.mean(by_percentile):.3f}"


def test_stein_intervals_cover_whatever_the_number_of_seeds_added() -> None:
    rng = np.random.default_rng(5)
    covered = []
    for _ in range(4 * SIMULATIONS):
        seeds = rng.normal(size=60)
        pilot_sd = float(seeds[:8].std(ddof=1))
        plan = stein_two_stage({"A-B": PairSpread(pilot_sd)}, pilot=8, maximum=60, half_width=0.6)
        result = compare_shared_seeds(
            seeds[: plan.seeds], np.zeros(plan.seeds), np.zeros((2 * plan.seeds,) * 2), pilot_seeds=8
        )
        assert not isinstance(result, Degenerate)
        covered.append(result.low <= 0.0 <= result.high)
    assert_nominal([not inside for inside in covered])


@pytest.mark.parametrize("seeds", [5, 10, 20])
def test_the_t_interval_covers_a_normal_mean(seeds: int) -> None:
    rng = np.random.default_rng(6)
    covered = []
    for _ in range(4 * SIMULATIONS):
        result = t_interval(rng.normal(size=seeds))
        assert not isinstance(result, Degenerate)
        covered.append(result.low <= 0.0 <= result.high)
    assert_nominal([not inside for inside in covered])


def test_adding_seeds_until_significance_is_what_the_two_stage_rule_avoids() -> None:
    rng = np.random.default_rng(7)
    found = []
    for _ in range(SIMULATIONS):
        difference = rng.normal(size=20)
        looks = [paired_t(difference[:n], np.zeros(n)) for n in (5, 10, 15, 20)]
        found.append(any(look.p <= 0.05 for look in looks if not isinstance(look, Degenerate)))
    assert np.mean(found) > 0.09
