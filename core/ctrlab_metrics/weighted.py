"""The metrics of click predictions for weighted rows; a row of weight 2 counts as two equal rows.

Sums replace counts everywhere: of pairs in AUC, of impressions in GAUC, of rows in means and bins. With equal weights
the values are those of `computing` up to rounding.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.metrics import ECE_BINS, SCORE_EPSILON, MetricName

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class WeightedRows:
    """Labels, scores and weights of rows, each of shape [rows]."""

    labels: Floats
    scores: Floats
    weights: Floats

    def mean(self, values: Floats) -> float:
        """Return the weighted mean."""
        return float((self.weights * values).sum() / self.weights.sum())


def weighted_metrics(
    metrics: Sequence[MetricName],
    rows: WeightedRows,
    users: NDArray[np.int32] | None,
    groups: NDArray[np.int32] | None = None,
) -> dict[str, float | None]:
    """Return the requested metrics; None where one is undefined, as with all weight in one class."""
    return {name: _metric(name, rows, groups if name == "auc_by_group" else users) for name in metrics}


def _metric(name: MetricName, rows: WeightedRows, ids: NDArray[np.int32] | None) -> float | None:
    if not rows.weights.sum() > 0:
        return None
    rate = rows.mean(rows.labels)
    match name:
        case "auc":
            return weighted_auc(rows.labels, rows.scores, rows.weights)
        case "gauc" | "auc_by_group":
            assert ids is not None
            by_unit, impressions = weighted_auc_by_group(rows.labels, rows.scores, rows.weights, ids)
            used = np.isfinite(by_unit)
            return float(np.average(by_unit[used], weights=impressions[used])) if used.any() else None
        case "logloss":
            return _logloss(rows)
        case "ne" if rate in (0, 1):
            return None
        case "ne":
            return _logloss(rows) / float(-(rate * np.log(rate) + (1 - rate) * np.log1p(-rate)))
        case "pcoc":
            return rows.mean(rows.scores) / rate if rate > 0 else None
        case "brier":
            return rows.mean(np.square(rows.scores - rows.labels))
        case "ece":
            return _ece(rows)


def _logloss(rows: WeightedRows) -> float:
    clipped = np.clip(rows.scores, SCORE_EPSILON, 1 - SCORE_EPSILON)
    return rows.mean(-np.where(rows.labels == 1, np.log(clipped), np.log1p(-clipped)))


def _ece(rows: WeightedRows) -> float:
    """Return the calibration error over bins of equal weight; equal scores share a bin."""
    scores, tie = np.unique(rows.scores, return_inverse=True)
    weight = np.bincount(tie, weights=rows.weights)
    labels = np.bincount(tie, weights=rows.weights * rows.labels)
    middle = (np.cumsum(weight) - weight / 2) / weight.sum()
    bins = np.minimum((ECE_BINS * middle).astype(np.int64), ECE_BINS - 1)
    gaps = np.bincount(bins, weights=weight * scores) - np.bincount(bins, weights=labels)
    return float(np.abs(gaps).sum() / weight.sum())


def weighted_auc(labels: Floats, scores: Floats, weights: Floats) -> float | None:
    """Return the share of (click, non-click) pairs in order, each pair weighted by the product of its weights."""
    by_group, _ = weighted_auc_by_group(labels, scores, weights, np.zeros(len(labels), np.int32))
    return float(by_group[0]) if np.isfinite(by_group[0]) else None


def weighted_auc_by_group(
    labels: Floats, scores: Floats, weights: Floats, groups: NDArray[np.int32]
) -> tuple[Floats, Floats]:
    """Return the weighted AUC of each distinct group in ascending order (NaN for one class), and its total weight."""
    placements, group = pair_placements(labels, scores, weights, groups)
    clicks = np.bincount(group, weights=weights * labels)
    others = np.bincount(group, weights=weights * (1 - labels))
    wins = np.bincount(group, weights=np.where(labels == 1, weights * placements, 0.0))
    auc: Floats = np.full(len(clicks), np.nan)
    np.divide(wins, clicks * others, out=auc, where=clicks * others > 0)
    return auc, np.asarray(clicks + others, np.float64)


def pair_placements(
    labels: Floats, scores: Floats, weights: Floats, groups: NDArray[np.int32]
) -> tuple[Floats, NDArray[np.int64]]:
    """Return for each row the weight of rows of the other class in its group that it is ordered correctly against.

    For a click these are non-clicks with a lower score, for a non-click clicks with a higher one; ties count one half.
    Also returns the [rows] number of the group.
    """
    group = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    order = np.lexsort((scores, group))
    group_in_order, score_in_order = group[order], scores[order]
    is_start = np.ones(len(order), bool)
    is_start[1:] = (group_in_order[1:] != group_in_order[:-1]) | (score_in_order[1:] != score_in_order[:-1])
    starts = np.flatnonzero(is_start)
    tie = np.cumsum(is_start) - 1
    first_of_group = np.searchsorted(group_in_order, group_in_order, side="left")
    result = np.empty(len(order))
    clicks_ordered, others_ordered = weights[order] * labels[order], weights[order] * (1 - labels[order])
    below = {}
    for name, mass in (("clicks", clicks_ordered), ("others", others_ordered)):
        in_tie = np.add.reduceat(mass, starts)
        before = np.concatenate([[0.0], np.cumsum(mass)])
        below[name] = before[starts][tie] - before[first_of_group] + in_tie[tie] / 2
    totals = np.bincount(group_in_order, weights=clicks_ordered)[group_in_order]
    result[order] = np.where(labels[order] == 1, below["others"], totals - below["clicks"])
    return result, group
