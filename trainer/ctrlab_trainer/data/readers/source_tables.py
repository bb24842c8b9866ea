"""Source rows as columns, and the location of a value in them for messages.

Text columns are dictionary-encoded as they are read (one code per row, each distinct value once). This makes checking,
parsing and encoding cheap, because each is done per distinct value and not per row.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.missing_values import DEFAULT_MISSING
from ctrlab_trainer.data.readers.arrow_types import UnreadableType, UnreadableValue, simplify
from ctrlab_trainer.data.readers.canonical_text import canonical_text
from ctrlab_trainer.data.readers.table_matches import KeyLookup, TableMatch
from ctrlab_trainer.data.sources.source_locations import TableFiles

CHUNK_ROWS: Final = 1 << 20
"""Number of rows processed at a time: enough for a low overhead per call, few enough to fit in memory."""


class Columns(Protocol):
    """Named columns of one length: an Arrow table, or a spool on disk that maps columns on access."""

    @property
    def num_rows(self) -> int:
        """Number of rows."""

    @property
    def column_names(self) -> list[str]:
        """Names in order."""

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        """Return one column; callers should release it soon."""


@dataclass(frozen=True)
class SourceTable:
    """The required columns of a source, with its rows in order."""

    data: Columns
    files: tuple[tuple[str, int], ...]
    """Name and number of rows of each file, in order."""
    joined: Mapping[str, str] = field(default_factory=dict)
    """Columns from a side table -> name of the table."""
    joined_by: Mapping[str, str] = field(default_factory=dict)
    """The same columns -> join column of the table."""
    lookups: tuple[KeyLookup, ...] = ()
    """Counts of rows with a partner in each side table, in the order of the reader's side tables."""
    matches: Mapping[TableFiles, TableMatch] = field(default_factory=dict)
    """The checked counts of all rows of the source by side table."""
    true_probability: NDArray[np.float64] | None = None
    """[rows] from a generator; never a column that a model could see."""
    missing: frozenset[str] = DEFAULT_MISSING
    """Texts that mean a missing value. Those of text columns are already null; elements of lists are not."""
    decimal_commas: frozenset[str] = frozenset()
    """Columns whose numbers, where they are text, have a decimal comma."""
    first: int = 0
    """Source row number of the first row, if this table is a chunk of another."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.data.num_rows)

    def has_decimal_comma(self, column: str) -> bool:
        """Return whether the numbers of a column of text have a decimal comma."""
        return column in self.decimal_commas

    def chunks(self, columns: Sequence[str], size: int = CHUNK_ROWS) -> Iterator["SourceTable"]:
        """Yield chunks of `size` rows with only `columns`, which stay mapped until the last chunk is consumed."""
        data = pa.table({name: self.data[name] for name in columns})
        for first in range(0, self.rows, size):
            yield replace(self, data=data.slice(first, size), first=self.first + first)

    def location(self, row: int, column: str) -> str:
        """Return the location of a value for messages; rows are counted from 1 in their file, without the header."""
        ends = np.cumsum([rows for _, rows in self.files])
        row += self.first
        file = int(np.searchsorted(ends, row, side="right"))
        name, rows = self.files[file]
        location = f"{name}, row {row - int(ends[file]) + rows + 1}, column {column}"
        return f"{location} (joined from {self.joined[column]})" if column in self.joined else location


@dataclass(frozen=True)
class CodedColumn:
    """A column as codes of its distinct values."""

    codes: NDArray[np.int32]
    """[rows] position in `values`."""
    values: pa.Array
    """[distinct] text; a missing value is the empty text."""

    def texts(self) -> list[str]:
        """Return the distinct values as Python strings."""
        texts: list[str] = self.values.to_pylist()
        return texts


def factorize(column: pa.ChunkedArray) -> CodedColumn:
    """Convert any column to distinct canonical texts and codes; a missing value becomes the empty text.

    UnreadableType and UnreadableValue like `canonical_text`.
    """
    if len(column) == 0:
        return CodedColumn(np.empty(0, np.int32), pa.array([], pa.string()))
    column = pa.chunked_array([simplify(chunk) for chunk in column.chunks])
    if pa.types.is_null(column.type):
        column = column.cast(pa.string())
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    array = column.unify_dictionaries().combine_chunks()
    texts = canonical_text(array.dictionary).fill_null("")
    codes = np.asarray(array.indices.cast(pa.int32()).fill_null(len(texts)))
    if array.indices.null_count:
        texts = pa.concat_arrays([texts, pa.array([""], pa.string())])
    distinct = texts.dictionary_encode()
    if len(distinct.dictionary) == len(texts):
        return CodedColumn(codes, texts)
    return CodedColumn(np.asarray(distinct.indices).astype(np.int32)[codes], distinct.dictionary)


def factorize_keys(column: pa.ChunkedArray, where: str) -> CodedColumn:
    """Convert the keys of a join like `factorize`; InvalidData at `where` for a type or value without text."""
    if pa.types.is_nested(column.type):
        raise InvalidData.at(where, f"has the type {column.type}, which cannot be a key; write one value per row")
    try:
        return factorize(column)
    except (UnreadableType, UnreadableValue) as error:
        raise InvalidData.at(where, f"cannot be a key: {error}") from error
