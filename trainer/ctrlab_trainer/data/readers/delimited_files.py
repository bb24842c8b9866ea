"""Reader of csv, tsv and RecBole's atomic files: batches of text, and of numbers for columns used only as numbers.

gzip and zstd are recognized by their first bytes, regardless of the file name. In csv a field may be in double quotes;
in tsv and atomic files a quote is an ordinary character, as in IANA's definition of tab-separated values.
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
from ctrlab_trainer.data.readers.byte_streams import error_reason, first_line, open_decompressed
from ctrlab_trainer.data.sources.source_locations import TableFiles

TYPED_NAME: Final = re.compile(r"^(?P<name>.+):(token|token_seq|float|float_seq)$")
"""Column in the header of a RecBole file; see `delimited_columns`."""

DICTIONARY_TEXT: Final = pa.dictionary(pa.int32(), pa.string())
"""Type of text columns: each distinct value once per block."""

BLOCK_BYTES: Final = 16 << 20


class NonNumericColumn(Exception):
    """A column read as numbers has other values; reading it as text shows which."""


def delimited_columns(table: TableFiles, path: Path) -> list[str]:
    """Return the columns of one file: as specified, or from its header, without types if all names are `name:type`."""
    if table.columns is not None:
        return list(table.columns)
    try:
        line = first_line(path)
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        raise InvalidData.at(path.name, f"the header cannot be read: {error_reason(error)}") from error
    if not line.strip():
        raise InvalidData.at(path.name, "is empty; expected a header with the column names")
    fields = next(csv.reader(io.StringIO(line), delimiter=_delimiter(table), quoting=_quoting(table)))
    names = [name.strip("\r\n") for name in fields]
    matches = [TYPED_NAME.match(name) for name in names]
    if all(matches):
        names = [match["name"] for match in matches if match]
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise InvalidData.at(f"{path.name}, header", f"the column {duplicates[0]!r} appears twice")
    return names


def read_delimited(
    table: TableFiles, path: Path, required: Collection[str], numeric: Collection[str], missing: Collection[str]
) -> Iterator[pa.RecordBatch]:
    """Yield the required columns of one file, those in `numeric` as numbers; `missing` are texts of missing numbers.

    InvalidData for a damaged stream or a row with too few or too many fields; NonNumericColumn, possibly after some
    batches, if a column of `numeric` has other text.
    """
    names = delimited_columns(table, path)
    try:
        yield from _read(table, path, names, required, numeric, missing, threads=True)
        return
    except (pa.ArrowInvalid, OSError) as error:
        if "conversion error to double" in str(error):
            raise NonNumericColumn from error
        if isinstance(error, OSError):
            raise InvalidData.at(path.name, error_reason(error)) from error
    try:
        for _ in _read(table, path, names, required, numeric, missing, threads=False):
            pass  # read again in one thread, whose error names the row
    except (pa.ArrowInvalid, OSError) as error:
        raise InvalidData.at(path.name, error_reason(error)) from error
    raise InvalidData.at(path.name, "changed while it was read; run again when nothing writes to it")


def _read(
    table: TableFiles,
    path: Path,
    names: list[str],
    required: Collection[str],
    numeric: Collection[str],
    missing: Collection[str],
    threads: bool,
) -> Iterator[pa.RecordBatch]:
    included = [name for name in names if name in required]
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
                    column_types={name: pa.float64() if name in numeric else DICTIONARY_TEXT for name in included},
                    include_columns=included,
                    null_values=sorted(missing),
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
