"""Properties for any labels and scores: invariances of AUC, of the covariance and of clusters."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ctrlab_api.metrics import METRIC_DIRECTIONS, SCORE_EPSILON
from ctrlab_metrics.computing import compute_metrics
from ctrlab_report.statistics.covariance import covariance_from_scores
from ctrlab_report.statistics.delong_placements import auc, delong_placements
from ctrlab_report.statistics.influence import MetricOptions, compute_influence
from ctrlab_report.statistics.input_checks import FloatArray, IntArray
from ctrlab_report.statistics.row_clusters import RowClusters, cluster_rows
from ctrlab_report.statistics.supported_metrics import Metric

CLUSTERED = [Metric.AUC, Metric.LOGLOSS, Metric.BRIER, Metric.NE, Metric.PCOC]


@dataclass(frozen=True)
class Rows:
    """Labels with both classes at least twice, scores of several runs on a coarse grid (so that ties occur), users."""

    labels: IntArray
    scores: FloatArray
    users: IntArray


@st.composite
def rows(draw: st.DrawFn, runs: int = 3) -> Rows:
    size = draw(st.integers(6, 40))
    labels = draw(hnp.arrays(np.int64, size, elements=st.integers(0, 1)))
    labels[:4] = [0, 1, 0, 1]
    grid = draw(hnp.arrays(np.int64, (runs, size), elements=st.integers(1, 15)))
    users = draw(hnp.arrays(np.int64, size, elements=st.integers(0, 5)))
    # Two users with both classes keep every metric defined.
    users[:4] = [0, 0, 1, 1]
    return Rows(labels, grid / 16.0, users)


def brute_force_covariance(labels: IntArray, scores: FloatArray) -> FloatArray:
    """Return the covariance of DeLong et al. 1988 from all pairs."""
    wins = scores[:, labels == 1][:, :, None] - scores[:, labels == 0][:, None, :]
    kernel = (wins > 0) + 0.5 * (wins == 0)
    click_placements, non_click_placements = kernel.mean(axis=2), kernel.mean(axis=1)
    matrix: FloatArray = (
        np.cov(click_placements) / click_placements.shape[1]
        + np.cov(non_click_placements) / non_click_placements.shape[1]
    )
    return matrix


@given(rows())
def test_auc_covariance_equals_delong_from_all_pairs(data: Rows) -> None:
    ours = covariance_from_scores(Metric.AUC, data.labels, [data.scores]).matrix
    np.testing.assert_allclose(ours, brute_force_covariance(data.labels, data.scores), atol=1e-12)


@given(rows(runs=1))
def test_float32_and_float64_scores_give_the_same_placements(data: Rows) -> None:
    positive, scores = data.labels == 1, data.scores[0] - 0.5
    coarse, fine = delong_placements(positive, scores.astype(np.float32)), delong_placements(positive, scores)
    np.testing.assert_array_equal(coarse.values, fine.values)
    assert coarse.auc == fine.auc == auc(positive, scores) == auc(positive, scores.astype(np.float32))


@given(rows())
def test_monotone_transform_keeps_auc_and_its_covariance(data: Rows) -> None:
    plain = covariance_from_scores(Metric.AUC, data.labels, [data.scores])
    transformed = covariance_from_scores(Metric.AUC, data.labels, [np.exp(3 * data.scores)])
    np.testing.assert_array_equal(plain.estimates, transformed.estimates)
    np.testing.assert_array_equal(plain.matrix, transformed.matrix)


@given(rows())
@pytest.mark.parametrize("metric", CLUSTERED)
def test_order_of_rows_and_ids_of_users_do_not_matter(metric: Metric, data: Rows) -> None:
    order = np.random.default_rng(data.labels.size).permutation(data.labels.size)
    plain = covariance_from_scores(metric, data.labels, [data.scores], clusters=cluster_rows(data.users))
    renamed = cluster_rows([f"user {9 - user}" for user in data.users[order]])
    moved = covariance_from_scores(metric, data.labels[order], [data.scores[:, order]], clusters=renamed)
    np.testing.assert_allclose(plain.matrix, moved.matrix, atol=1e-12)
    assert plain.units == moved.units


@given(rows())
@pytest.mark.parametrize("metric", CLUSTERED)
def test_clusters_of_size_one_are_independent_rows(metric: Metric, data: Rows) -> None:
    singletons = RowClusters(np.arange(data.labels.size), data.labels.size)
    plain = covariance_from_scores(metric, data.labels, [data.scores])
    clustered = covariance_from_scores(metric, data.labels, [data.scores], clusters=singletons)
    np.testing.assert_allclose(plain.matrix, clustered.matrix, atol=1e-14)
    assert clustered.test_df == data.labels.size - 1


@given(rows(), st.integers(2, 4))
@pytest.mark.parametrize("metric", CLUSTERED)
def test_copied_rows_in_one_cluster_add_no_information(metric: Metric, data: Rows, copies: int) -> None:
    size = data.labels.size
    original = RowClusters(np.tile(np.arange(size), copies), size)
    plain = covariance_from_scores(metric, data.labels, [data.scores])
    labels, scores = np.tile(data.labels, copies), np.tile(data.scores, copies)
    copied = covariance_from_scores(metric, labels, [scores], clusters=original)
    np.testing.assert_allclose(plain.estimates, copied.estimates, atol=1e-13)
    # A row and its copies have the same class, so there are no products across classes.
    np.testing.assert_allclose(plain.matrix, copied.matrix, atol=1e-13)


@given(rows(), st.integers(2, 4))
def test_copied_rows_as_independent_rows_divide_the_variance_by_their_number(data: Rows, copies: int) -> None:
    labels, scores = np.tile(data.labels, copies), np.tile(data.scores, copies)
    plain = covariance_from_scores(Metric.LOGLOSS, data.labels, [data.scores]).matrix
    copied = covariance_from_scores(Metric.LOGLOSS, labels, [scores]).matrix
    size = data.labels.size
    np.testing.assert_allclose(copied, plain / copies * (size - 1) / (size - 1 / copies), rtol=1e-9, atol=1e-15)


@given(rows())
@pytest.mark.parametrize("metric", list(Metric))
def test_influence_in_blocks_of_runs_gives_the_same_matrix(metric: Metric, data: Rows) -> None:
    users = cluster_rows(data.users)
    whole = covariance_from_scores(metric, data.labels, [data.scores], clusters=users, groups=users)
    blocks = covariance_from_scores(metric, data.labels, (run for run in data.scores), clusters=users, groups=users)
    np.testing.assert_allclose(whole.matrix, blocks.matrix, atol=1e-15)
    assert np.linalg.eigvalsh(whole.matrix).max() >= -1e-15


@given(rows(runs=2))
def test_logloss_covariance_is_that_of_mean_losses(data: Rows) -> None:
    losses = -np.where(data.labels == 1, np.log(data.scores), np.log1p(-data.scores))
    ours = covariance_from_scores(Metric.LOGLOSS, data.labels, [data.scores]).matrix
    np.testing.assert_allclose(ours, np.cov(losses) / data.labels.size, atol=1e-14)


@given(rows())
@pytest.mark.parametrize("metric", list(Metric))
def test_metric_values_equal_those_of_tuning_and_final_runs(metric: Metric, data: Rows) -> None:
    labels, users = data.labels.astype(np.uint8), data.users.astype(np.int32)
    options = MetricOptions(clip=SCORE_EPSILON)
    units = cluster_rows(data.users)
    estimates = compute_influence(metric, labels, data.scores, users=units, groups=units, options=options).estimates
    names = [name for name in METRIC_DIRECTIONS if name == metric]
    expected = [compute_metrics(names, labels, scores, users, None, users).values[names[0]] for scores in data.scores]
    np.testing.assert_allclose(estimates, np.array(expected, dtype=np.float64), rtol=1e-12)


def test_every_metric_of_the_engine_has_the_direction_of_the_metric_table() -> None:
    assert {metric.value for metric in Metric} == set(METRIC_DIRECTIONS) - {"ece"}
    better_when_higher = [metric for metric in Metric if metric.higher_is_better]
    better_when_lower = [metric for metric in Metric if metric.higher_is_better is False]
    assert better_when_higher == [Metric.AUC, Metric.GAUC, Metric.AUC_BY_GROUP]
    assert better_when_lower == [Metric.LOGLOSS, Metric.BRIER, Metric.NE]
    assert Metric.PCOC.higher_is_better is None
