"""Joins of side tables to the rows of the main table by equal canonical text of a key."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.readers.source_tables import CodedColumn, factorize_keys
from ctrlab_trainer.data.readers.table_matches import KeyLookup

Batches = Iterator[tuple[str, pa.RecordBatch]]
"""Batches of rows, each with the name of its file."""


@dataclass(frozen=True)
class SideTable:
    """A side table in memory, ready to be joined. A row without a key is left out."""

    key: str
    values: pa.Array
    """[distinct keys] text."""
    row_of_value: NDArray[np.int64]
    """[distinct keys] row of the side table."""
    columns: Mapping[str, pa.Array]

    @classmethod
    def of(cls, name: str, key: str, table: pa.Table, columns: Sequence[str]) -> "SideTable":
        """Index a table by its key; InvalidData for a table without rows, or with two rows for one key."""
        if table.num_rows == 0:
            raise InvalidData.at(name, "has no rows")
        keys = factorize_keys(table[key], f"{name}, column {key}")
        counts = _rows_of_key(keys)
        if counts.max(initial=0) > 1:
            duplicate = int(np.argmax(counts > 1))
            row = int(np.flatnonzero(keys.codes == duplicate)[1])
            raise InvalidData.at(
                f"{name}, row {row + 1}, column {key}",
                f"the value {keys.texts()[duplicate]!r} is in two rows; a joined table has at most one row per value",
            )
        first_row = np.empty(len(keys.values), np.int64)
        first_row[keys.codes] = np.arange(len(keys.codes))
        present = np.flatnonzero(counts)
        return cls(
            key,
            keys.values.take(pa.array(present)),
            first_row[present],
            {column: table[column].unify_dictionaries().combine_chunks() for column in columns},
        )


def _rows_of_key(keys: CodedColumn) -> NDArray[np.int64]:
    """Return [distinct keys] the number of rows; 0 for a missing key, and for an unused value of a dictionary."""
    counts = np.bincount(keys.codes, minlength=len(keys.values))
    counts[np.asarray(pc.equal(keys.values, ""), bool)] = 0
    return counts


class Join:
    """Joins one side table to batches of rows, and counts the rows with a partner."""

    def __init__(self, side: SideTable) -> None:
        self._side = side
        self.lookup = KeyLookup(0, 0, 0, np.zeros(len(side.values), np.bool_))
        """Counts over all batches so far."""

    def join(self, file: str, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Append the columns of the side table to a batch of a file; rows without a partner have null."""
        side = self._side
        keys = factorize_keys(pa.chunked_array([batch.column(side.key)]), f"{file}, column {side.key}")
        positions = pc.index_in(keys.values, value_set=side.values)
        rows_of_key = np.bincount(keys.codes, minlength=len(keys.values))
        of_batch = KeyLookup.of(keys.values, rows_of_key, positions, len(side.values))
        self.lookup = KeyLookup.sum([self.lookup, of_batch])
        rows = pc.take(pa.array(side.row_of_value), positions).take(pa.array(keys.codes))
        for name, column in side.columns.items():
            batch = batch.append_column(name, column.take(rows))
        return batch


def join_all(batches: Batches, joins: Sequence[Join]) -> Batches:
    """Yield the batches with the columns of every side table."""
    for file, batch in batches:
        for join in joins:
            batch = join.join(file, batch)
        yield file, batch
