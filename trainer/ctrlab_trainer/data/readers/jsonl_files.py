"""Reader of JSON lines: one object per line, whose members are columns.

Text keeps its spelling, numbers and booleans have their canonical text, so an id is the same whether it is written as 7
or "7". A member that an object lacks, null and NaN are missing values. Lists stay lists. A block of lines that Arrow
cannot read without changing a value is read object by object.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.readers.byte_streams import STREAM_ERRORS, error_reason, line_blocks
from ctrlab_trainer.data.readers.canonical_text import canonical_text
from ctrlab_trainer.data.readers.delimited_files import NonNumericColumn
from ctrlab_trainer.data.readers.json_objects import object_lists, parse_objects

LIST: Final = pa.list_(pa.string())
MAX_EXACT: Final = 2.0**53
"""Arrow reads a column of integers and fractions as float64, which has all integers up to this size."""


def jsonl_columns(path: Path) -> list[str]:
    """Return the members of the objects in the first block of lines."""
    for _, block in _blocks(path):
        table = _read_with_arrow(block, frozenset())
        if table is not None:
            return list(table.column_names)
        return list(dict.fromkeys(name for _, members in parse_objects(path.name, block, 1) for name in members))
    raise InvalidData.at(path.name, "is empty; expected one JSON object per line")


def read_jsonl(path: Path, required: Collection[str], numeric: Collection[str]) -> Iterator[pa.RecordBatch]:
    """Yield the required members of one file, null in all rows of a block as type null.

    InvalidData with the line that is not a JSON object, or whose member has a value that cannot be read;
    NonNumericColumn if a column of `numeric` has other values.
    """
    names = list(dict.fromkeys(required))
    for first, block in _blocks(path):
        columns = _columns_of_arrow(block, names, frozenset(numeric))
        if columns is None:
            columns = object_lists(path.name, parse_objects(path.name, block, first), names, frozenset(numeric))
        yield pa.record_batch(columns, names=names)


def _blocks(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield blocks of lines, each with the number of its first line, counted from 1."""
    first = 1
    try:
        for block in line_blocks(path):
            yield first, block
            first += block.count(b"\n")
    except STREAM_ERRORS as error:
        raise InvalidData.at(path.name, error_reason(error)) from error


def _columns_of_arrow(block: bytes, names: list[str], numeric: frozenset[str]) -> list[pa.Array] | None:
    """Return the columns, or None if Arrow cannot read one of them without changing a value."""
    table = _read_with_arrow(block, frozenset())
    if table is None:
        return None
    dates = frozenset(name for name in names if name in table.column_names and _has_dates(table[name].type))
    if dates:
        table = _read_with_arrow(block, dates, table.schema)
        if table is None:
            return None
    columns = []
    for name in names:
        column = table[name] if name in table.column_names else pa.chunked_array([pa.nulls(table.num_rows)])
        array = _column(column, name in numeric)
        if array is None:
            return None
        columns.append(array)
    return columns


def _read_with_arrow(block: bytes, texts: frozenset[str], schema: pa.Schema | None = None) -> pa.Table | None:
    """Read lines, with the columns `texts` of `schema` as text; None if Arrow rejects them or reads other rows."""
    explicit = None if schema is None else pa.schema([(name, _as_text(schema.field(name).type)) for name in texts])
    try:
        table = pyarrow.json.read_json(
            pa.BufferReader(block),
            read_options=pyarrow.json.ReadOptions(block_size=len(block) + 1),
            parse_options=pyarrow.json.ParseOptions(explicit_schema=explicit),
        )
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    lines = block.count(b"\n") + (not block.endswith(b"\n"))
    return table if table.num_rows == lines else None


def _has_dates(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind.value_type if pa.types.is_list(kind) else kind))


def _as_text(kind: pa.DataType) -> pa.DataType:
    return LIST if pa.types.is_list(kind) else pa.string()


def _column(column: pa.ChunkedArray, numeric: bool) -> pa.Array | None:
    values = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    kind = values.type
    if pa.types.is_null(kind):
        return values
    if pa.types.is_list(kind):
        elements = values.flatten()
        if pa.types.is_null(kind.value_type) or not _is_exact(elements):
            return None
        lengths = pc.list_value_length(values).fill_null(0)
        offsets = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(lengths.cast(pa.int64()))])
        mask = values.is_null() if values.null_count else None
        return pa.ListArray.from_arrays(offsets.cast(pa.int32()), canonical_text(elements), mask=mask)
    if numeric:
        if pa.types.is_string(kind) or pa.types.is_struct(kind):
            raise NonNumericColumn
        return values.cast(pa.int8() if pa.types.is_boolean(kind) else kind).cast(pa.float64(), safe=False)
    if not _is_exact(values):
        return None
    if pa.types.is_string(kind):
        return values.dictionary_encode()
    distinct = values.dictionary_encode()
    return pa.DictionaryArray.from_arrays(distinct.indices, canonical_text(distinct.dictionary))


def _is_exact(values: pa.Array) -> bool:
    """Return whether Arrow's values have the text of the file."""
    kind = values.type
    if pa.types.is_floating(kind):
        return not bool(pc.any(pc.greater_equal(pc.abs(values), MAX_EXACT)).as_py())
    return bool(
        pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind)
    )
