"""A row of weight k counts as k equal rows, in every metric and in its influence."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrlab_api.metrics import METRIC_DEFINITIONS, MetricName
from ctrlab_metrics.computing import compute_metrics
from ctrlab_report.statistics.covariance import covariance_from_scores
from ctrlab_report.statistics.influence import compute_influence
from ctrlab_report.statistics.row_clusters import cluster_rows
from ctrlab_report.statistics.supported_metrics import WITHIN, Metric

METRICS: tuple[MetricName, ...] = tuple(METRIC_DEFINITIONS)


@st.composite
def weighted_rows(draw: st.DrawFn) -> tuple[np.ndarray, ...]:
    """Draw labels, scores with ties, users and weights 0 to 3; every class has some weight."""
    count = draw(st.integers(6, 40))
    generator = np.random.default_rng(draw(st.integers(0, 10_000)))
    labels = generator.integers(0, 2, count).astype(np.uint8)
    labels[:4] = (0, 1, 0, 1)
    weights = generator.integers(0, 4, count).astype(np.float64)
    weights[:4] = np.maximum(weights[:4], 1)
    scores = generator.choice(np.linspace(0.01, 0.99, draw(st.integers(2, 30))), count).astype(np.float32)
    users = generator.integers(0, 3, count).astype(np.int32)
    users[:4] = (0, 0, 1, 1)
    return labels, scores, users, weights


@settings(max_examples=60, deadline=None)
@given(weighted_rows())
def test_metrics_of_weighted_rows_are_those_of_repeated_rows(rows: tuple[np.ndarray, ...]) -> None:
    labels, scores, users, weights = rows
    times = weights.astype(int)
    by_weight = compute_metrics(METRICS, labels, scores, users, weights, users).values
    copies = [np.repeat(a, times) for a in (labels, scores, users)]
    by_rows = compute_metrics(METRICS, copies[0], copies[1], copies[2], None, copies[2]).values
    by_weight.pop("ece"), by_rows.pop("ece")  # the bin of a run of ties is rounded in rows
    assert by_weight == pytest.approx(by_rows, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(weighted_rows(), st.sampled_from(list(Metric)))
def test_influence_of_a_weighted_row_is_that_of_its_copies(rows: tuple[np.ndarray, ...], metric: Metric) -> None:
    labels, scores, users, weights = rows
    times = weights.astype(int)
    clusters = cluster_rows(users)
    weighted = compute_influence(metric, labels, scores, users=clusters, groups=clusters, weights=weights)
    copies = [np.repeat(a, times) for a in (labels, scores, users)]
    units = cluster_rows(copies[2])
    repeated = compute_influence(metric, copies[0], copies[1], users=units, groups=units)
    np.testing.assert_allclose(weighted.estimates, repeated.estimates, rtol=1e-9)
    row = np.repeat(np.arange(len(labels)), times)
    by_row = np.bincount(row, weights=repeated.values[0], minlength=len(labels))
    if metric in WITHIN:  # the influence of a user or group is divided among its rows, which does not matter for sums
        by_user = [np.bincount(users, weights=values) for values in (weighted.values[0], by_row)]
        np.testing.assert_allclose(by_user[0], by_user[1], atol=1e-12)
    else:
        np.testing.assert_allclose(weighted.values[0], by_row, atol=1e-12)


@pytest.mark.parametrize("metric", list(Metric))
def test_equal_weights_give_the_unweighted_covariance(metric: Metric) -> None:
    generator = np.random.default_rng(4)
    labels, users = generator.integers(0, 2, 300).astype(np.uint8), cluster_rows(generator.integers(0, 30, 300))
    runs = [generator.random(300).astype(np.float32) for _ in range(3)]
    plain = covariance_from_scores(metric, labels, iter(runs), clusters=users, groups=users)
    equal = covariance_from_scores(metric, labels, iter(runs), clusters=users, weights=np.full(300, 2.5), groups=users)
    np.testing.assert_allclose(equal.estimates, plain.estimates, rtol=1e-9)
    np.testing.assert_allclose(equal.matrix, plain.matrix, rtol=1e-7)


def test_equal_weights_give_the_unweighted_calibration_error() -> None:
    generator = np.random.default_rng(5)
    labels, scores = generator.integers(0, 2, 900).astype(np.uint8), generator.random(900).astype(np.float32)
    plain = compute_metrics(("ece",), labels, scores, None).values["ece"]
    assert compute_metrics(("ece",), labels, scores, None, np.full(900, 3.0)).values["ece"] == pytest.approx(plain)


def test_a_metric_without_weight_on_a_class_is_undefined() -> None:
    labels, scores = np.array([0, 1, 0], np.uint8), np.array([0.2, 0.7, 0.4], np.float32)
    values = compute_metrics(("auc", "ne", "pcoc"), labels, scores, None, np.array([1.0, 0.0, 2.0])).values
    assert values == {"auc": None, "ne": None, "pcoc": None}
