"""AUC and DeLong placements of one run from a single sort.

The placement of a click is the share of non-clicks scored below it; the placement of a non-click is the share of
clicks scored above it. Ties count one half (DeLong, DeLong and Clarke-Pearson 1988; by ranks: Sun and Xu 2014). The
mean of the placements is the AUC and their variance gives its sampling variance, so this sort dominates the cost of the
covariance engine.

The sort keys are unsigned 64-bit words with the score in the high half and the row number in the low half: numpy sorts
them about three times as fast as it computes an argsort, and the low half gives the order.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctrlab_report.statistics.input_checks import AnyArray, BoolArray, FloatArray

_SIGN = np.uint32(1 << 31)
_HALF_WORD = np.uint64(32)
_LOW_HALF = np.uint64((1 << 32) - 1)


@dataclass(frozen=True)
class Placements:
    """AUC of one run, and the placement of each row in [0, 1] (`values`)."""

    auc: float
    values: FloatArray


def ordered_keys(scores: AnyArray) -> NDArray[np.uint32]:
    """Return unsigned integers in the same order as the scores, equal exactly where the scores are equal.

    float32 keeps its bits (sign flipped, negative numbers complemented); float64 is replaced by dense ranks.
    """
    if scores.dtype == np.float32:
        bits = (scores + np.float32(0.0)).view(np.uint32)  # adding zero makes -0.0 and 0.0 equal
        return np.where(bits & _SIGN, ~bits, bits | _SIGN)
    return np.unique(scores, return_inverse=True)[1].astype(np.uint32)


def delong_placements(positive: BoolArray, scores: AnyArray) -> Placements:
    """Return the placements of all rows of one run; both classes must occur (see `input_checks.as_binary_labels`).

    Oracle: the license-free DeLong table (AUC .86875 and .7375), and pairwise comparison by brute force.
    """
    packed = ordered_keys(scores).astype(np.uint64)
    packed <<= _HALF_WORD
    packed |= np.arange(scores.size, dtype=np.uint64)
    packed.sort()
    order = (packed & _LOW_HALF).astype(np.intp)
    packed >>= _HALF_WORD
    click = positive[order]

    starts, ends = _tie_groups(packed)
    non_clicks_before = np.concatenate(([0], np.cumsum(~click)))
    non_clicks_below = 0.5 * (non_clicks_before[starts] + non_clicks_before[ends])
    clicks_below = 0.5 * (starts + ends) - non_clicks_below
    if starts.size < scores.size:
        sizes = ends - starts
        non_clicks_below, clicks_below = np.repeat(non_clicks_below, sizes), np.repeat(clicks_below, sizes)

    clicks = int(np.count_nonzero(click))
    non_clicks = click.size - clicks
    values = np.empty(click.size)
    values[order] = np.where(click, non_clicks_below / non_clicks, 1.0 - clicks_below / clicks)
    return Placements(float(non_clicks_below[click].sum()) / clicks / non_clicks, values)


def auc(positive: BoolArray, scores: AnyArray) -> float:
    """Return the AUC of one run, ties counted one half, from a sort that does not keep row numbers."""
    packed = ordered_keys(scores).astype(np.uint64)
    packed <<= np.uint64(1)
    packed |= positive
    packed.sort()
    click = (packed & np.uint64(1)).astype(np.bool_)
    packed >>= np.uint64(1)
    starts, ends = _tie_groups(packed)
    clicks_before = np.concatenate(([0], np.cumsum(click)))
    clicks_in = clicks_before[ends] - clicks_before[starts]
    non_clicks_below = 0.5 * (starts + ends) - 0.5 * (clicks_before[starts] + clicks_before[ends])
    clicks = int(clicks_before[-1])
    return float(clicks_in @ non_clicks_below) / clicks / (click.size - clicks)


def _tie_groups(ascending: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first and the one-past-last position of each group of equal keys."""
    starts = np.flatnonzero(np.concatenate(([True], ascending[1:] != ascending[:-1])))
    return starts, np.append(starts[1:], ascending.size)
