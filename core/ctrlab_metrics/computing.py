"""The metrics of click predictions, computed in float64 by sorting and by sums over groups.

Tuning, final runs and the inspection of data use this module, so that a name always means the same number; their
definitions are in `ctrlab_api.metrics`. Ties are resolved so that the order of the rows does not matter.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.metrics import ECE_BINS, SCORE_EPSILON, WITHIN_METRICS, MetricName
from ctrlab_metrics.weighted import WeightedRows, weighted_metrics


class InvalidScores(ValueError):
    """Scores for which no metric is defined: not finite, or not probabilities where probabilities are needed."""


@dataclass(frozen=True)
class MetricValues:
    """Metrics by name, and numbers needed to interpret them."""

    values: dict[str, float | None]
    """None where a metric is undefined for the rows: auc (also within users or groups) and ne with a single class, pcoc
    without clicks."""
    details: dict[str, float]
    """`rows`, `positives`; with gauc `gauc_users` (used) and `gauc_skipped_users`, `gauc_skipped_rows` (shares); with
    auc_by_group the same for its groups."""


def compute_metrics(
    metrics: Sequence[MetricName],
    labels: NDArray[np.uint8],
    scores: NDArray[np.float32] | NDArray[np.float64],
    users: NDArray[np.int32] | None,
    weights: NDArray[np.float32] | NDArray[np.float64] | None = None,
    groups: NDArray[np.int32] | None = None,
) -> MetricValues:
    """Return the requested metrics of labels 0 or 1, scores, user ids (for gauc only) and group ids (for auc_by_group
    only), each of shape [rows].

    With `weights` every count of rows is a sum of weights (`ctrlab_metrics.weighted`); `details` stay counts.

    Raises InvalidScores for scores that are not finite, and for scores outside [0, 1] with any metric except auc, gauc
    and auc_by_group; ValueError for arrays that are empty or of different lengths, or missing users or groups.
    """
    if not len(labels) == len(scores) or len(labels) == 0:
        raise ValueError(f"labels and scores must have the same length above 0, not {len(labels)} and {len(scores)}")
    rows = _SortedRows.from_scores(labels, scores)
    if not set(metrics) <= {"auc", *WITHIN_METRICS}:
        rows.require_probabilities()
    values: dict[str, float | None] = {name: ROW_METRICS[name](rows) for name in metrics if name not in WITHIN_METRICS}
    details = {"rows": float(len(labels)), "positives": float(rows.positives)}
    units = {"user": users, "group": groups}
    for name, unit in WITHIN_METRICS.items():
        if name in metrics:
            ids = units[unit]
            if ids is None or len(ids) != len(labels):
                raise ValueError(f"{name} needs the {unit} id of every row")
            values[name], unit_details = _auc_within(rows, ids)
            details |= {f"{name}_{key.format(unit)}": value for key, value in unit_details.items()}
    if weights is not None:
        weighted = WeightedRows(labels.astype(np.float64), scores.astype(np.float64), weights.astype(np.float64))
        values = weighted_metrics(metrics, weighted, users, groups)
    return MetricValues({name: values[name] for name in metrics}, details)


@dataclass(frozen=True)
class _SortedRows:
    """Rows in ascending order of score, with the start of each run of equal scores."""

    labels: NDArray[np.float64]
    scores: NDArray[np.float64]
    starts: NDArray[np.int64]
    order: NDArray[np.int64]
    """Position of each sorted row in the original arrays."""

    @classmethod
    def from_scores(cls, labels: NDArray[np.uint8], scores: NDArray[np.float32] | NDArray[np.float64]) -> "_SortedRows":
        if not np.isfinite(scores).all():
            row = int(np.flatnonzero(~np.isfinite(scores))[0])
            raise InvalidScores(f"scores must be finite; row {row} has {scores[row]}")
        order = np.argsort(scores, kind="stable")
        ascending = scores[order].astype(np.float64)
        return cls(labels[order].astype(np.float64), ascending, _run_starts(ascending), order)

    def require_probabilities(self) -> None:
        low, high = self.scores[0], self.scores[-1]
        if low < 0 or high > 1:
            raise InvalidScores(f"scores must be probabilities in [0, 1]; they span [{low}, {high}]")

    @property
    def count(self) -> int:
        return len(self.labels)

    @property
    def positives(self) -> int:
        return int(self.labels.sum())


def _run_starts(*keys: NDArray[np.float64] | NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the first positions of runs of rows that are equal in every sorted key."""
    is_start = np.ones(len(keys[0]), dtype=bool)
    is_start[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    return np.flatnonzero(is_start)


def _run_counts(labels: NDArray[np.float64], starts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers of clicks and of non-clicks of each run."""
    positives = np.add.reduceat(labels, starts).astype(np.int64)
    sizes = np.diff(np.append(starts, len(labels)))
    return positives, sizes - positives


def _auc(rows: _SortedRows) -> float | None:
    positives, negatives = _run_counts(rows.labels, rows.starts)
    pairs = int(positives.sum()) * int(negatives.sum())
    below = np.cumsum(negatives) - negatives
    # Twice the Mann-Whitney statistic is an integer, so nothing is lost to rounding before the one division.
    return int((positives * (2 * below + negatives)).sum()) / (2 * pairs) if pairs else None


def _auc_within(rows: _SortedRows, ids: NDArray[np.int32]) -> tuple[float | None, dict[str, float]]:
    """Return the mean AUC within units (users or groups) weighted by their rows, and the skipped shares."""
    by_score = ids[rows.order]
    order = np.argsort(by_score, kind="stable")  # after the sort by score: by unit, then score
    unit, score, labels = by_score[order], rows.scores[order], rows.labels[order]
    starts = _run_starts(unit, score)
    positives, negatives = _run_counts(labels, starts)
    first = _run_starts(unit[starts])  # the first run of each unit
    sizes = np.diff(np.append(first, len(starts)))
    below = np.cumsum(negatives) - negatives
    below -= np.repeat(below[first], sizes)
    wins = np.add.reduceat(positives * (2 * below + negatives), first)
    unit_positives, unit_negatives = np.add.reduceat(positives, first), np.add.reduceat(negatives, first)
    has_both, impressions = (unit_positives > 0) & (unit_negatives > 0), unit_positives + unit_negatives
    used = impressions[has_both]
    value = None
    if used.size:
        pairs = unit_positives[has_both] * unit_negatives[has_both]
        value = float((used * (wins[has_both] / (2 * pairs))).sum() / used.sum())
    return value, {
        "{}s": float(has_both.sum()),
        "skipped_{}s": float((~has_both).mean()),
        "skipped_rows": float(impressions[~has_both].sum() / rows.count),
    }


def _logloss(rows: _SortedRows) -> float:
    clipped = np.clip(rows.scores, SCORE_EPSILON, 1 - SCORE_EPSILON)
    return float(-np.where(rows.labels == 1, np.log(clipped), np.log1p(-clipped)).mean())


def _ne(rows: _SortedRows) -> float | None:
    """Return the normalized entropy of He et al. 2014, with the click rate of the evaluated rows as background."""
    rate = rows.positives / rows.count
    if rate in (0, 1):
        return None
    return _logloss(rows) / float(-(rate * np.log(rate) + (1 - rate) * np.log1p(-rate)))


def _pcoc(rows: _SortedRows) -> float | None:
    return float(rows.scores.mean() / rows.labels.mean()) if rows.positives else None


def _ece(rows: _SortedRows) -> float:
    ends = np.append(rows.starts[1:], rows.count)
    bins = ECE_BINS * (rows.starts + ends) // (2 * rows.count)  # by the middle rank of each run of equal scores
    starts = rows.starts[_run_starts(bins)]
    gaps = np.add.reduceat(rows.scores, starts) - np.add.reduceat(rows.labels, starts)
    return float(np.abs(gaps).sum() / rows.count)


def _brier(rows: _SortedRows) -> float:
    return float(np.square(rows.scores - rows.labels).mean())


ROW_METRICS: Final[dict[str, Callable[[_SortedRows], float | None]]] = {
    "auc": _auc,
    "logloss": _logloss,
    "ne": _ne,
    "pcoc": _pcoc,
    "ece": _ece,
    "brier": _brier,
}
"""The metrics that need no users or groups."""
