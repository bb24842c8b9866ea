"""Metrics against scikit-learn, against numbers of the papers, and against cases computed by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from ctrlab_api.metrics import ECE_BINS, METRIC_DEFINITIONS, METRIC_DIRECTIONS
from ctrlab_metrics.computing import InvalidScores, compute_metrics
from ctrlab_report.statistics.effect_sizes import relative_improvement


def make_labels(*labels: int) -> NDArray[np.uint8]:
    return np.array(labels, dtype=np.uint8)


@pytest.fixture(scope="module")
def clicks() -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """2,000 rows with many equal scores."""
    rng = np.random.default_rng(7)
    scores = np.round(rng.random(2000), 2).astype(np.float32)
    return (rng.random(2000) < scores).astype(np.uint8), scores


def test_auc_with_ties_equals_that_of_scikit_learn(clicks: tuple[NDArray[np.uint8], NDArray[np.float32]]) -> None:
    value = compute_metrics(["auc"], *clicks, None).values["auc"]
    assert value == pytest.approx(roc_auc_score(*clicks), abs=1e-13)


def test_logloss_and_brier_equal_those_of_scikit_learn(clicks: tuple[NDArray[np.uint8], NDArray[np.float32]]) -> None:
    labels, scores = clicks
    inside = np.clip(scores.astype(np.float64), 0.01, 0.99)
    values = compute_metrics(["logloss", "brier"], labels, inside, None).values
    assert values["logloss"] == pytest.approx(log_loss(labels, inside), rel=1e-12)
    assert values["brier"] == pytest.approx(brier_score_loss(labels, inside), rel=1e-12)


def test_auc_of_the_tied_ratings_example() -> None:
    clicked, skipped = [5, 4, 4, 3, 5, 2, 4, 3], [1, 2, 3, 1, 2, 4, 2, 1, 3, 2]
    labels = make_labels(*[1] * 8, *[0] * 10)
    assert (
        compute_metrics(["auc"], labels, np.array(clicked + skipped, dtype=np.float64), None).values["auc"] == 0.86875
    )


def test_gauc_is_weighted_by_impressions_and_skips_users_of_one_class() -> None:
    labels = make_labels(1, 0, 1, 0, 0, 1, 1)
    scores = np.array([0.9, 0.1, 0.2, 0.3, 0.1, 0.5, 0.6])
    users = np.array([4, 4, 9, 9, 9, 2, 2], dtype=np.int32)
    result = compute_metrics(["gauc"], labels, scores, users)
    assert result.values["gauc"] == pytest.approx(0.7, abs=1e-15)
    assert result.details == {
        "rows": 7,
        "positives": 4,
        "gauc_users": 2,
        "gauc_skipped_users": pytest.approx(1 / 3),
        "gauc_skipped_rows": pytest.approx(2 / 7),
    }
    by_group = compute_metrics(["auc_by_group"], labels, scores, None, None, users)
    assert by_group.values == {"auc_by_group": result.values["gauc"]}
    assert by_group.details["auc_by_group_groups"] == 2
    assert by_group.details["auc_by_group_skipped_groups"] == pytest.approx(1 / 3)


def test_gauc_is_the_weighted_mean_of_each_users_auc(clicks: tuple[NDArray[np.uint8], NDArray[np.float32]]) -> None:
    labels, scores = clicks
    users = np.random.default_rng(1).integers(0, 300, len(labels)).astype(np.int32)
    total = weight = 0.0
    for user in np.unique(users):
        is_user = users == user
        if 0 < labels[is_user].sum() < is_user.sum():
            total += is_user.sum() * roc_auc_score(labels[is_user], scores[is_user])
            weight += is_user.sum()
    assert compute_metrics(["gauc"], labels, scores, users).values["gauc"] == pytest.approx(total / weight, abs=1e-12)


def test_predicting_the_click_rate_has_normalized_entropy_one() -> None:
    labels = make_labels(1, 0, 0, 0, 1, 0, 0, 0)
    values = compute_metrics(["ne", "pcoc", "ece"], labels, np.full(8, 0.25), None).values
    assert values == {"ne": pytest.approx(1.0, abs=1e-15), "pcoc": 1.0, "ece": 0.0}


@pytest.mark.parametrize(
    ("auc", "base", "percent"),
    [
        (0.7263, 0.73, -1.61),
        (0.7304, 0.73, 0.17),
        (0.7321, 0.73, 0.91),
        (0.7324, 0.73, 1.04),
        (0.7337, 0.73, 1.61),
        (0.7348, 0.73, 2.09),
        (0.7742, 0.8624, -24.34),
        (0.8818, 0.8624, 5.35),
    ],
)
def test_relative_improvement_reproduces_the_table_of_the_din_paper(auc: float, base: float, percent: float) -> None:
    assert round(100 * relative_improvement(auc, base), 2) == percent


def test_relative_improvement_over_a_random_base_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"AUC is 0\.5"):
        relative_improvement(0.7, 0.5)


def test_ece_of_equal_mass_bins_by_hand() -> None:
    rows = 2 * ECE_BINS
    scores = (np.arange(rows) + 0.5) / rows
    labels = np.tile(make_labels(0, 1), ECE_BINS)
    pairs = scores.reshape(ECE_BINS, 2).mean(axis=1)  # every bin has two rows, one of which is a click
    expected = np.abs(pairs - 0.5).mean()
    assert compute_metrics(["ece"], labels, scores, None).values["ece"] == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("label", [0, 1])
def test_metrics_that_need_both_classes_are_undefined_for_a_single_class(label: int) -> None:
    labels, scores = make_labels(label, label), np.array([0.2, 0.4])
    values = compute_metrics(["auc", "ne", "gauc", "logloss"], labels, scores, np.array([0, 0], dtype=np.int32)).values
    assert [values[name] for name in ("auc", "ne", "gauc")] == [None, None, None]
    assert values["logloss"] is not None


def test_pcoc_without_a_click_is_undefined() -> None:
    assert compute_metrics(["pcoc"], make_labels(0, 0), np.array([0.2, 0.4]), None).values["pcoc"] is None


def test_wrong_scores_of_0_and_1_have_a_finite_logloss() -> None:
    value = compute_metrics(["logloss"], make_labels(0, 1), np.array([1.0, 0.0]), None).values["logloss"]
    assert value == pytest.approx(23 * np.log(2), rel=1e-6)


@pytest.mark.parametrize("score", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_are_rejected_with_their_row(score: float) -> None:
    with pytest.raises(InvalidScores, match="row 1 has"):
        compute_metrics(["auc"], make_labels(0, 1), np.array([0.5, score]), None)


def test_only_ranking_metrics_accept_scores_that_are_not_probabilities() -> None:
    labels, logits = make_labels(0, 1), np.array([-3.0, 2.0])
    assert compute_metrics(["auc"], labels, logits, None).values["auc"] == 1.0
    with pytest.raises(InvalidScores, match=r"in \[0, 1\]"):
        compute_metrics(["auc", "logloss"], labels, logits, None)


def test_gauc_without_users_is_rejected() -> None:
    with pytest.raises(ValueError, match="user id of every row"):
        compute_metrics(["gauc"], make_labels(0, 1), np.array([0.1, 0.2]), None)


def test_every_metric_has_a_definition_and_a_direction() -> None:
    assert METRIC_DEFINITIONS.keys() == METRIC_DIRECTIONS.keys()
    assert METRIC_DIRECTIONS["pcoc"] == "none"
