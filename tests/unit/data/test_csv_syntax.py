"""Separator, quote and decimal character of csv files, declared in the source and in side tables."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.data_sources import Source
from ctrlab_api.resources.dataset import Dataset
from ctrlab_trainer.data.encoders.vectors import read_row_vectors
from ctrlab_trainer.data.preparation.dataset_preparation import content_address
from ctrlab_trainer.data.readers import delimited_files
from ctrlab_trainer.data.readers.column_values import numeric_values
from ctrlab_trainer.data.readers.source_reading import read_source
from ctrlab_trainer.data.readers.source_tables import SourceTable
from ctrlab_trainer.data.sources.source_locations import locate
from ctrlab_trainer.data.splits.click_labels import click_labels


def source(path: Path, **fields: Any) -> Source:
    return Source.model_validate({"uri": str(path), "format": "csv", **fields})


def read(path: Path, content: bytes, numeric: tuple[str, ...] = (), **fields: Any) -> SourceTable:
    path.write_bytes(content)
    required = {name: f"field {name}" for name in "xy"}
    return read_source(locate(source(path, **fields)), required, numeric)


READ: tuple[tuple[str, dict[str, Any], bytes, list[list[str]]], ...] = (
    ("semicolon", {"separator": ";"}, b'x;y\n1;a,b\n2;"c;d"\n', [["1", "a,b"], ["2", "c;d"]]),
    ("bar", {"separator": "|"}, b"x|y\r\n1|a\r\n", [["1", "a"]]),
    ("space", {"separator": " "}, b"x y\n1 a\n", [["1", "a"]]),
    ("tab with quotes", {"separator": "\t"}, b'x\ty\n1\t"a\tb"\n', [["1", "a\tb"]]),
    ("control character of Hive", {"separator": "\x01", "quote": ""}, b'x\x01y\n1\x01"a\n', [["1", '"a']]),
    ("vertical tab", {"separator": "\x0b"}, b"x\x0by\n1\x0ba\n", [["1", "a"]]),
    ("unit separator", {"separator": "\x1f"}, b"x\x1fy\n1\x1fa\n", [["1", "a"]]),
    ("record separator", {"separator": "\x1e"}, b"x\x1ey\n1\x1ea\n", [["1", "a"]]),
    ("single quotes", {"quote": "'"}, b"x,y\n1,'a,\n''b'\n2,\"c\n", [["1", "a,\n'b"], ["2", '"c']]),
    ("single quotes in the header", {"quote": "'"}, b"x,'no\nte',y\n1,n,a\n", [["1", "a"]]),
    ("no quotes", {"quote": ""}, b'x,y\n1,"a\n2,b"\n', [["1", '"a'], ["2", 'b"']]),
    ("no header", {"separator": ";", "header": False, "columns": ["x", "y"]}, b"1;a\n", [["1", "a"]]),
    ("compressed", {"separator": ";"}, gzip.compress(b"x;y\n1;a\n"), [["1", "a"]]),
    ("typed header", {"separator": ";"}, b"x:token;y:token\n1;a\n", [["1", "a"]]),
    ("ids keep a decimal comma", {"separator": ";", "decimal": ","}, b"x;y\n1,50;7.0\n", [["1,50", "7.0"]]),
)


@pytest.mark.parametrize(("name", "fields", "content", "rows"), READ, ids=[case[0] for case in READ])
def test_fields_are_read_with_the_declared_characters(
    tmp_path: Path, name: str, fields: dict[str, Any], content: bytes, rows: list[list[str]]
) -> None:
    table = read(tmp_path / "rows", content, **fields)
    assert [list(row) for row in zip(*(table.data[name].to_pylist() for name in "xy"), strict=True)] == rows


REFUSED: tuple[tuple[str, dict[str, Any], bytes, str], ...] = (
    ("commas", {"separator": ";"}, b"x,y\n1,a\n", "separated by commas, but the table is separated by semicolons: set"),
    ("tabs", {"separator": ";"}, b"x\ty\n1\ta\n", 'set separator: "\\t"'),
    ("bars", {"separator": "\x01"}, b"x|y\n1|a\n", "but the table is separated by '\\x01': set separator: \"|\""),
    ("open quote", {"quote": "'"}, b"x,y\n1,a\n2,'b\n", "rows: the quote that begins in line 3 is never closed"),
    ("ragged line", {"separator": ";"}, b"x;y\n1;a\n2\n", "rows: line 3: expected 2 columns, got 1"),
    ("ragged line without quotes", {"quote": ""}, b'x,y\n1,"a,b"\n', "rows: line 2: expected 2 columns, got 3"),
    ("last separator", {"separator": ";"}, b"x;y\n1;a;\n", "got 3: does the line end with a separator?"),
)


@pytest.mark.parametrize(("name", "fields", "content", "message"), REFUSED, ids=[case[0] for case in REFUSED])
def test_messages_name_the_option_or_the_line(
    tmp_path: Path, name: str, fields: dict[str, Any], content: bytes, message: str
) -> None:
    with pytest.raises(InvalidData) as raised:
        read(tmp_path / "rows", content, **fields)
    assert message in str(raised.value)


COMMAS: dict[str, Any] = {"separator": ";", "decimal": ","}


@pytest.mark.parametrize("numeric", [("x",), ()], ids=["read as numbers", "read as text"])
def test_numbers_have_a_decimal_comma(tmp_path: Path, numeric: tuple[str, ...]) -> None:
    table = read(tmp_path / "rows", b"x;y\n0,5;a\n-12;b\n;c\n1,5e3;d\n NA;e\n".replace(b" ", b""), numeric, **COMMAS)
    np.testing.assert_array_equal(numeric_values(table, "x"), [0.5, -12, np.nan, 1500, np.nan])


@pytest.mark.parametrize("number", [b"0.5", b"1.234,5", b"1,234,5", b"0,5.0"])
@pytest.mark.parametrize("numeric", [("x",), ()], ids=["read as numbers", "read as text"])
def test_other_numbers_are_refused_in_a_file_with_decimal_commas(
    tmp_path: Path, number: bytes, numeric: tuple[str, ...]
) -> None:
    table = read(tmp_path / "rows", b"x;y\n1,5;a\n%b;b\n" % number, numeric, **COMMAS)
    with pytest.raises(InvalidData, match=r"rows, row 2, column x: found '[0-9.,]+'; allowed are finite numbers"):
        numeric_values(table, "x")


def test_a_decimal_comma_without_its_option_is_refused(tmp_path: Path) -> None:
    table = read(tmp_path / "rows", b"x;y\n1,5;a\n", ("x",), separator=";")
    with pytest.raises(InvalidData, match="row 1, column x: found '1,5'; allowed are finite numbers"):
        numeric_values(table, "x")


def test_a_side_table_has_its_own_characters(tmp_path: Path) -> None:
    (tmp_path / "side").write_text("x|price\n1|0,5\n2|'1,25'\n")
    side = {
        "uri": str(tmp_path / "side"),
        "format": "csv",
        "joinOn": "x",
        "separator": "|",
        "quote": "'",
        "decimal": ",",
    }
    (tmp_path / "rows").write_text("x,cost\n2,1.5\n1,2.5\n")
    located = locate(source(tmp_path / "rows", tables=[side]))
    table = read_source(located, {"x": "f", "cost": "f", "price": "f"}, ("cost", "price"))
    assert numeric_values(table, "price").tolist() == [1.25, 0.5]
    assert numeric_values(table, "cost").tolist() == [1.5, 2.5]


def test_the_header_of_a_side_table_with_another_separator_is_explained(tmp_path: Path) -> None:
    (tmp_path / "side.csv").write_text("x;price\n1;2\n")
    (tmp_path / "rows").write_text("x,y\n1,2\n")
    located = locate(source(tmp_path / "rows", tables=[{"uri": str(tmp_path / "side.csv"), "joinOn": "x"}]))
    with pytest.raises(InvalidData, match=r'side\.csv: .*separated by semicolons, but csv .*: set separator: ";"'):
        read_source(located, {"x": "f", "y": "f"})


def dataset(path: Path, **fields: Any) -> Dataset:
    return Dataset.model_validate(
        {
            "source": {"uri": str(path), "format": "csv", **fields},
            "label": {"column": "y", "positiveWhen": ">= 0.5"},
            "features": [{"name": "x", "type": "Vector", "width": 2}],
            "split": {"strategy": "Random", "fractions": ["0.8", "0.1", "0.1"]},
        }
    )


def test_labels_and_vectors_have_a_decimal_comma(tmp_path: Path) -> None:
    table = read(tmp_path / "rows", b"x;y\n0,5 1;0,4\n2 0,25;0,6\n", **COMMAS)
    spec = dataset(tmp_path / "rows", **COMMAS)
    assert read_row_vectors(table, spec.features[0]).tolist() == [[0.5, 1], [2, 0.25]]
    assert spec.label is not None
    assert click_labels(table, spec.label).tolist() == [0, 1]


def test_the_characters_are_part_of_the_identity_of_a_data_set_and_the_default_ones_are_not(tmp_path: Path) -> None:
    (tmp_path / "rows").write_text("x,y\n1,0\n")
    addresses = []
    for fields in ({}, {"separator": ",", "quote": '"', "decimal": "."}, {"separator": ";"}, {"quote": ""}, COMMAS):
        spec = dataset(tmp_path / "rows", **fields)
        located = locate(spec.source)
        addresses.append(content_address(spec, located, located.digests()))
    assert addresses[0] == addresses[1]
    assert len(set(addresses)) == 4


def test_an_open_quote_in_a_file_larger_than_a_block_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited_files, "BLOCK_BYTES", 64)
    content = b"x;y\n" + b"1;'a\nb'\n" * 50
    table = read(tmp_path / "rows", content, separator=";", quote="'")
    assert table.data["y"].to_pylist() == ["a\nb"] * 50
    with pytest.raises(InvalidData, match="line 102 is never closed"):
        read(tmp_path / "rows", content + b"2;'c\n", separator=";", quote="'")
