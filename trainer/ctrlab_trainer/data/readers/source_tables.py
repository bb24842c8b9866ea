"""The rows of a source, column by column, and the words for a place among them.

Text columns are dictionary-encoded from the first byte on (a code a row, each distinct value once), which is what makes
checking, parsing and encoding cheap: each is done once a value and not once a row.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

CHUNK_ROWS: Final = 1 << 20
"""Rows that are looked at together: enough to make a call cheap, few enough to fit in memory beside anything."""


class Columns(Protocol):
    """Named columns of one length: an arrow table, or a spool on the disk that maps a column when it is asked for."""

    @property
    def num_rows(self) -> int:
        """Length of every column."""

    @property
    def column_names(self) -> list[str]:
        """In order."""

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        """One column; the caller lets go of it soon."""


@dataclass(frozen=True)
class SourceTable:
    """The columns that a data set asks for, row by row as the source has them."""

    data: Columns
    files: tuple[tuple[str, int], ...]
    """Name and number of rows of each part, in order."""
    joined: Mapping[str, str] = field(default_factory=dict)
    """Columns that come from a side table -> its name."""
    joined_by: Mapping[str, str] = field(default_factory=dict)
    """The same columns -> the column that joins their side table to the rows."""
    true_probability: NDArray[np.float64] | None = None
    """[rows] of a generator that knows it; never a column that a model could see."""
    first: int = 0
    """Number in the source of the first row here, where these rows are a run of others."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.data.num_rows)

    def chunks(self, columns: Sequence[str], size: int = CHUNK_ROWS) -> Iterator["SourceTable"]:
        """The rows in runs of `size`, with some columns alone, which stay mapped until the last run is taken."""
        data = pa.table({name: self.data[name] for name in columns})
        for first in range(0, self.rows, size):
            yield replace(self, data=data.slice(first, size), first=self.first + first)

    def place(self, row: int, column: str) -> str:
        """Where a value stands, for messages; rows are counted from 1 in their file, a header left out."""
        ends = np.cumsum([rows for _, rows in self.files])
        row += self.first
        part = int(np.searchsorted(ends, row, side="right"))
        name, rows = self.files[part]
        place = f"{name}, row {row - int(ends[part]) + rows + 1}, column {column}"
        return f"{place} (joined from {self.joined[column]})" if column in self.joined else place


@dataclass(frozen=True)
class CodedColumn:
    """A column as codes into its distinct values."""

    codes: NDArray[np.int32]
    """[rows] position in `values`."""
    values: pa.Array
    """[distinct] text; a missing value is the empty text."""

    def texts(self) -> list[str]:
        """The distinct values as Python text."""
        found: list[str] = self.values.to_pylist()
        return found


def factorize(column: pa.ChunkedArray) -> CodedColumn:
    """Any column as text values and their codes; each value once, a missing one as the empty text."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    array = column.unify_dictionaries().combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # of a column without chunks
        return CodedColumn(np.empty(0, np.int32), pa.array([], pa.string()))
    texts = array.dictionary.cast(pa.string()).fill_null("")
    codes = np.asarray(array.indices.cast(pa.int32()).fill_null(len(texts)))
    if array.indices.null_count:
        texts = pa.concat_arrays([texts, pa.array([""], pa.string())])
    once = texts.dictionary_encode()
    if len(once.dictionary) == len(texts):
        return CodedColumn(codes, texts)
    return CodedColumn(np.asarray(once.indices).astype(np.int32)[codes], once.dictionary)
