"""Fuzz test of the readers: any bytes, truncation or column type is read, or rejected with the name of the file."""

import bz2
import gzip
import json
import lzma
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrlab_api.errors import InvalidInput
from ctrlab_api.resources.missing_values import DEFAULT_MISSING
from ctrlab_api.resources.source_uris import Format
from ctrlab_trainer.data.readers.column_values import numeric_values
from ctrlab_trainer.data.readers.source_reading import available_columns, read_source
from ctrlab_trainer.data.readers.source_tables import factorize
from ctrlab_trainer.data.sources.source_locations import LocatedSource, TableFiles

FUZZ = settings(max_examples=250, derandomize=True, deadline=None)
FORMATS: tuple[Format, ...] = ("csv", "tsv", "jsonl", "libsvm", "sequences", "parquet")
COMPRESS: tuple[Callable[[bytes], bytes], ...] = (bytes, gzip.compress, bz2.compress, lzma.compress)


def read_or_reject(content: bytes, file_format: Format, numeric: bool) -> None:
    """Read all columns as text or as numbers; a rejection must name the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.data"
        path.write_bytes(content)
        located = LocatedSource(TableFiles((path,), file_format))
        try:
            columns = available_columns(located)[:4]
            table = read_source(located, dict.fromkeys(columns, "field"), columns if numeric else (), DEFAULT_MISSING)
            for name in columns:
                if pa.types.is_list(table.data[name].type):
                    factorize(pa.chunked_array([chunk.flatten() for chunk in table.data[name].chunks]))
                elif numeric:
                    numeric_values(table, name)
                else:
                    factorize(table.data[name])
        except InvalidInput as error:
            rejection = str(error)
        else:
            return
        assert "rows.data" in rejection


texts = st.text(st.sampled_from('ab,;\t\n\r" \\[]{}:#01e.-\x00ü'), max_size=60).map(str.encode) | st.binary(max_size=60)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
values = scalars | st.lists(scalars | st.lists(scalars, max_size=2), max_size=3) | st.just({"a": 1})
objects = st.lists(st.dictionaries(st.sampled_from("xyz"), values, max_size=3), min_size=1, max_size=6)


@FUZZ
@given(
    texts | st.builds(lambda header, rows: header + b"\n" + rows, st.sampled_from([b"x,y", b"x\ty", b'"x"']), texts),
    st.sampled_from(FORMATS),
    st.sampled_from(COMPRESS),
    st.integers(0, 8),
    st.booleans(),
)
def test_any_bytes(data: bytes, file_format: Format, compress: Any, cut: int, numeric: bool) -> None:
    packed = compress(data)
    read_or_reject(packed[: len(packed) - cut], file_format, numeric)


@FUZZ
@given(objects, st.booleans())
def test_any_json_members(rows: list[dict[str, Any]], numeric: bool) -> None:
    read_or_reject("\n".join(map(json.dumps, rows)).encode(), "jsonl", numeric)


SCALARS = (
    *(
        pa.null(),
        pa.bool_(),
        pa.int8(),
        pa.uint64(),
        pa.float16(),
        pa.float32(),
        pa.float64(),
        pa.date32(),
        pa.date64(),
    ),
    *(pa.timestamp("s"), pa.timestamp("ns", "UTC"), pa.time32("ms"), pa.time64("ns"), pa.duration("us"), pa.string()),
    *(pa.large_string(), pa.string_view(), pa.binary(), pa.binary_view(), pa.binary(2), pa.decimal128(9, 2)),
    pa.decimal256(50, 0),
)
types = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.one_of(
        inner.map(pa.list_),
        inner.map(pa.large_list),
        inner.map(pa.list_view),
        st.builds(pa.list_, inner, st.just(2)),
        inner.map(lambda kind: pa.struct([("a", kind)])),
        inner.map(lambda kind: pa.map_(pa.string(), kind)),
    ),
    max_leaves=2,
)


@FUZZ
@given(types, st.sampled_from([b"ab", b"\xff\xfe", b"7\x00", b"\x00\x7e"]), st.integers(0, 400), st.booleans())
def test_any_parquet_type(kind: pa.DataType, data: bytes, cut: int, numeric: bool) -> None:
    array = pa.nulls(3, kind)
    if pa.types.is_primitive(kind) and not pa.types.is_boolean(kind):
        repeated = (data * 16)[: 3 * kind.bit_width // 8]
        array = pa.Array.from_buffers(kind, 3, [None, pa.py_buffer(repeated.ljust(3 * kind.bit_width // 8, b"\x01"))])
    elif pa.types.is_binary(kind):
        array = pa.array([data, None, data], kind)
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(pa.table({"x": array, "y": [1, 2, 3]}), sink)
    content = sink.getvalue().to_pybytes()
    read_or_reject(content[: len(content) - cut] if cut > 200 else content, "parquet", numeric)
