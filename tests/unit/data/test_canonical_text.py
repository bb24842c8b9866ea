"""The canonical text of every Arrow type: one text per value, whatever type and layout it is stored with."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ctrlab_trainer.data.readers.arrow_types import UnreadableType, UnreadableValue, simplify
from ctrlab_trainer.data.readers.canonical_text import canonical_text
from ctrlab_trainer.data.readers.source_tables import factorize

NOON = datetime(2024, 1, 5, 12, 0, 0)

TEXTS: tuple[tuple[pa.DataType, list[Any], list[str | None]], ...] = (
    (pa.string(), ["007", "7", " a", "True", "", None], ["007", "7", " a", "True", "", None]),
    (pa.large_string(), ["a", None], ["a", None]),
    (pa.string_view(), ["a", None], ["a", None]),
    (pa.binary(), ["ü".encode(), None], ["ü", None]),
    (pa.large_binary(), [b"a"], ["a"]),
    (pa.binary_view(), [b"a"], ["a"]),
    (pa.binary(2), [b"ab"], ["ab"]),
    (pa.int8(), [-7, 0, None], ["-7", "0", None]),
    (pa.int64(), [2**63 - 1, -(2**63), 2**53 + 1], ["9223372036854775807", "-9223372036854775808", "9007199254740993"]),
    (pa.uint64(), [2**64 - 1, 2**63], ["18446744073709551615", "9223372036854775808"]),
    (pa.float64(), [3.0, -3.0, 0.1, 1e-7, -0.0, None], ["3", "-3", "0.1", "1e-7", "0", None]),
    (pa.float64(), [1e3, 2.0**53, 2.0**60, 1e20, 1e300], ["1000", str(2**53), str(2**60), "1e+20", "1e+300"]),
    (pa.float64(), [float("nan"), float("inf"), float("-inf")], [None, "inf", "-inf"]),
    (pa.float32(), [0.1, 3.0, 16777216.0], ["0.1", "3", "16777216"]),
    (pa.float16(), [np.float16(0.5), np.float16(3), None], ["0.5", "3", None]),
    (pa.decimal128(12, 2), [Decimal("3.00"), Decimal("-1.20"), None], ["3.00", "-1.20", None]),
    (pa.decimal128(12, 10), [Decimal("1E-10")], ["0.0000000001"]),
    (pa.decimal128(5, -2), [Decimal("12300")], ["12300"]),
    (pa.decimal256(60, 0), [Decimal(10**40)], [str(10**40)]),
    (pa.decimal32(5, 2), [Decimal("1.50")], ["1.50"]),
    (pa.decimal64(5, 2), [Decimal("1.50")], ["1.50"]),
    (pa.bool_(), [True, False, None], ["true", "false", None]),
    (pa.date32(), [date(2024, 1, 5), None], ["2024-01-05", None]),
    (pa.date64(), [date(2024, 1, 5)], ["2024-01-05"]),
    (pa.timestamp("s"), [NOON], ["2024-01-05 12:00:00"]),
    (
        pa.timestamp("ms"),
        [NOON, NOON.replace(microsecond=500000)],
        ["2024-01-05 12:00:00", "2024-01-05 12:00:00.500000"],
    ),
    (pa.timestamp("us"), [NOON, NOON.replace(microsecond=5)], ["2024-01-05 12:00:00", "2024-01-05 12:00:00.000005"]),
    (pa.timestamp("ns"), [1_500_000_000, 1], ["1970-01-01 00:00:01.500000", "1970-01-01 00:00:00.000000001"]),
    (pa.timestamp("us", "Europe/Berlin"), [0, None], ["1970-01-01 00:00:00+00:00", None]),
    (pa.timestamp("s"), [253402300799], ["9999-12-31 23:59:59"]),
    (pa.time32("s"), [27060], ["07:31:00"]),
    (pa.time32("ms"), [27060500], ["07:31:00.500000"]),
    (pa.time64("ns"), [27060 * 10**9], ["07:31:00"]),
    (pa.null(), [None, None], [None, None]),
    (pa.dictionary(pa.int8(), pa.string()), ["b", "a", None], ["b", "a", None]),
    (pa.dictionary(pa.int16(), pa.large_string()), ["b", None], ["b", None]),
    (pa.dictionary(pa.int64(), pa.int64()), [7, None, 7], ["7", None, "7"]),
    (pa.dictionary(pa.int8(), pa.float64()), [3.0, float("nan")], ["3", None]),
    (pa.dictionary(pa.int8(), pa.binary()), [b"x", None], ["x", None]),
)


@pytest.mark.parametrize(("kind", "values", "texts"), TEXTS, ids=lambda value: str(value)[:40])
def test_a_value_has_one_text(kind: pa.DataType, values: list[Any], texts: list[str | None]) -> None:
    array = pa.array(values, kind)
    assert canonical_text(array).to_pylist() == texts
    assert canonical_text(array.slice(1)).to_pylist() == texts[1:]
    column = factorize(pa.chunked_array([array, array]))
    assert [column.texts()[code] for code in column.codes] == [text or "" for text in texts * 2]


def test_other_layouts_have_the_same_text() -> None:
    numbers = pa.array([7, 7, None, 8])
    nested = pa.DictionaryArray.from_arrays(
        pa.array([1, None, 0]), pa.DictionaryArray.from_arrays(pa.array([0, 1]), pa.array(["x", "y"]))
    )
    uuid = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes(range(16))], pa.binary(16)))
    flag = pa.ExtensionArray.from_storage(pa.bool8(), pa.array([0, 1, None], pa.int8()))
    document = pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{}"]))
    assert canonical_text(pc.run_end_encode(numbers)).to_pylist() == ["7", "7", None, "8"]
    assert canonical_text(nested).to_pylist() == ["y", None, "x"]
    assert canonical_text(uuid).to_pylist() == ["00010203-0405-0607-0809-0a0b0c0d0e0f"]
    assert canonical_text(flag).to_pylist() == ["false", "true", None]
    assert canonical_text(document).to_pylist() == ["{}"]
    assert canonical_text(pa.chunked_array([], pa.int64())).to_pylist() == []


LISTS = (
    pa.list_(pa.int8()),
    pa.large_list(pa.int8()),
    pa.list_(pa.int8(), 2),
    pa.list_view(pa.int8()),
    pa.large_list_view(pa.int8()),
)


@pytest.mark.parametrize("kind", LISTS, ids=str)
def test_every_layout_of_lists_becomes_a_list(kind: pa.DataType) -> None:
    values: list[list[int | None] | None] = [[1, 2], None, [3, None]]
    lists = simplify(pa.array(values, kind))
    assert lists.type == pa.list_(pa.int8())
    assert lists.to_pylist() == values
    assert simplify(pa.array(values, kind).slice(1)).to_pylist() == values[1:]


def test_elements_of_lists_are_simplified() -> None:
    lists = pa.array([["a", "b"], None, []], pa.list_(pa.dictionary(pa.int8(), pa.large_string())))
    assert simplify(lists).equals(pa.array([["a", "b"], None, []], pa.list_(pa.string())))


UNREADABLE = (
    (pa.array([{"a": 1}]), "struct<a: int64>", "each field of the struct as a column"),
    (pa.array([[{"a": 1}]]), "list<item: struct<a: int64>>", "each field of the struct as a column"),
    (pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8())), "map<string, int8>", "one column per key"),
    (pa.array([[[1]]]), "list<item: list<item: int64>>", "one list per row"),
    (pa.array([1], pa.duration("s")), "duration[s]", "durations as numbers"),
    (pa.array([pa.MonthDayNano([1, 2, 3])]), "month_day_nano_interval", "intervals as numbers"),
    (pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])]), "sparse_union", "text, numbers"),
)


@pytest.mark.parametrize(("array", "kind", "remedy"), UNREADABLE, ids=lambda value: str(value)[:30])
def test_a_type_without_text_is_rejected_with_a_remedy(array: pa.Array, kind: str, remedy: str) -> None:
    with pytest.raises(UnreadableType) as raised:
        canonical_text(array)
    assert str(raised.value).startswith(f"has the type {kind}")
    assert remedy in str(raised.value)


@pytest.mark.parametrize(
    "array",
    [
        pa.array([b"a", None, b"\xff\x00"]),
        pa.array([[b"a", b"b"], None, [b"c", b"\xff\x00"]]),
        pa.array([b"a", b"a", b"\xff\x00"]).dictionary_encode(),
    ],
    ids=["bytes", "list", "dictionary"],
)
def test_bytes_that_are_not_text_are_located(array: pa.Array) -> None:
    with pytest.raises(UnreadableValue, match="found the bytes ff 00, which are not UTF-8 text") as raised:
        simplify(array)
    assert raised.value.row == 2
