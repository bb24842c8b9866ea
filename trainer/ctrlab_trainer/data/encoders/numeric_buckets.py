"""Numeric features as ids of buckets: by the squared logarithm, or by equal mass; edges fitted on train rows.

A missing number has an id of its own where train has missing numbers, and is out-of-vocabulary where it has none.
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
    """Distinct numbers of train, and how often it has each."""

    values: NDArray[np.float64]
    """[distinct] rising, without NaN."""
    counts: NDArray[np.int64]
    """[distinct] at least 1."""
    missing: int
    """Rows without a number."""

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> "NumberCounts":
        """Of numbers that are NaN where missing."""
        known = values[~np.isnan(values)]
        found, counts = np.unique(known, return_counts=True)
        return cls(found, counts.astype(np.int64), len(values) - len(known))

    @classmethod
    def sum(cls, states: Sequence["NumberCounts"]) -> "NumberCounts":
        """Of all rows that the states are of."""
        values, place = np.unique(np.concatenate([state.values for state in states]), return_inverse=True)
        counts = np.zeros(len(values), np.int64)
        np.add.at(counts, place, np.concatenate([state.counts for state in states]))
        return cls(values, counts, sum(state.missing for state in states))


@dataclass(frozen=True)
class FittedBuckets(FittedEncoding):
    """Between which numbers a bucket ends (QuantileBucket), or which buckets are known (LogBucket)."""

    edges: NDArray[np.float64]
    missing_id: int
    """Id of a missing number."""


@dataclass(frozen=True)
class QuantileBucketEncoder:
    """See `FeatureEncoder`; for the transform QuantileBucket."""

    feature: Feature

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature's own column."""
        return (self.feature.source_column,)

    def observe(self, rows: SourceTable, in_train: NDArray[np.bool_]) -> NumberCounts:
        """How often train has each number."""
        return NumberCounts.of(numeric_values(rows, self.feature.source_column)[in_train])

    def merge(self, states: Sequence[NumberCounts]) -> NumberCounts:
        """Counts add up."""
        return NumberCounts.sum(states)

    def fit(self, state: NumberCounts) -> FittedBuckets:
        """Edges that part train into equal masses; equal edges become one."""
        require_numbers(self.feature, len(state.values))
        probabilities = np.linspace(0, 1, (self.feature.buckets or DEFAULT_BUCKETS) + 1)[1:-1]
        edges = np.unique(quantiles(state, probabilities))
        own = state.missing > 0
        missing_id = len(edges) + 2 if own else 0
        return FittedBuckets("categorical", len(edges) + 2 + own, 1, {"edges": edges.tolist()}, edges, missing_id)

    def encode(self, rows: SourceTable, fitted: FittedBuckets) -> NDArray[np.int32]:
        """[rows] ids; a number on an edge belongs to the bucket above it."""
        values = numeric_values(rows, self.feature.source_column)
        found = np.searchsorted(fitted.edges, values, side="right") + 1
        return np.where(np.isnan(values), fitted.missing_id, found).astype(np.int32)


@dataclass(frozen=True)
class LogBucketEncoder:
    """See `FeatureEncoder`; for the transform LogBucket."""

    feature: Feature
    min_frequency: int

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature's own column."""
        return (self.feature.source_column,)

    def observe(self, rows: SourceTable, in_train: NDArray[np.bool_]) -> NumberCounts:
        """How often train has each bucket."""
        return NumberCounts.of(log_bucket(numeric_values(rows, self.feature.source_column)[in_train]))

    def merge(self, states: Sequence[NumberCounts]) -> NumberCounts:
        """Counts add up."""
        return NumberCounts.sum(states)

    def fit(self, state: NumberCounts) -> FittedBuckets:
        """The buckets that train has often enough, by rising number, missing last."""
        require_numbers(self.feature, len(state.values))
        seen = state.values[state.counts >= self.min_frequency]
        own = state.missing >= max(self.min_frequency, 1)
        names = [str(int(value)) for value in seen] + ["missing"] * own
        missing_id = len(seen) + 1 if own else 0
        return FittedBuckets("categorical", len(names) + 1, 1, {"buckets": names}, seen, missing_id)

    def encode(self, rows: SourceTable, fitted: FittedBuckets) -> NDArray[np.int32]:
        """[rows] ids; a bucket that train lacks is out-of-vocabulary."""
        buckets = log_bucket(numeric_values(rows, self.feature.source_column))
        place = np.searchsorted(fitted.edges, buckets)
        known = np.append(fitted.edges, np.nan)[place] == buckets
        return np.where(np.isnan(buckets), fitted.missing_id, np.where(known, place + 1, 0)).astype(np.int32)


def quantiles(state: NumberCounts, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """As numpy.quantile of the numbers themselves, bit for bit: linear between neighbouring order statistics."""
    ends = np.cumsum(state.counts)
    position = (ends[-1] - 1) * probabilities
    below = np.floor(position).astype(np.int64)
    share = position - below
    low = state.values[np.searchsorted(ends, below, side="right")]
    high = state.values[np.searchsorted(ends, np.minimum(below + 1, ends[-1] - 1), side="right")]
    step = high - low
    return np.asarray(np.where(share >= 0.5, high - step * (1 - share), low + step * share), np.float64)


def log_bucket(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """[rows] floor(log(x)^2) moved up by 3 for x > 2, floor(x) from -2 to 2, and the mirror image below; NaN stays.

    The squared-logarithm buckets are those of the winners of the Criteo challenge (3 Idiots, 2014), who keep small
    values as they are; moving them up keeps the two ranges apart.
    """
    size = np.abs(values)
    beyond = np.sign(values) * (np.floor(np.log(np.maximum(size, 1)) ** 2) + 3)
    return np.where(size > 2, beyond, np.floor(values))
