"""Invariances of the metrics over generated predictions."""

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
    """Generate labels, scores in sixteenths (so that many are equal and all sums are exact) and users."""
    size = draw(st.integers(2, 40))

    def column(low: int, high: int) -> list[int]:
        return draw(st.lists(st.integers(low, high), min_size=size, max_size=size))

    return (
        np.array(column(0, 1), dtype=np.uint8),
        np.array(column(0, 16)) / 16,
        np.array(column(0, 4), dtype=np.int32),
    )


def assert_equal(value: float | None, expected: float | None) -> None:
    """Check equality up to rounding, or that both are undefined."""
    if value is None or expected is None:
        assert value is expected
    else:
        assert value == pytest.approx(expected, rel=1e-12, abs=1e-15)


@given(rows(), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(data: Rows, random: Random) -> None:
    labels, scores, users = data
    order = list(range(len(labels)))
    random.shuffle(order)
    first, second = (
        compute_metrics(ALL, labels, scores, users),
        compute_metrics(ALL, labels[order], scores[order], users[order]),
    )
    assert second.details == first.details
    for name in ALL:
        assert_equal(second.values[name], first.values[name])


@given(rows())
def test_monotone_transform_keeps_ranking_metrics(data: Rows) -> None:
    labels, scores, users = data
    plain = compute_metrics(["auc", "gauc"], labels, scores, users)
    assert compute_metrics(["auc", "gauc"], labels, np.exp(3 * scores) - 7, users) == plain


@given(rows())
def test_swapping_the_classes_gives_one_minus_auc(data: Rows) -> None:
    labels, scores, _ = data
    auc = compute_metrics(["auc"], labels, scores, None).values["auc"]
    swapped = compute_metrics(["auc"], 1 - labels, scores, None).values["auc"]
    assert (auc is None) == (swapped is None)
    if auc is not None and swapped is not None:
        assert auc + swapped == pytest.approx(1, abs=1e-15)


@given(rows())
def test_doubling_every_row_keeps_every_value(data: Rows) -> None:
    labels, scores, users = data
    doubled = compute_metrics(ALL, np.repeat(labels, 2), np.repeat(scores, 2), np.repeat(users, 2)).values
    for name, value in compute_metrics(ALL, *data).values.items():
        if name != "ece":  # its bins have other edges
            assert_equal(doubled[name], value)


@given(rows())
def test_gauc_of_one_user_is_auc(data: Rows) -> None:
    labels, scores, users = data
    values = compute_metrics(["auc", "gauc"], labels, scores, np.zeros_like(users)).values
    assert_equal(values["gauc"], values["auc"])
