"""csv, tsv and RecBole's atomic files as arrow tables of text.

gzip and zstd are recognised by their first bytes, whatever the file is called. In csv a field may stand in double
quotes; in tsv and atomic files a quote is a letter like any other, as in IANA's definition of tab-separated values.
"""

import csv
import io
import re
from collections.abc import Collection
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa
import pyarrow.csv

from ctrlab_contract.errors import InvalidData
from ctrlab_trainer.data.sources import TableFiles

TYPED_NAME: Final = re.compile(r"^(?P<name>.+):(token|token_seq|float|float_seq)$")
"""A column of a RecBole header; see `column_names`."""

COMPRESSIONS: Final = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
"""First bytes of a file -> what arrow calls its compression."""

TEXT: Final = pa.dictionary(pa.int32(), pa.string())
"""Every column is read as text, each distinct value once."""


def column_names(table: TableFiles, path: Path) -> list[str]:
    """The columns of one part: as given, or its first line; a typed header (all names `name:type`) loses its types."""
    if table.columns is not None:
        return list(table.columns)
    try:
        with _opened(path) as stream:
            line = io.BufferedReader(stream).readline().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        raise InvalidData.at(path.name, f"the header cannot be read: {_reason(error)}") from error
    if not line.strip():
        raise InvalidData.at(path.name, "is empty; expected a header that names the columns")
    fields = next(csv.reader([line], delimiter=_delimiter(table), quoting=_quoting(table)))
    names = [name.strip("\r\n") for name in fields]
    typed = [TYPED_NAME.match(name) for name in names]
    if all(typed):
        names = [match["name"] for match in typed if match]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidData.at(f"{path.name}, header", f"names the column {twice[0]!r} twice")
    return names


def read_delimited(table: TableFiles, path: Path, wanted: Collection[str]) -> pa.Table:
    """The wanted columns of one part; InvalidData for a broken stream or a row with too few or too many fields."""
    names = column_names(table, path)
    try:
        return _read(table, path, names, wanted, threads=True)
    except pa.ArrowInvalid:
        pass  # read once more in one thread, which can name the row
    except OSError as error:
        raise InvalidData.at(path.name, _reason(error)) from error
    try:
        return _read(table, path, names, wanted, threads=False)
    except (pa.ArrowInvalid, OSError) as error:
        raise InvalidData.at(path.name, _reason(error)) from error


def _read(table: TableFiles, path: Path, names: list[str], wanted: Collection[str], threads: bool) -> pa.Table:
    kept = [name for name in names if name in wanted]
    with _opened(path) as stream:
        return pa.csv.read_csv(
            stream,
            read_options=pa.csv.ReadOptions(
                column_names=names, skip_rows=1 if table.columns is None else 0, use_threads=threads
            ),
            parse_options=pa.csv.ParseOptions(
                delimiter=_delimiter(table), quote_char='"' if table.format == "csv" else False
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types=dict.fromkeys(kept, TEXT), include_columns=kept, strings_can_be_null=False
            ),
        )


def _opened(path: Path) -> pa.NativeFile:
    file = pa.OSFile(str(path))
    start = file.read(4)
    file.seek(0)
    for magic, name in COMPRESSIONS.items():
        if start.startswith(magic):
            return pa.CompressedInputStream(file, name)
    return file


def _delimiter(table: TableFiles) -> str:
    return "," if table.format == "csv" else "\t"


def _quoting(table: TableFiles) -> Literal[0, 3]:
    return csv.QUOTE_MINIMAL if table.format == "csv" else csv.QUOTE_NONE


def _reason(error: Exception) -> str:
    text = str(error)
    if "runcated compressed stream" in text:
        return "the compressed stream ends too early: the file is truncated or still being written; copy it again"
    found = re.search(r"Row #(\d+): (Expected .*?): ", text)
    if found:
        return f"line {found[1]}: {found[2].lower()} of the line"
    return text.splitlines()[0]
