"""libsvm files: labels, indices and comments are read as written, and other lines are rejected with their row."""

from pathlib import Path

import pytest

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.readers.column_values import numeric_values
from ctrlab_trainer.data.readers.source_reading import available_columns, read_source
from ctrlab_trainer.data.readers.source_tables import SourceTable
from ctrlab_trainer.data.sources.source_locations import LocatedSource, TableFiles


def located(path: Path, text: str) -> LocatedSource:
    path.write_text(text)
    return LocatedSource(TableFiles((path,), "libsvm"))


def read(path: Path, text: str, *columns: str) -> SourceTable:
    return read_source(located(path, text), {name: f"field {name}" for name in columns})


@pytest.mark.parametrize(
    ("label", "number"),
    [("1", 1), ("+1", 1), ("-1", -1), ("0", 0), ("1.0", 1), ("1e0", 1), ("-1.000", -1), (".5", 0.5)],
)
def test_a_label_keeps_its_text_and_is_a_number(tmp_path: Path, label: str, number: float) -> None:
    table = read(tmp_path / "a.svm", f"{label} 1:1\n", "label")
    assert table.data["label"].to_pylist() == [label]
    assert numeric_values(table, "label").tolist() == [number]


def test_a_label_alone_is_a_row_without_pairs(tmp_path: Path) -> None:
    table = read(tmp_path / "a.svm", "1\n0 2:1\n", "indices", "index_2")
    assert table.data["indices"].to_pylist() == [[], ["2"]]
    assert numeric_values(table, "index_2").tolist() == [0, 1]


def test_indices_begin_at_zero_or_one_and_need_no_order(tmp_path: Path) -> None:
    table = read(tmp_path / "a.svm", "1 7:0.5 0:2 003:-1e-1\n", "indices", "index_0", "index_3")
    assert table.data["indices"].to_pylist() == [["7", "0", "3"]]
    assert numeric_values(table, "index_0").tolist() == [2]
    assert numeric_values(table, "index_3").tolist() == [-0.1]


@pytest.mark.parametrize("start", ["# written by a tool\n", "\n\n", "  # a\n\n# b\n", "#\r\n"])
def test_comments_and_blank_lines_before_the_first_row_are_skipped(tmp_path: Path, start: str) -> None:
    source = located(tmp_path / "a.svm", f"{start}1 3:1 17:1 # 9:9\n# 5:5\n0 4:1\t18:1\n")
    assert available_columns(source) == ("label", "indices", "field_1", "field_2")
    table = read_source(source, {"field_2": "f", "label": "f"})
    assert table.data["field_2"].to_pylist() == ["17", "18"]
    assert table.data["label"].to_pylist() == ["1", "0"]


@pytest.mark.parametrize(
    ("pair", "found"),
    [
        ("qid:3", "'qid:3'"),
        ("-1:1", "'-1:1'"),
        ("+1:1", "'+1:1'"),
        ("1.5:1", "'1.5:1'"),
        ("1:", "'1:'"),
        (":1", "':1'"),
        ("1", "'1'"),
        ("1:nan", "'1:nan'"),
        ("1:inf", "'1:inf'"),
        ("1:1,5", "'1:1,5'"),
        ("1:2:3", "'1:2:3'"),
    ],
)
def test_other_pairs_are_rejected_with_their_row(tmp_path: Path, pair: str, found: str) -> None:
    with pytest.raises(InvalidData) as raised:
        read(tmp_path / "a.svm", f"# comment\n1 8:1\n0 {pair} 9:1\n", "label")
    assert f"a.svm, row 2: found {found}; a line is a label and pairs index:value" in str(raised.value)


def test_an_index_that_appears_twice_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="row 1: has the index 3 2 times"):
        read(tmp_path / "a.svm", "1 3:1 03:1\n", "label")
