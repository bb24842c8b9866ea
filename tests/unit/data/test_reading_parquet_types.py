"""Every Arrow type in a parquet file is read in every role, or rejected with file, column, type and remedy."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.missing_values import DEFAULT_MISSING
from ctrlab_trainer.data.readers.source_reading import SourceReader
from ctrlab_trainer.data.readers.source_tables import factorize
from ctrlab_trainer.data.sources.source_locations import LocatedSource, TableFiles


def read(*files: Path) -> pa.ChunkedArray:
    """Return the column x of parquet files."""
    located = LocatedSource(TableFiles(files, "parquet", folder=files[0].parent if len(files) > 1 else None))
    return SourceReader.of(located, {"x": "spec.dataset.features[0].name"}, DEFAULT_MISSING).rows(()).data["x"]


def write(path: Path, values: pa.Array) -> Path:
    pyarrow.parquet.write_table(pa.table({"x": values}), path)
    return path


READ: tuple[tuple[pa.Array, list[Any]], ...] = (
    (pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int8(), 2)), [[1, 2], None, [3, 4]]),
    (pa.array([[1.5], None, []], pa.large_list(pa.float32())), [[1.5], None, []]),
    (pa.array([["a"], None, ["b", None]], pa.list_view(pa.string())), [["a"], None, ["b", None]]),
    (pa.array([0.5, None], pa.float16()), [0.5, None]),
    (pa.array(["a", None], pa.string_view()), ["a", None]),
    (pa.array([b"a", None]), ["a", None]),
    (pa.array([2**64 - 1], pa.uint64()), [2**64 - 1]),
    (pa.array([Decimal("1.50")], pa.decimal256(50, 2)), [Decimal("1.50")]),
    (pa.array(["a", None], pa.large_string()).dictionary_encode(), ["a", None]),
    (pa.array([7, None]).dictionary_encode(), [7, None]),
    (pa.nulls(2), [None, None]),
)


@pytest.mark.parametrize(("values", "expected"), READ, ids=lambda value: str(getattr(value, "type", ""))[:40])
def test_values_of_every_layout_are_read(tmp_path: Path, values: pa.Array, expected: list[Any]) -> None:
    assert read(write(tmp_path / "rows.parquet", values)).to_pylist() == expected


REJECTED = (
    (pa.array([{"a": 1}]), "rows.parquet, column x: has the type struct<a: int64>", "each field"),
    (pa.array([[{"a": 1}]]), "rows.parquet, column x: has the type list<element: struct<a: int64>>", "each field"),
    (pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8())), "column x: has the type map<string, int8", "column per"),
    (pa.array([[[1]]]), "rows.parquet, column x: has the type list<element: list<", "one list per row"),
    (pa.array([1], pa.duration("us")), "rows.parquet, column x: has the type duration[us]", "as numbers"),
    (pa.array([b"a", b"\xff"]), "rows.parquet, row 2, column x: found the bytes ff", "write text"),
)


@pytest.mark.parametrize(("values", "message", "remedy"), REJECTED, ids=lambda value: str(value)[:30])
def test_other_types_are_rejected(tmp_path: Path, values: pa.Array, message: str, remedy: str) -> None:
    with pytest.raises(InvalidData) as raised:
        read(write(tmp_path / "rows.parquet", values))
    assert message in str(raised.value)
    assert remedy in str(raised.value)


def test_a_column_without_values_in_some_files_has_the_type_of_the_others(tmp_path: Path) -> None:
    parts = (pa.nulls(2), pa.array(["a"]), pa.nulls(1), pa.array(["b"]).dictionary_encode())
    files = [write(tmp_path / f"{index}.parquet", part) for index, part in enumerate(parts)]
    column = read(*files)
    assert column.to_pylist() == [None, None, "a", None, "b"]
    assert factorize(column).texts() == ["a", "b", ""]


def test_a_column_that_appears_twice_is_named(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"])
    pyarrow.parquet.write_table(table, tmp_path / "rows.parquet")
    with pytest.raises(InvalidData, match=r"rows.parquet: the column 'x' appears twice; give each column a name"):
        read(tmp_path / "rows.parquet")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "rows.parquet: is empty; expected a parquet file"),
        (b"P", "rows.parquet: is not a parquet file"),
        (b"PAR1", "rows.parquet: is not a complete parquet file"),
        (b"x,click\n1,2\n", "rows.parquet: is not a parquet file: it starts with the text 'x,click'; set format: csv"),
        (b"\x1f\x8b\x08\x00", "rows.parquet: is compressed with gzip as a whole; decompress it"),
        (b"PK\x03\x04", "rows.parquet: is a zip archive; extract it"),
        (b"x,click\n1,\x002\n", "rows.parquet: is not a parquet file"),
    ],
)
def test_a_file_that_is_not_parquet_is_named_for_what_it_is(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "rows.parquet").write_bytes(content)
    with pytest.raises(InvalidData) as raised:
        read(tmp_path / "rows.parquet")
    assert message in str(raised.value)
