"""What must not change a metric, over generated predictions."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ctrlab_api.metrics import MetricName
from ctrlab_metrics.computing import compute_metrics

ALL: tuple[MetricName, ...] = ("auc", "logloss", "gauc", "ne", "pcoc", "ece", "brier")

Rows = tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.int32]]


@st.composite
def rows(draw: st.DrawFn) -> Rows:
    """Labels, scores in sixteenths (so that many are equal and all sums are exact) and users."""
    size = draw(st.integers(2, 40))

    def column(low: int, high: int) -> list[int]:
        return draw(st.lists(st.integers(low, high), min_size=size, max_size=size))

    return (
        np.array(column(0, 1), dtype=np.uint8),
        np.array(column(0, 16)) / 16,
        np.array(column(0, 4), dtype=np.int32),
    )


def assert_same(found: float | None, expected: float | None) -> None:
    """Equal but for rounding, or both undefined."""
    if found is None or expected is None:
        assert found is expected
    else:
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-15)


@given(rows(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(given_rows: Rows, random: Random) -> None:
    labels, scores, users = given_rows
    order = list(range(len(labels)))
    random.shuffle(order)
    first, second = (
        compute_metrics(ALL, labels, scores, users),
        compute_metrics(ALL, labels[order], scores[order], users[order]),
    )
    assert second.details == first.details
    for name in ALL:
        assert_same(second.values[name], first.values[name])


@given(rows())
def test_a_monotone_transform_changes_no_ranking_metric(given_rows: Rows) -> None:
    labels, scores, users = given_rows
    plain = compute_metrics(["auc", "gauc"], labels, scores, users)
    assert compute_metrics(["auc", "gauc"], labels, np.exp(3 * scores) - 7, users) == plain


@given(rows())
def test_swapping_the_classes_turns_auc_around(given_rows: Rows) -> None:
    labels, scores, _ = given_rows
    auc = compute_metrics(["auc"], labels, scores, None).values["auc"]
    turned = compute_metrics(["auc"], 1 - labels, scores, None).values["auc"]
    assert (auc is None) == (turned is None)
    if auc is not None and turned is not None:
        assert auc + turned == pytest.approx(1, abs=1e-15)


@given(rows())
def test_doubling_every_row_changes_no_value(given_rows: Rows) -> None:
    labels, scores, users = given_rows
    doubled = compute_metrics(ALL, np.repeat(labels, 2), np.repeat(scores, 2), np.repeat(users, 2)).values
    for name, value in compute_metrics(ALL, *given_rows).values.items():
        if name != "ece":  # its bins are cut elsewhere
            assert_same(doubled[name], value)


@given(rows())
def test_gauc_of_one_user_is_auc(given_rows: Rows) -> None:
    labels, scores, users = given_rows
    values = compute_metrics(["auc", "gauc"], labels, scores, np.zeros_like(users)).values
    assert_same(values["gauc"], values["auc"])
