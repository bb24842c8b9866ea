"""Reader of JSON lines: one object per line, whose members are columns.

Numbers and booleans of a column that is not read as numbers become text, so an id is the same whether it is
written as 7 or "7". A member that an object lacks is a missing value. Lists stay lists.
"""

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.json

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.readers.byte_streams import error_reason, line_blocks
from ctrlab_trainer.data.readers.delimited_files import DICTIONARY_TEXT, NonNumericColumn

LIST: Final = pa.list_(pa.string())


def jsonl_columns(path: Path) -> list[str]:
    """Return the members of the objects in the first block of lines."""
    for _, table in _tables(path):
        return list(table.column_names)
    raise InvalidData.at(path.name, "is empty; expected one JSON object per line")


def read_jsonl(path: Path, required: Collection[str], numeric: Collection[str]) -> Iterator[pa.RecordBatch]:
    """Yield the required members of one file; InvalidData with the line that is not a JSON object."""
    names = list(dict.fromkeys(required))
    lists: set[str] = set()
    for first, table in _tables(path):
        columns = []
        for name in names:
            column = table[name] if name in table.column_names else pa.nulls(table.num_rows)
            if pa.types.is_null(column.type) and name in lists:
                column = column.cast(LIST)
            array = _column(column, f"{path.name}, lines from {first}, column {name}", name in numeric)
            if array.type == LIST:
                lists.add(name)
            columns.append(array)
        yield pa.record_batch(columns, names=names)


def _column(column: pa.ChunkedArray, location: str, numeric: bool) -> pa.Array:
    kind = column.type
    if pa.types.is_struct(kind):
        raise InvalidData.at(location, "found an object; allowed are text, numbers, booleans, null and lists of these")
    if pa.types.is_list(kind):
        return _combine(column.cast(LIST))
    if numeric:
        try:
            return _combine(column.cast(pa.float64()))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise NonNumericColumn from error
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    return _combine(column.cast(pa.string())).fill_null("").cast(DICTIONARY_TEXT)


def _combine(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _tables(path: Path) -> Iterator[tuple[int, pa.Table]]:
    """Yield the number of the first line, counted from 1, and the lines of each block as a table."""
    first = 1
    try:
        for block in line_blocks(path):
            try:
                table = pa.json.read_json(
                    pa.BufferReader(block), read_options=pa.json.ReadOptions(block_size=len(block) + 1)
                )
            except pa.ArrowInvalid as error:
                raise _invalid_line(path, block, first, error) from error
            yield first, table
            first += block.count(b"\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidData.at(path.name, error_reason(error)) from error


def _invalid_line(path: Path, block: bytes, first: int, error: Exception) -> InvalidData:
    for number, line in enumerate(block.splitlines(), first):
        try:
            if not isinstance(json.loads(line or b"{}"), dict):
                return InvalidData.at(
                    f"{path.name}, line {number}", "is not a JSON object; expected one object per line"
                )
        except ValueError as parse_error:
            return InvalidData.at(f"{path.name}, line {number}", f"is not JSON: {parse_error}")
    return InvalidData.at(
        path.name, f"lines from {first}: {error_reason(error)}; a member must have one type in all lines"
    )
