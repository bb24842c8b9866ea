"""Published and brute-force results of methods on test rows: covariance, two sources of variance, CTR metrics."""

import numpy as np
import pytest

from ctrlab_report.statistics.covariance import MetricCovariance, covariance_from_scores
from ctrlab_report.statistics.degenerate_results import Degenerate
from ctrlab_report.statistics.influence import MetricOptions, compute_influence
from ctrlab_report.statistics.input_checks import FloatArray
from ctrlab_report.statistics.obuchowski_rockette import compare_shared_seeds
from ctrlab_report.statistics.paired_tests import paired_t
from ctrlab_report.statistics.row_clusters import cluster_rows
from ctrlab_report.statistics.single_run_estimates import compare_single_runs, estimate_single_run
from ctrlab_report.statistics.supported_metrics import Metric

LABELS = np.repeat([1, 0], [8, 10])
SCORES = np.array(
    [
        [5, 4, 4, 3, 5, 2, 4, 3, 1, 2, 3, 1, 2, 4, 2, 1, 3, 2],
        [4, 4, 5, 2, 5, 3, 3, 1, 2, 1, 3, 2, 2, 3, 4, 1, 2, 3],
    ]
)
DELONG = [[0.006729910714, 0.003881448413], [0.003881448413, 0.016391369048]]

# Van Dyke data in R's MRMCaov: 2 treatments, 5 readers, 114 cases.
VAN_DYKE_MEAN, VAN_DYKE_MS_TR = -0.04380032, 0.0005510306
VAN_DYKE_COV2, VAN_DYKE_COV3 = 0.0003395265, 0.0002358497


def delong() -> MetricCovariance:
    return covariance_from_scores(Metric.AUC, LABELS, [SCORES.astype(np.float32)])


def van_dyke_differences() -> FloatArray:
    """Return five differences with the published mean and interaction mean square (var = 2 MS(T:R))."""
    shape = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    return np.asarray(VAN_DYKE_MEAN + shape * np.sqrt(2 * VAN_DYKE_MS_TR / shape.var(ddof=1)))


def van_dyke_covariance() -> FloatArray:
    block = np.full((5, 5), VAN_DYKE_COV2)
    across = np.full((5, 5), VAN_DYKE_COV3)
    return np.block([[block, across], [across, block]])


def test_delong_covariance_of_the_license_free_table() -> None:
    covariance = delong()
    assert covariance.estimates.tolist() == [0.86875, 0.7375]
    np.testing.assert_allclose(covariance.matrix, DELONG, atol=5e-13)


def test_delong_test_of_the_license_free_table() -> None:
    result = compare_single_runs(delong())
    assert not isinstance(result, Degenerate)
    assert result.statistic == pytest.approx(1.05907463, abs=5e-9)
    assert result.p == pytest.approx(0.28956579, abs=5e-9)


def test_standard_error_of_a_single_run() -> None:
    result = estimate_single_run(delong(), 1)
    assert (result.estimate, result.se) == pytest.approx((0.7375, DELONG[1][1] ** 0.5))


def test_two_source_comparison_of_van_dyke() -> None:
    result = compare_shared_seeds(van_dyke_differences(), np.zeros(5), van_dyke_covariance())
    assert not isinstance(result, Degenerate)
    assert result.estimate == pytest.approx(-0.04380032, abs=5e-9)
    assert result.se == pytest.approx(0.0206825, abs=5e-8)
    assert result.df == pytest.approx(15.06611, abs=5e-5)
    assert result.statistic == pytest.approx(-2.117747, abs=2e-6)
    assert result.p == pytest.approx(0.05123303, abs=5e-8)
    assert (result.low, result.high) == pytest.approx((-0.0878671960, 0.0002665519), abs=5e-8)
    assert result.statistic**2 == pytest.approx(4.484854, abs=5e-6)
    assert result.se**2 * 5 / 2 == pytest.approx(0.001069415, abs=5e-10)


def test_test_set_limit_of_van_dyke() -> None:
    result = compare_shared_seeds(van_dyke_differences(), np.zeros(5), van_dyke_covariance())
    assert not isinstance(result, Degenerate)
    assert result.se_limit == pytest.approx(0.0144, abs=5e-5)
    at_ten, at_twenty = ((result.seed_variance * 5 / seeds + result.test_variance) ** 0.5 for seeds in (10, 20))
    assert (at_ten, at_twenty) == pytest.approx((0.0178, 0.0162), abs=5e-5)


def test_fixed_cases_of_van_dyke_are_the_paired_t_test() -> None:
    result = paired_t(van_dyke_differences(), np.zeros(5))
    assert not isinstance(result, Degenerate)
    assert result.statistic == pytest.approx(-2.950254, abs=2e-6)
    assert result.p == pytest.approx(0.04195875, abs=5e-8)
    assert (result.low, result.high) == pytest.approx((-0.08502022, -0.00258042), abs=5e-8)


def test_fixed_readers_of_van_dyke() -> None:
    """Readers (here: trained networks) are fixed and cases are new: the mean over readers is one run of each model."""
    # Jackknife error (co)variances as printed by MRMCaov for these data.
    error, cov1, cov2, cov3 = 0.0008022883, 0.0003466137, 0.0003440748, 0.0002390284
    same, other = np.full((5, 5), cov2), np.full((5, 5), cov3)
    np.fill_diagonal(same, error)
    np.fill_diagonal(other, cov1)
    values = np.concatenate([van_dyke_differences(), np.zeros(5)])
    mean = np.kron(np.eye(2), np.full((1, 5), 0.2))
    averaged = mean @ np.block([[same, other], [other, same]]) @ mean.T
    runs = MetricCovariance("jackknife", Metric.AUC, "AUC", mean @ values, averaged, 114, np.inf)
    result = compare_single_runs(runs)
    assert not isinstance(result, Degenerate)
    assert result.statistic == pytest.approx(-2.340075, abs=2e-6)
    assert result.p == pytest.approx(0.01927984, abs=2e-7)


def test_gauc_of_the_three_users() -> None:
    users = cluster_rows(["a", "a", "b", "b", "b", "c", "c"])
    result = compute_influence(Metric.GAUC, [1, 0, 1, 0, 0, 0, 0], [0.9, 0.1, 0.2, 0.3, 0.1, 0.6, 0.7], users=users)
    assert result.estimates[0] == pytest.approx(0.7, abs=1e-15)


def test_normalized_entropy_of_the_base_rate_is_one() -> None:
    labels = np.array([1, 0, 0, 0, 1, 0, 0, 0])
    result = compute_influence(Metric.NE, labels, np.full(8, 0.25))
    assert result.estimates[0] == pytest.approx(1.0, abs=1e-15)
    fixed = compute_influence(Metric.NE, labels, np.full(8, 0.25), options=MetricOptions(base_rate=0.25))
    assert fixed.estimates[0] == pytest.approx(1.0, abs=1e-15)
