"""Reader of csv, tsv and RecBole's atomic files: batches of text, and of numbers for columns used only as numbers.

A compression is recognized by the first bytes, regardless of the file name. In csv a field may be in quotes, and then
contain line breaks; in tsv and atomic files a quote is an ordinary character, as in IANA's definition of tab-separated
values. The separator, quote and decimal character of csv can be declared.
"""

import csv
import io
import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.readers.arrow_types import DICTIONARY_TEXT
from ctrlab_trainer.data.readers.byte_streams import STREAM_ERRORS, TextStream, error_reason, require_utf8
from ctrlab_trainer.data.sources.field_syntax import FieldSyntax
from ctrlab_trainer.data.sources.source_locations import TableFiles

TYPED_NAME: Final = re.compile(r"^(?P<name>.+):(token|token_seq|float|float_seq)$")
"""Column in the header of a RecBole file; see `delimited_columns`."""

BLOCK_BYTES: Final = 16 << 20

SEPARATORS: Final = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "vertical bars", "^": "carets", " ": "spaces"}
"""Common separators and their names, in the order in which a header is searched for them."""


class NonNumericColumn(Exception):
    """A column read as numbers has other values; reading it as text shows which."""


END_TEXT: Final = "\x7fend\x7f"
END_NUMBER: Final = -1.5e-323
"""Values of a row that is appended to a csv file: if it is not read, a quote that is never closed has swallowed it."""


def delimited_columns(table: TableFiles, path: Path) -> list[str]:
    """Return the columns of one file: as specified, or from its header, without types if all names are `name:type`."""
    if table.columns is not None:
        return list(table.columns)
    try:
        with TextStream(path) as stream:
            header = _read_header(stream, table, path)
    except STREAM_ERRORS as error:
        raise InvalidData.at(path.name, f"the header cannot be read: {error_reason(error)}") from error
    if not header.strip():
        raise InvalidData.at(path.name, "is empty; expected a header with the column names")
    names = next(csv.reader(io.StringIO(header, newline=""), **csv_options(table.syntax)))
    matches = [TYPED_NAME.match(name) for name in names]
    if all(matches):
        names = [match["name"] for match in matches if match]
    duplicates = sorted({name for name in names if names.count(name) > 1} - {""})
    if duplicates:
        raise InvalidData.at(f"{path.name}, header", f"the column {duplicates[0]!r} appears twice")
    return names


def separator_hint(table: TableFiles, columns: Collection[str]) -> str:
    """Return a sentence for messages if the only column of a header looks like several with another separator."""
    if table.format not in ("csv", "tsv", "recbole") or len(columns) != 1:
        return ""
    (header,) = columns
    used = next((separator for separator in SEPARATORS if separator in header), None)
    if used is None:
        return ""
    if used == "," and table.format != "csv":
        remedy = "set format: csv"
    elif used == "\t" and table.declared_syntax is None:
        remedy = "set format: tsv"
    else:
        remedy = f"set {'' if table.format == 'csv' else 'format: csv and '}separator: {json.dumps(used)}"
    expected = SEPARATORS.get(table.syntax.separator, repr(table.syntax.separator))
    kind = table.format if table.declared_syntax is None else "the table"
    return f"; its header is separated by {SEPARATORS[used]}, but {kind} is separated by {expected}: {remedy}"


def read_delimited(
    table: TableFiles, path: Path, required: Collection[str], numeric: Collection[str], missing: Collection[str]
) -> Iterator[pa.RecordBatch]:
    """Yield the required columns of one file, those in `numeric` as numbers; `missing` are texts of missing numbers.

    InvalidData for a damaged stream, a row with too few or too many fields, and a quote that is not closed;
    NonNumericColumn, possibly after some batches, if a column of `numeric` has other text.
    """
    names = delimited_columns(table, path)
    try:
        for batch in _read(table, path, names, required, numeric, missing):
            if not all(_is_finite(batch.column(name)) for name in numeric if name in batch.schema.names):
                raise NonNumericColumn
            yield batch
    except pa.ArrowInvalid as error:
        if "conversion error to double" in str(error):
            raise NonNumericColumn from error
        raise _invalid_line(table, path, names, error) from error
    except STREAM_ERRORS as error:
        raise InvalidData.at(path.name, error_reason(error)) from error


