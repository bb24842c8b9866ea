"""The wanted columns of a source on the local disk, one file each, so that no more than a column need be in memory.

Once it is written, the source is not needed any more: it may be slow, far away, compressed, or gone.
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
    """Columns as Arrow stream files, each mapped when it is asked for; its folder goes when nobody uses it."""

    def __init__(self, names: Sequence[str]) -> None:
        self.column_names = list(names)
        self.num_rows = 0
        self.folder = Path(tempfile.mkdtemp(prefix="ctrlab-spool-"))
        self._removal = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        """One column, mapped from the disk; KeyError for a name that is not there."""
        if name not in self.column_names:
            raise KeyError(name)
        with pa.memory_map(str(self._path(name))) as file:
            return pa.ipc.open_stream(file).read_all()[name]

    def write(self, batches: Iterable[tuple[str, pa.RecordBatch]]) -> dict[str, int]:
        """Appends batches that all have these columns, each with the name of its file; returns the files' rows.

        InvalidData for a column whose type differs between files, and for a disk that is full.
        """
        rows: dict[str, int] = {}
        writers: dict[str, Any] = {}
        first_file = ""
        with ExitStack() as opened:
            for file, batch in batches:
                rows[file] = rows.get(file, 0) + batch.num_rows
                first_file = first_file or file
                for name in self.column_names:
                    column = batch.column(name)
                    schema = pa.schema([(name, column.type)])
                    if name not in writers:
                        sink = opened.enter_context(pa.OSFile(str(self._path(name)), "wb"))
                        writers[name] = (opened.enter_context(pa.ipc.new_stream(sink, schema)), column.type)
                    writer, type_ = writers[name]
                    require_one_type(file, name, column.type, first_file, type_)
                    try:
                        writer.write_batch(pa.record_batch([column], schema=schema))
                    except OSError as error:
                        raise InvalidData.at(
                            str(self.folder),
                            f"cannot hold the columns while they are encoded: {error.strerror or error}; free some "
                            "space, or set TMPDIR to a folder on a larger disk",
                        ) from error
        self.num_rows = sum(rows.values())
        return rows

    def _path(self, name: str) -> Path:
        return self.folder / f"{self.column_names.index(name)}.arrow"


def require_one_type(file: str, column: str, found: pa.DataType, first_file: str, first: pa.DataType) -> None:
    """InvalidData for a column whose type in one file is another than in the first."""
    if found != first:
        raise InvalidData.at(
            f"{file}, column {column}",
            f"is {_words(found)} here and {_words(first)} in {first_file}; every part must have the same type: write "
            "the parts anew",
        )


def _words(kind: pa.DataType) -> str:
    return "text" if pa.types.is_dictionary(kind) or pa.types.is_string(kind) else str(kind)
