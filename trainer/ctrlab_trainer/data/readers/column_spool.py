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

from ctrlab_api.errors import InvalidData


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
        writers: dict[str, Any] = {}
        first_file = ""
        with ExitStack() as files:
            for file, batch in batches:
                rows[file] = rows.get(file, 0) + batch.num_rows
                first_file = first_file or file
                for name in self.column_names:
                    column = batch.column(name)
                    schema = pa.schema([(name, column.type)])
                    if name not in writers:
                        sink = files.enter_context(pa.OSFile(str(self._path(name)), "wb"))
                        writers[name] = (files.enter_context(pa.ipc.new_stream(sink, schema)), column.type)
                    writer, type_ = writers[name]
                    require_one_type(file, name, column.type, first_file, type_)
                    try:
                        writer.write_batch(pa.record_batch([column], schema=schema))
                    except OSError as error:
                        raise InvalidData.at(
                            str(self.folder),
                            f"cannot store the columns while they are encoded: {error.strerror or error}; free some "
                            "space, or set TMPDIR to a folder on a larger disk",
                        ) from error
        self.num_rows = sum(rows.values())
        return rows

    def _path(self, name: str) -> Path:
        return self.folder / f"{self.column_names.index(name)}.arrow"


def require_one_type(file: str, column: str, type_: pa.DataType, first_file: str, first: pa.DataType) -> None:
    """Raise InvalidData for a column whose type differs from its type in the first file."""
    if type_ != first:
        raise InvalidData.at(
            f"{file}, column {column}",
            f"is {_type_name(type_)} here and {_type_name(first)} in {first_file}; all files must have the same type: "
            "write the files again",
        )


def _type_name(kind: pa.DataType) -> str:
    return "text" if pa.types.is_dictionary(kind) or pa.types.is_string(kind) else str(kind)
