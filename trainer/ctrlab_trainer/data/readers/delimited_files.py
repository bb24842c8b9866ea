"""csv, tsv and RecBole's atomic files as batches of text, and of numbers where nothing but numbers is wanted.

gzip and zstd are recognised by their first bytes, whatever the file is called. In csv a field may stand in double
quotes; in tsv and atomic files a quote is a letter like any other, as in IANA's definition of tab-separated values.
"""

import csv
import io
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa
import pyarrow.csv

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.readers.column_values import MISSING_TEXTS
from ctrlab_trainer.data.readers.decompression import error_reason, first_line, open_decompressed
from ctrlab_trainer.data.sources.source_locations import TableFiles

TYPED_NAME: Final = re.compile(r"^(?P<name>.+):(token|token_seq|float|float_seq)$")
"""A column of a RecBole header; see `column_names`."""

DICTIONARY_TEXT: Final = pa.dictionary(pa.int32(), pa.string())
"""Columns are read as text, each distinct value once a block."""

BLOCK_BYTES: Final = 16 << 20


class NonNumericColumn(Exception):
    """A column that was to be read as numbers holds something else, which a reading as text will show."""


def delimited_columns(table: TableFiles, path: Path) -> list[str]:
    """The columns of one part: as given, or its first line; a typed header (all names `name:type`) loses its types."""
    if table.columns is not None:
        return list(table.columns)
    try:
        line = first_line(path)
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        raise InvalidData.at(path.name, f"the header cannot be read: {error_reason(error)}") from error
    if not line.strip():
        raise InvalidData.at(path.name, "is empty; expected a header that names the columns")
    fields = next(csv.reader(io.StringIO(line), delimiter=_delimiter(table), quoting=_quoting(table)))
    names = [name.strip("\r\n") for name in fields]
    typed = [TYPED_NAME.match(name) for name in names]
    if all(typed):
        names = [match["name"] for match in typed if match]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidData.at(f"{path.name}, header", f"names the column {twice[0]!r} twice")
    return names


def read_delimited(
    table: TableFiles, path: Path, wanted: Collection[str], numeric: Collection[str]
) -> Iterator[pa.RecordBatch]:
    """The wanted columns of one part, those in `numeric` as numbers.

    InvalidData for a broken stream or a row with too few or too many fields; NotNumbers, possibly after some batches,
    where a column of `numeric` holds other text.
    """
    names = delimited_columns(table, path)
    try:
        yield from _read(table, path, names, wanted, numeric, threads=True)
        return
    except (pa.ArrowInvalid, OSError) as error:
        if "conversion error to double" in str(error):
            raise NonNumericColumn from error
        if isinstance(error, OSError):
            raise InvalidData.at(path.name, error_reason(error)) from error
    try:
        for _ in _read(table, path, names, wanted, numeric, threads=False):
            pass  # once more in one thread, which can name the row
    except (pa.ArrowInvalid, OSError) as error:
        raise InvalidData.at(path.name, error_reason(error)) from error
    raise InvalidData.at(path.name, "changed while it was being read; run again when nobody writes to it")


def _read(
    table: TableFiles, path: Path, names: list[str], wanted: Collection[str], numeric: Collection[str], threads: bool
) -> Iterator[pa.RecordBatch]:
    kept = [name for name in names if name in wanted]
    with open_decompressed(path) as stream:
        try:
            reader = pa.csv.open_csv(
                stream,
                read_options=pa.csv.ReadOptions(
                    column_names=names,
                    skip_rows=1 if table.columns is None else 0,
                    use_threads=threads,
                    block_size=BLOCK_BYTES,
                ),
                parse_options=pa.csv.ParseOptions(
                    delimiter=_delimiter(table), quote_char='"' if table.format == "csv" else False
                ),
                convert_options=pa.csv.ConvertOptions(
                    column_types={name: pa.float64() if name in numeric else DICTIONARY_TEXT for name in kept},
                    include_columns=kept,
                    null_values=sorted(MISSING_TEXTS),
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid as error:
            if "Empty CSV file" in str(error):
                return
            raise
        yield from reader


def _delimiter(table: TableFiles) -> str:
    return "," if table.format == "csv" else "\t"


def _quoting(table: TableFiles) -> Literal[0, 3]:
    return csv.QUOTE_MINIMAL if table.format == "csv" else csv.QUOTE_NONE
