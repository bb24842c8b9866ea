"""Numeric features as bucket ids: squared-logarithm or quantile buckets, with edges fitted on train rows.

A missing number has a separate id if train has missing numbers, and is out-of-vocabulary otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.resources.features import Feature
from ctrlab_trainer.data.encoders.encoder_protocol import FittedEncoding
from ctrlab_trainer.data.encoders.numeric import require_numbers
from ctrlab_trainer.data.readers.column_values import numeric_values
from ctrlab_trainer.data.readers.source_tables import SourceTable

DEFAULT_BUCKETS = 32


@dataclass(frozen=True)
class NumberCounts:
    """Distinct numbers of train and their counts."""

    values: NDArray[np.float64]
    """[distinct] ascending, without NaN."""
    counts: NDArray[np.int64]
    """[distinct] at least 1."""
    missing: int
    """Number of rows without a value."""

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> "NumberCounts":
        """Count numbers; NaN means missing."""
        present = values[~np.isnan(values)]
        distinct, counts = np.unique(present, return_counts=True)
        return cls(distinct, counts.astype(np.int64), len(values) - len(present))

    @classmethod
    def sum(cls, states: Sequence["NumberCounts"]) -> "NumberCounts":
        """Add the counts of several groups of rows."""
        values, position = np.unique(np.concatenate([state.values for state in states]), return_inverse=True)
        counts = np.zeros(len(values), np.int64)
        np.add.at(counts, position, np.concatenate([state.counts for state in states]))
        return cls(values, counts, sum(state.missing for state in states))


@dataclass(frozen=True)
class FittedBuckets(FittedEncoding):
    """Boundaries between buckets (QuantileBucket), or the buckets in the vocabulary (LogBucket)."""

    edges: NDArray[np.float64]
    missing_id: int
    """Id of a missing number."""


@dataclass(frozen=True)
class QuantileBucketEncoder:
    """Encoder of Numeric features with the transform QuantileBucket."""

    feature: Feature

    @property
    def columns(self) -> tuple[str, ...]:
        """Column of the feature."""
        return (self.feature.source_column,)

    def observe(self, rows: SourceTable, in_train: NDArray[np.bool_]) -> NumberCounts:
        """Count the numbers in train."""
        return NumberCounts.of(numeric_values(rows, self.feature.source_column)[in_train])

    def merge(self, states: Sequence[NumberCounts]) -> NumberCounts:
        """Add the counts."""
        return NumberCounts.sum(states)

    def fit(self, state: NumberCounts) -> FittedBuckets:
        """Compute edges that divide train into buckets of equal mass; equal edges are merged."""
        require_numbers(self.feature, len(state.values))
        probabilities = np.linspace(0, 1, (self.feature.buckets or DEFAULT_BUCKETS) + 1)[1:-1]
        edges = np.unique(quantiles(state, probabilities))
        has_missing_id = state.missing > 0
        missing_id = len(edges) + 2 if has_missing_id else 0
        return FittedBuckets(
            "categorical", len(edges) + 2 + has_missing_id, 1, {"edges": edges.tolist()}, edges, missing_id
        )

    def encode(self, rows: SourceTable, fitted: FittedBuckets) -> NDArray[np.int32]:
        """Return [rows] ids; a number on an edge belongs to the bucket above it."""
        values = numeric_values(rows, self.feature.source_column)
        ids = np.searchsorted(fitted.edges, values, side="right") + 1
        return np.where(np.isnan(values), fitted.missing_id, ids).astype(np.int32)


@dataclass(frozen=True)
class LogBucketEncoder:
    """Encoder of Numeric features with the transform LogBucket."""

    feature: Feature
    min_frequency: int

    @property
    def columns(self) -> tuple[str, ...]:
        """Column of the feature."""
        return (self.feature.source_column,)

    def observe(self, rows: SourceTable, in_train: NDArray[np.bool_]) -> NumberCounts:
        """Count the buckets in train."""
        return NumberCounts.of(log_bucket(numeric_values(rows, self.feature.source_column)[in_train]))

    def merge(self, states: Sequence[NumberCounts]) -> NumberCounts:
        """Add the counts."""
        return NumberCounts.sum(states)

    def fit(self, state: NumberCounts) -> FittedBuckets:
        """Select the buckets that are frequent enough in train, in ascending order, missing last."""
        require_numbers(self.feature, len(state.values))
        kept = state.values[state.counts >= self.min_frequency]
        has_missing_id = state.missing >= max(self.min_frequency, 1)
        names = [str(int(value)) for value in kept] + ["missing"] * has_missing_id
        missing_id = len(kept) + 1 if has_missing_id else 0
        return FittedBuckets("categorical", len(names) + 1, 1, {"buckets": names}, kept, missing_id)

    def encode(self, rows: SourceTable, fitted: FittedBuckets) -> NDArray[np.int32]:
        """Return [rows] ids; a bucket that is not in the vocabulary is out-of-vocabulary."""
        buckets = log_bucket(numeric_values(rows, self.feature.source_column))
        position = np.searchsorted(fitted.edges, buckets)
        in_vocabulary = np.append(fitted.edges, np.nan)[position] == buckets
        return np.where(np.isnan(buckets), fitted.missing_id, np.where(in_vocabulary, position + 1, 0)).astype(np.int32)


def quantiles(state: NumberCounts, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the same bits as numpy.quantile of the counted numbers: linear between neighboring order statistics."""
    ends = np.cumsum(state.counts)
    position = (ends[-1] - 1) * probabilities
    below = np.floor(position).astype(np.int64)
    share = position - below
    low = state.values[np.searchsorted(ends, below, side="right")]
    high = state.values[np.searchsorted(ends, np.minimum(below + 1, ends[-1] - 1), side="right")]
    step = high - low
    return np.asarray(np.where(share >= 0.5, high - step * (1 - share), low + step * share), np.float64)


def log_bucket(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return [rows] floor(log(x)^2) + 3 for x > 2, floor(x) from -2 to 2, and the negated buckets below; NaN stays.

    The squared-logarithm buckets are those of the winners of the Criteo challenge (3 Idiots, 2014), who keep small
    values unchanged; adding 3 keeps the two ranges apart.
    """
    size = np.abs(values)
    beyond = np.sign(values) * (np.floor(np.log(np.maximum(size, 1)) ** 2) + 3)
    return np.where(size > 2, beyond, np.floor(values))