def _read(
    table: TableFiles,
    path: Path,
    names: list[str],
    required: Collection[str],
    numeric: Collection[str],
    missing: Collection[str],
) -> Iterator[pa.RecordBatch]:
    included = [name for name in names if name in required]
    syntax = table.syntax
    quoted = bool(syntax.quote)
    with TextStream(path) as stream:
        if table.columns is None:
            _read_header(stream, table, path)
        if quoted:
            stream.append(_last_row(table, names, numeric))
        try:
            reader = pa.csv.open_csv(
                pa.PythonFile(stream, "r"),
                read_options=pa.csv.ReadOptions(
                    column_names=[name or f"\x1f{index}" for index, name in enumerate(names)], block_size=BLOCK_BYTES
                ),
                parse_options=pa.csv.ParseOptions(
                    delimiter=syntax.separator, quote_char=syntax.quote or False, newlines_in_values=quoted
                ),
                convert_options=pa.csv.ConvertOptions(
                    column_types={name: pa.float64() if name in numeric else DICTIONARY_TEXT for name in included},
                    include_columns=included,
                    null_values=sorted(missing),
                    strings_can_be_null=False,
                    decimal_point=syntax.decimal,
                ),
            )
        except pa.ArrowInvalid as error:
            if "Empty CSV file" in str(error):
                return
            raise
        yield from _without_last_row(reader) if quoted else reader


def _is_finite(numbers: pa.Array) -> bool:
    """Return whether no number is infinite or not a number, which Arrow reads from text such as `-nan` and `1e999`."""
    return pc.all(pc.is_finite(numbers)).as_py() is not False


def _last_row(table: TableFiles, names: list[str], numeric: Collection[str]) -> bytes:
    number = repr(END_NUMBER).replace(".", table.syntax.decimal)
    fields = [number if name in numeric else END_TEXT for name in names]
    return f"\n{table.syntax.separator.join(fields)}\n".encode()


def _without_last_row(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield all rows but the appended one; ArrowInvalid if it is not the last one."""
    last: pa.RecordBatch | None = None
    for batch in batches:
        if batch.num_rows:
            if last is not None:
                yield last
            last = batch
    end = () if last is None or last.num_columns == 0 else (column[-1].as_py() for column in last.columns)
    if last is None or any(value not in (END_TEXT, END_NUMBER) for value in end):
        raise pa.ArrowInvalid("a quote is not closed")
    columns = [_without_last_value(column) for column in last.columns]
    yield pa.record_batch(columns, names=last.schema.names) if columns else last.slice(0, last.num_rows - 1)


def _without_last_value(column: pa.Array) -> pa.Array:
    """Drop the last value, and from the dictionary of a text column, whose last entry it is."""
    if not pa.types.is_dictionary(column.type):
        return column[:-1]
    return pa.DictionaryArray.from_arrays(column.indices[:-1], column.dictionary[:-1])


def _read_header(stream: TextStream, table: TableFiles, path: Path) -> str:
    """Read the header, which may have quoted line breaks, and leave the stream behind it."""
    data, quote = b"", table.syntax.quote.encode()
    while block := stream.read(1 << 16):
        data += block
        for end in re.finditer(rb"\r\n|\r|\n", data):
            if not quote or data.count(quote, 0, end.start()) % 2 == 0:
                stream.push_back(data[end.end() :])
                require_utf8(path.name, data[: end.start()], 1)
                return data[: end.start()].decode()
    require_utf8(path.name, data, 1)
    return data.decode()


def _invalid_line(table: TableFiles, path: Path, names: list[str], error: Exception) -> InvalidData:
    """Return the error of the first line that cannot be read, with its number."""
    previous = line = 1
    try:
        with TextStream(path) as stream:
            rows = csv.reader(_lines(stream, path), **csv_options(table.syntax))
            for fields in rows:
                if len(fields) not in (0, len(names)):
                    extra = ": does the line end with a separator?" if fields[-1:] == [""] else ""
                    return InvalidData.at(
                        f"{path.name}: line {line}", f"expected {len(names)} columns, got {len(fields)}{extra}"
                    )
                previous, line = line, rows.line_num + 1
    except csv.Error:
        return InvalidData.at(
            f"{path.name}, line {line}", "has a field that is too long; is a quote in this line never closed?"
        )
    except STREAM_ERRORS as stream_error:
        return InvalidData.at(path.name, error_reason(stream_error))
    except InvalidData as invalid:
        return invalid
    if "not closed" in str(error):
        return InvalidData.at(
            path.name,
            f"the quote that begins in line {previous} is never closed; close it, or double a quote within quotes",
        )
    return InvalidData.at(path.name, error_reason(error))


def _lines(stream: TextStream, path: Path) -> Iterator[str]:
    """Yield lines with their ends; InvalidData for a line that is not UTF-8."""
    rest, number = b"", 1
    while block := stream.read():
        *lines, rest = (rest + block).splitlines(keepends=True)
        require_utf8(path.name, b"".join(lines), number)
        number += len(lines)
        yield from (line.decode() for line in lines)
    require_utf8(path.name, rest, number)
    yield rest.decode()


def csv_options(syntax: FieldSyntax) -> dict[str, Any]:
    """Return the options of Python's csv.reader."""
    if not syntax.quote:
        return {"delimiter": syntax.separator, "quoting": csv.QUOTE_NONE}
    return {"delimiter": syntax.separator, "quotechar": syntax.quote}
