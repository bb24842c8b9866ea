"""Every Arrow type in a parquet file is read in every role, or rejected with file, column, type and remedy."""

from datetime import datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.missing_values import DEFAULT_MISSING
from ctrlab_trainer.data.readers.column_values import numeric_values
from ctrlab_trainer.data.readers.source_reading import SourceReader
from ctrlab_trainer.data.readers.source_tables import SourceTable, factorize
from ctrlab_trainer.data.sources.source_locations import LocatedSource, TableFiles


def read(*files: Path) -> pa.ChunkedArray:
    """Return the column x of parquet files."""
    return table(*files).data["x"]


def table(*files: Path) -> SourceTable:
    """Return a table of the column x of parquet files."""
    located = LocatedSource(TableFiles(files, "parquet", folder=files[0].parent if len(files) > 1 else None))
    return SourceReader.of(located, {"x": "spec.dataset.features[0].name"}, DEFAULT_MISSING).rows(())


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


@pytest.mark.parametrize(
    ("first", "second", "texts"),
    [
        (pa.array([1], pa.int32()), pa.array([2**40]), ["1", str(2**40)]),
        (pa.array([1], pa.uint8()), pa.array([-2], pa.int16()), ["1", "-2"]),
        (pa.array([2**63], pa.uint64()), pa.array([7]), [str(2**63), "7"]),
        (pa.array([7]), pa.array([8], pa.uint64()), ["7", "8"]),
        (pa.array([2**53 + 1]), pa.array([3.0, float("nan"), None]), [str(2**53 + 1), "3", ""]),
        (pa.array([0.5, 3.0]), pa.array([3, 4]), ["0.5", "3", "4"]),
        (pa.array(["a"], pa.string()), pa.array(["b"], pa.large_string()), ["a", "b"]),
    ],
)
def test_files_with_numbers_of_several_types_have_one_type(
    tmp_path: Path, first: pa.Array, second: pa.Array, texts: list[str]
) -> None:
    files = [write(tmp_path / f"{index}.parquet", part) for index, part in enumerate((first, second))]
    assert factorize(read(*files)).texts() == texts


def test_files_with_lists_of_integers_of_several_widths_have_one_type(tmp_path: Path) -> None:
    parts = (pa.array([[1], None], pa.list_(pa.int8())), pa.array([[2**40, None]]))
    files = [write(tmp_path / f"{index}.parquet", part) for index, part in enumerate(parts)]
    assert read(*files).to_pylist() == [[1], None, [2**40, None]]


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (pa.array([7]), pa.array([0.5]), "1.parquet, column x: is double here and int64 in 0.parquet"),
        (pa.array([0.5]), pa.array([2**53 + 1]), "1.parquet, column x: is int64 here and double in 0.parquet"),
        (pa.array([7]), pa.array([2**63], pa.uint64()), "is uint64 here and int64"),
        (pa.array([0.5], pa.float32()), pa.array([0.5]), "is double here and float"),
        (pa.array([7]), pa.array(["7"]), "is text here and int64"),
    ],
)
def test_files_whose_numbers_would_change_are_rejected(
    tmp_path: Path, first: pa.Array, second: pa.Array, message: str
) -> None:
    files = [write(tmp_path / f"{index}.parquet", part) for index, part in enumerate((first, second))]
    with pytest.raises(InvalidData) as raised:
        read(*files)
    assert message in str(raised.value)


NUMERIC = (
    (pa.array([2**53 + 1, None, -(2**63)]), [2.0**53, None, -(2.0**63)]),
    (pa.array([2**64 - 1], pa.uint64()), [2.0**64]),
    (pa.array([Decimal("1.50"), None]), [1.5, None]),
    (pa.array([True, None, False]), [1, None, 0]),
    (pa.nulls(2), [None, None]),
    (pa.array([1.5, float("nan")], pa.float16()), [1.5, None]),
)


@pytest.mark.parametrize(("values", "numbers"), NUMERIC, ids=lambda value: str(getattr(value, "type", "")))
def test_numbers_of_every_type_are_read(tmp_path: Path, values: pa.Array, numbers: list[float | None]) -> None:
    expected = [np.nan if number is None else number for number in numbers]
    np.testing.assert_array_equal(numeric_values(table(write(tmp_path / "rows.parquet", values)), "x"), expected)


DAY = datetime(2024, 1, 5)


@pytest.mark.parametrize("values", [pa.array([None, DAY.date()]), pa.array([None, DAY]), pa.array([None, time(13, 5)])])
def test_dates_are_no_numbers(tmp_path: Path, values: pa.Array) -> None:
    with pytest.raises(InvalidData, match=r"rows.parquet, row 2, column x: found .*; write dates as numbers"):
        numeric_values(table(write(tmp_path / "rows.parquet", values)), "x")


def test_a_column_that_appears_twice_is_named(tmp_path: Path) -> None:
    repeated = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"])
    pyarrow.parquet.write_table(repeated, tmp_path / "rows.parquet")
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
