"""AUC by group: gauc with groups in place of users, with errors that are clustered by user where there is one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ctrlab_metrics.computing import compute_metrics
from ctrlab_report.statistics.covariance import covariance_from_scores
from ctrlab_report.statistics.influence import compute_influence
from ctrlab_report.statistics.row_clusters import cluster_rows
from ctrlab_report.statistics.supported_metrics import Metric

GROUPS_PER_USER = 3


@st.composite
def grouped_rows(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw labels, scores [2 runs, rows] with ties and groups; the user of group g is g // GROUPS_PER_USER."""
    count = draw(st.integers(8, 50))
    generator = np.random.default_rng(draw(st.integers(0, 10_000)))
    labels = generator.integers(0, 2, count).astype(np.uint8)
    groups = generator.integers(0, 9, count).astype(np.int32)
    labels[:4], groups[:4] = (0, 1, 0, 1), (0, 0, GROUPS_PER_USER, GROUPS_PER_USER)
    return labels, generator.integers(1, 15, (2, count)) / 16, groups


@given(grouped_rows())
def test_auc_by_group_is_gauc_with_groups_as_users(rows: tuple[np.ndarray, ...]) -> None:
    labels, scores, groups = rows
    by_group = compute_metrics(["auc_by_group"], labels, scores[0], None, None, groups).values["auc_by_group"]
    assert by_group == compute_metrics(["gauc"], labels, scores[0], groups).values["gauc"]
    units = cluster_rows(groups)
    ours = covariance_from_scores(Metric.AUC_BY_GROUP, labels, [scores], clusters=units, groups=units)
    as_users = covariance_from_scores(Metric.GAUC, labels, [scores], clusters=units)
    np.testing.assert_array_equal(ours.matrix, as_users.matrix)
    assert ours.units == as_users.units


@given(grouped_rows())
def test_errors_of_auc_by_group_are_sums_over_the_groups_of_a_user(rows: tuple[np.ndarray, ...]) -> None:
    labels, scores, groups = rows
    users = groups // GROUPS_PER_USER
    ours = covariance_from_scores(
        Metric.AUC_BY_GROUP, labels, [scores], clusters=cluster_rows(users), groups=cluster_rows(groups)
    )
    influence = compute_influence(Metric.AUC_BY_GROUP, labels, scores, groups=cluster_rows(groups))
    used = np.unique(users[influence.strata == 0])
    sums = np.array([[run[users == user].sum() for user in used] for run in influence.values])
    np.testing.assert_allclose(ours.matrix, sums @ sums.T * len(used) / (len(used) - 1), atol=1e-12)
    assert ours.units == len(used)
