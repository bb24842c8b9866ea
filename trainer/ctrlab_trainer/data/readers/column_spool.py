"""Spool of the required columns of a source on the local disk, one file each, so only one column must be in memory.

Once the spool is written, the source, which may be slow, remote or compressed, is no longer needed.
"""

import shutil
import tempfile
import weakref
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.readers.arrow_types import DICTIONARY_TEXT


class Spool:
    """Columns as Arrow stream files, mapped on access; the folder is deleted with the last reference to the spool."""

    def __init__(self, names: Sequence[str]) -> None:
        self.column_names = list(names)
        self.num_rows = 0
        self.folder = Path(tempfile.mkdtemp(prefix="ctrlab-spool-"))
        self._removal = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        """Return one column, memory-mapped; KeyError for an unknown name."""
        if name not in self.column_names:
            raise KeyError(name)
        with pa.memory_map(str(self._path(name))) as file:
            return pa.ipc.open_stream(file).read_all()[name]

    def write(self, batches: Iterable[tuple[str, pa.RecordBatch]]) -> dict[str, int]:
        """Append batches, each with the name of its file and all columns; return the number of rows by file.

        InvalidData for a column whose type differs between files, and for a full disk.
        """
        rows: dict[str, int] = {}
        first_file = ""
        with ExitStack() as files:
            columns = {name: files.enter_context(_ColumnFile(name, self._path(name))) for name in self.column_names}
            for file, batch in batches:
                rows[file] = rows.get(file, 0) + batch.num_rows
                first_file = first_file or file
                for name, column in columns.items():
                    column.write(batch.column(name), file, first_file)
        self.num_rows = sum(rows.values())
        return rows

    def _path(self, name: str) -> Path:
        return self.folder / f"{self.column_names.index(name)}.arrow"


class _ColumnFile:
    """Writer of one column; rows of a column without values are written once the type of the column is known."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path
        self._files = ExitStack()
        self._writer: Any = None
        self._type = pa.null()
        self._leading_nulls = 0

    def __enter__(self) -> "_ColumnFile":
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        with self._files:
            if error is None and self._writer is None:
                self._append(pa.nulls(self._leading_nulls, DICTIONARY_TEXT))

    def write(self, column: pa.Array, file: str, first_file: str) -> None:
        """Append rows of `file`; InvalidData if the type differs from the one in `first_file`, or for a full disk."""
        if pa.types.is_null(column.type) and self._writer is None:
            self._leading_nulls += len(column)
            return
        if self._writer is None:
            if self._leading_nulls:
                self._append(pa.nulls(self._leading_nulls, column.type))
        elif pa.types.is_null(column.type):
            column = pa.nulls(len(column), self._type)
        elif column.type != self._type and {column.type, self._type} == {pa.string(), DICTIONARY_TEXT}:
            column = column.dictionary_encode() if pa.types.is_string(column.type) else column.dictionary_decode()
        else:
            column = with_equal_numbers(column, self._type)
            require_one_type(file, self.name, column.type, first_file, self._type)
        self._append(column)

    def _append(self, column: pa.Array) -> None:
        schema = pa.schema([(self.name, column.type)])
        try:
            if self._writer is None:
                sink = self._files.enter_context(pa.OSFile(str(self.path), "wb"))
                self._writer, self._type = self._files.enter_context(pa.ipc.new_stream(sink, schema)), column.type
            self._writer.write_batch(pa.record_batch([column], schema=schema))
        except OSError as error:
            raise InvalidData.at(
                str(self.path.parent),
                f"cannot store the columns while they are encoded: {error.strerror or error}; free some space, or set "
                "TMPDIR to a folder on a larger disk",
            ) from error


def with_equal_numbers(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Convert integers and doubles to the type of the first file if all numbers, and so their texts, stay equal.

    pandas writes the integers of a part with missing values as doubles.
    """
    if values.type == kind or not {values.type, kind} <= {pa.int64(), pa.uint64(), pa.float64()}:
        return values
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    try:
        return values.cast(kind)
    except pa.ArrowInvalid:
        return values


def require_one_type(file: str, column: str, type_: pa.DataType, first_file: str, first: pa.DataType) -> None:
    """Raise InvalidData for a column whose type differs from its type in the first file; null differs from no type."""
    if type_ != first and not {type_, first} & {pa.null()} and _type_name(type_) != _type_name(first):
        raise InvalidData.at(
            f"{file}, column {column}",
            f"is {_type_name(type_)} here and {_type_name(first)} in {first_file}; all files must have the same type: "
            "write the files again",
        )


def _type_name(kind: pa.DataType) -> str:
    return "text" if pa.types.is_dictionary(kind) or pa.types.is_string(kind) else str(kind)
