"""Metrics of click-through-rate predictions, each with the definition that is printed beside its values.

One module for tuning, final runs and reports, so that the same name always means the same number. Everything is
computed in float64 by sorting and summing over groups; ties are resolved so that the order of the rows does not matter.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.metrics import ECE_BINS, SCORE_EPSILON, MetricName


class InvalidScores(ValueError):
    """Scores that no metric is defined for: not finite, or not probabilities where probabilities are needed."""


@dataclass(frozen=True)
class MetricValues:
    """Metrics by name, and numbers that a reader needs to judge them."""

    values: dict[str, float | None]
    """None where the metric is undefined for these rows: auc, gauc and ne with one class alone, pcoc without clicks."""
    details: dict[str, float]
    """`rows`, `positives`; with gauc `gauc_users` (used) and `gauc_skipped_users`, `gauc_skipped_rows` (shares)."""


def compute_metrics(
    metrics: Sequence[MetricName],
    labels: NDArray[np.uint8],
    scores: NDArray[np.float32] | NDArray[np.float64],
    users: NDArray[np.int32] | None,
) -> MetricValues:
    """The metrics asked for, of [rows] labels 0 or 1, scores, and numbers of users (for gauc alone).

    Raises InvalidScores for scores that are not finite, and for scores outside [0, 1] with any metric but auc and gauc;
    ValueError for arrays of different length or none, or gauc without users.
    """
    if not len(labels) == len(scores) or len(labels) == 0:
        raise ValueError(f"labels and scores must have the same length above 0, not {len(labels)} and {len(scores)}")
    evaluated = _Scored.of(labels, scores)
    if not set(metrics) <= {"auc", "gauc"}:
        evaluated.require_probabilities()
    values: dict[str, float | None] = {name: BY_ROWS[name](evaluated) for name in metrics if name != "gauc"}
    details = {"rows": float(len(labels)), "positives": float(evaluated.positives)}
    if "gauc" in metrics:
        if users is None or len(users) != len(labels):
            raise ValueError("gauc needs the number of the user of every row")
        values["gauc"], of_users = _gauc(evaluated, users)
        details |= of_users
    return MetricValues({name: values[name] for name in metrics}, details)


@dataclass(frozen=True)
class _Scored:
    """Rows in ascending order of score, and where each run of equal scores begins."""

    labels: NDArray[np.float64]
    scores: NDArray[np.float64]
    starts: NDArray[np.int64]
    order: NDArray[np.int64]
    """Position of each sorted row in the arrays as they were given."""

    @classmethod
    def of(cls, labels: NDArray[np.uint8], scores: NDArray[np.float32] | NDArray[np.float64]) -> "_Scored":
        if not np.isfinite(scores).all():
            bad = int(np.flatnonzero(~np.isfinite(scores))[0])
            raise InvalidScores(f"scores must be finite; row {bad} has {scores[bad]}")
        order = np.argsort(scores, kind="stable")
        ascending = scores[order].astype(np.float64)
        return cls(labels[order].astype(np.float64), ascending, _run_starts(ascending), order)

    def require_probabilities(self) -> None:
        low, high = self.scores[0], self.scores[-1]
        if low < 0 or high > 1:
            raise InvalidScores(f"scores must be probabilities in [0, 1]; they span [{low}, {high}]")

    @property
    def rows(self) -> int:
        return len(self.labels)

    @property
    def positives(self) -> int:
        return int(self.labels.sum())


def _run_starts(*keys: NDArray[np.float64] | NDArray[np.int32]) -> NDArray[np.int64]:
    """First positions of runs of rows that agree in every sorted key."""
    changed = np.ones(len(keys[0]), dtype=bool)
    changed[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    return np.flatnonzero(changed)


def _runs(labels: NDArray[np.float64], starts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Clicks and non-clicks of each run."""
    positives = np.add.reduceat(labels, starts).astype(np.int64)
    sizes = np.diff(np.append(starts, len(labels)))
    return positives, sizes - positives


def _auc(rows: _Scored) -> float | None:
    positives, negatives = _runs(rows.labels, rows.starts)
    pairs = int(positives.sum()) * int(negatives.sum())
    below = np.cumsum(negatives) - negatives
    # Twice the Mann-Whitney statistic is an integer, so nothing is lost to rounding before the one division.
    return int((positives * (2 * below + negatives)).sum()) / (2 * pairs) if pairs else None


def _gauc(rows: _Scored, users: NDArray[np.int32]) -> tuple[float | None, dict[str, float]]:
    by_score = users[rows.order]
    order = np.argsort(by_score, kind="stable")  # after the sort by score: by user, then score
    user, score, labels = by_score[order], rows.scores[order], rows.labels[order]
    starts = _run_starts(user, score)
    positives, negatives = _runs(labels, starts)
    first = _run_starts(user[starts])  # the first run of each user
    sizes = np.diff(np.append(first, len(starts)))
    below = np.cumsum(negatives) - negatives
    below -= np.repeat(below[first], sizes)
    wins = np.add.reduceat(positives * (2 * below + negatives), first)
    clicks, misses = np.add.reduceat(positives, first), np.add.reduceat(negatives, first)
    both, impressions = (clicks > 0) & (misses > 0), clicks + misses
    used = impressions[both]
    value = None
    if used.size:
        value = float((used * (wins[both] / (2 * clicks[both] * misses[both]))).sum() / used.sum())
    return value, {
        "gauc_users": float(both.sum()),
        "gauc_skipped_users": float((~both).mean()),
        "gauc_skipped_rows": float(impressions[~both].sum() / rows.rows),
    }


def _logloss(rows: _Scored) -> float:
    clipped = np.clip(rows.scores, SCORE_EPSILON, 1 - SCORE_EPSILON)
    return float(-np.where(rows.labels == 1, np.log(clipped), np.log1p(-clipped)).mean())


def _ne(rows: _Scored) -> float | None:
    """He et al. 2014, except that the background click rate is that of the evaluated rows."""
    rate = rows.positives / rows.rows
    if rate in (0, 1):
        return None
    return _logloss(rows) / float(-(rate * np.log(rate) + (1 - rate) * np.log1p(-rate)))


def _pcoc(rows: _Scored) -> float | None:
    return float(rows.scores.mean() / rows.labels.mean()) if rows.positives else None


def _ece(rows: _Scored) -> float:
    ends = np.append(rows.starts[1:], rows.rows)
    bins = ECE_BINS * (rows.starts + ends) // (2 * rows.rows)  # by the middle rank of each run of equal scores
    starts = rows.starts[_run_starts(bins)]
    gaps = np.add.reduceat(rows.scores, starts) - np.add.reduceat(rows.labels, starts)
    return float(np.abs(gaps).sum() / rows.rows)


def _brier(rows: _Scored) -> float:
    return float(np.square(rows.scores - rows.labels).mean())


BY_ROWS: Final[dict[str, Callable[[_Scored], float | None]]] = {
    "auc": _auc,
    "logloss": _logloss,
    "ne": _ne,
    "pcoc": _pcoc,
    "ece": _ece,
    "brier": _brier,
}
