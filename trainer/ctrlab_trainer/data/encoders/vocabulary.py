"""Vocabularies: the values that are frequent enough in train to have an id.

Id 0 of a block is out-of-vocabulary. The values of the vocabulary follow by descending frequency, then by text. This
order depends on train only, and keeps frequent rows of the embedding table together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctrlab_trainer.data.encoders.encoder_protocol import EncodingKind, FittedEncoding, FittedLists


@dataclass(frozen=True)
class TextCounts:
    """Distinct texts of train and their counts."""

    values: pa.Array
    """[distinct] text."""
    counts: NDArray[np.int64]
    """[distinct] at least 1."""

    @classmethod
    def of(cls, values: pa.Array, counts: NDArray[np.int64]) -> "TextCounts":
        """Drop the values that do not occur in train."""
        kept = np.flatnonzero(counts > 0)
        return cls(values.take(pa.array(kept)), counts[kept])

    @classmethod
    def sum(cls, states: Sequence["TextCounts"]) -> "TextCounts":
        """Add the counts of several groups of rows."""
        if len(states) == 1:
            return states[0]
        column = pa.concat_arrays([state.values for state in states]).dictionary_encode()
        weights = np.concatenate([state.counts for state in states])
        total = np.zeros(len(column.dictionary), np.int64)
        np.add.at(total, np.asarray(column.indices), weights)
        return cls(column.dictionary, total)

    def count(self, value: str) -> int:
        """Return the count of one value, 0 if it does not occur."""
        position = pc.index(self.values, value).as_py()
        return int(self.counts[position]) if position >= 0 else 0


@dataclass(frozen=True)
class Vocabulary(FittedEncoding):
    """Values in the order of their ids; the first has id 1."""

    values: pa.Array

    @classmethod
    def fit(
        cls,
        state: TextCounts,
        min_frequency: int,
        kind: EncodingKind = "categorical",
        length: int = 1,
        lists: FittedLists | None = None,
    ) -> "Vocabulary":
        """Select the values that occur at least `min_frequency` times in train."""
        kept = np.flatnonzero(state.counts >= max(min_frequency, 1))
        table = pa.table({"value": state.values.take(pa.array(kept)), "count": state.counts[kept]})
        table = table.sort_by([("count", "descending"), ("value", "ascending")])
        values = table["value"].combine_chunks()
        values = values if isinstance(values, pa.Array) else pa.array([], pa.string())
        record: dict[str, object] = {"values": values.to_pylist()}
        return cls(kind, len(values) + 1, length, record, values, lists=lists)

    def ids(self, values: pa.Array) -> NDArray[np.int32]:
        """Return [values] the id of each value, 0 if it is not in the vocabulary."""
        positions = pc.index_in(values, value_set=self.values).fill_null(-1)
        return np.asarray(positions).astype(np.int32) + np.int32(1)
