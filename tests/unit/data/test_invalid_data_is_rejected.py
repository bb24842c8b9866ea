"""Invalid sources: each is rejected with one message with location, value and remedy."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from builders import make_dataset

from ctrlab_api.errors import InvalidInput
from ctrlab_api.resources.dataset import Dataset
from ctrlab_trainer.data.inspection.dataset_inspection import inspect_dataset

HEADER = "user,item,price,time,click\n"
ROWS = "".join(f"u{i % 3},i{i % 4},{i}.5,{100 + i},{i % 2}\n" for i in range(20))
VALID = HEADER + ROWS


def write(name: str, content: str | bytes) -> Callable[[Path], None]:
    def write_file(folder: Path) -> None:
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)

    return write_file


def line(number: int, text: str) -> str:
    """Return the valid file with one row, counted from 1, replaced."""
    lines = VALID.splitlines()
    lines[number] = text
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Case:
    """A source that cannot be used."""

    name: str
    setup: tuple[Callable[[Path], None], ...]
    expected: tuple[str, ...]
    """Texts that the message must contain."""
    change: dict[str, Any] = field(default_factory=dict)
    """Fields of spec.dataset that differ from the valid specification."""
    file: str = "rows.csv"
    format: str = "csv"


PARQUET_START = b"PAR1" + bytes(40)
SPLIT = {"strategy": "Random", "fractions": ["0.5", "0.25", "0.25"]}
ITEM = [{"name": "item", "type": "Categorical"}]

CASES = (
    Case("missing file", (), ("spec.dataset.source.uri", "rows.csv", "does not exist")),
    Case(
        "relative path",
        (),
        ("spec.dataset.source.uri", "file://rows.csv", "three slashes"),
        {"source": {"uri": "file://rows.csv", "format": "csv"}},
    ),
    Case(
        "missing column",
        (write("rows.csv", VALID),),
        ("spec.dataset.features[0].name: rows.csv has no column 'itme'", "known: user, item, price, time, click"),
        {"features": [{"name": "itme", "type": "Categorical"}]},
    ),
    Case(
        "two missing columns at once",
        (write("rows.csv", VALID),),
        ("spec.dataset.label.column: rows.csv has no column 'y'", "spec.dataset.features[0].name"),
        {"label": {"column": "y"}, "features": [{"name": "x", "type": "Numeric"}]},
    ),
    Case("empty file", (write("rows.csv", ""),), ("rows.csv: is empty", "header")),
    Case("zero rows", (write("rows.csv", HEADER),), ("rows.csv: has no rows",)),
    Case(
        "truncated gzip",
        (write("rows.csv", gzip.compress((HEADER + ROWS * 2000).encode())[:-200]),),
        ("rows.csv: the compressed stream ends too early", "truncated"),
    ),
    Case(
        "gzip cut in its first bytes",
        (write("rows.csv", gzip.compress(VALID.encode())[:12]),),
        ("rows.csv: the header cannot be read", "truncated"),
    ),
    Case(
        "row with too few fields",
        (write("rows.csv", line(3, "u1,i1")),),
        ("rows.csv: line 4: expected 5 columns, got 2",),
    ),
    Case(
        "not text",
        (write("rows.csv", VALID.encode() + b"u1,\xff\xfe,1,1,1\n"),),
        ("rows.csv, line 22: byte 4 of the line is 0xff",),
    ),
    Case(
        "a duplicate column",
        (write("rows.csv", "a,click,a\n1,0,1\n"),),
        ("rows.csv, header: the column 'a' appears twice",),
        {"features": [{"name": "a", "type": "Categorical"}]},
    ),
    Case(
        "text in a Numeric feature",
        (write("rows.csv", line(7, "u1,i1,cheap,106,0")),),
        ("rows.csv, row 7, column price: found 'cheap'", "finite number"),
        {"features": [{"name": "price", "type": "Numeric"}]},
    ),
    Case(
        "infinity in a Numeric feature",
        (write("rows.csv", line(2, "u1,i1,inf,106,0")),),
        ("rows.csv, row 2, column price: found 'inf'",),
        {"features": [{"name": "price", "type": "Numeric"}]},
    ),
    Case(
        "unreadable time",
        (write("rows.csv", line(5, "u1,i1,1.5,yesterday,0")),),
        ("rows.csv, row 5, column time: found 'yesterday'", "all times of a column have one format"),
        {"time": "time", "split": {"strategy": "Temporal"}},
    ),
    Case(
        "missing time",
        (write("rows.csv", line(5, "u1,i1,1.5,,0")),),
        ("rows.csv, row 5, column time: the time is missing",),
        {"time": "time", "split": {"strategy": "Temporal"}},
    ),
    Case(
        "label outside 0 and 1",
        (write("rows.csv", line(9, "u1,i1,1.5,108,4")),),
        ("rows.csv, row 9, column click: found 4", 'positiveWhen, such as "> 0"'),
    ),
    Case(
        "missing label",
        (write("rows.csv", line(9, "u1,i1,1.5,108,")),),
        ("rows.csv, row 9, column click: the label is missing",),
    ),
    Case(
        "one class",
        (write("rows.csv", VALID),),
        ("spec.dataset.split: all 10 rows of train have label 1", "both classes"),
        {"label": {"column": "price", "positiveWhen": ">= 0"}},
    ),
    Case(
        "a split without rows",
        (write("rows.csv", VALID.replace(",1\n", ",1\n")),),
        ("spec.dataset.split: valid has no rows",),
        {"split": {"strategy": "Predefined", "column": "user", "values": {"train": "u0", "valid": "v", "test": "u1"}}},
        file="two-users.csv",
    ),
    Case(
        "an unknown split",
        (write("rows.csv", VALID),),
        ("rows.csv, row 3, column user: found 'u2'", "allowed are 'u0', 'v', 'u1'"),
        {"split": {"strategy": "Predefined", "column": "user", "values": {"train": "u0", "valid": "v", "test": "u1"}}},
    ),
    Case(
        "a side table with a duplicate key",
        (write("rows.csv", VALID), write("items.csv", "item,colour\ni0,red\ni1,blue\ni0,green\n")),
        ("items.csv, row 3, column item: the value 'i0' is in two rows",),
        {"features": [{"name": "colour", "type": "Categorical"}], "tables": "items.csv"},
    ),
    Case(
        "a side table without the key",
        (write("rows.csv", VALID), write("items.csv", "id,colour\ni0,red\n")),
        ("items.csv: is joined by the column 'item', which items.csv does not have",),
        {"features": [{"name": "colour", "type": "Categorical"}], "tables": "items.csv"},
    ),
    Case(
        "text in a joined number",
        (write("rows.csv", VALID), write("items.csv", "item,size\ni0,1\ni1,big\n")),
        ("rows.csv, row 2, column size (joined from items.csv): found 'big'",),
        {"features": [{"name": "size", "type": "Numeric"}], "tables": "items.csv"},
    ),
    Case(
        "neither header nor column names",
        (write("rows.csv", ROWS),),
        ("spec.dataset.source.columns", "header: false"),
        {"source": {"format": "csv", "header": False}},
    ),
    Case(
        "an incomplete parquet file",
        (write("rows.parquet", PARQUET_START),),
        ("rows.parquet: is not a complete parquet",),
        file="rows.parquet",
        format="parquet",
    ),
    Case(
        "columns that a libsvm file does not have",
        (write("rows.txt", "1 1:1\n"),),
        ("spec.dataset.features[0].name: rows.txt has no column 'item'", "known: label, indices, field_1"),
        file="rows.txt",
        format="libsvm",
    ),
    Case(
        "a folder without interactions",
        (),
        ("must contain exactly one .inter file; found none",),
        file="",
        format="recbole",
    ),
    Case(
        "an unknown built-in data set",
        (),
        ("spec.dataset.source.uri: unknown data set builtin://netflix", "builtin://ml-100k"),
        {"source": {"uri": "builtin://netflix"}},
    ),
    Case(
        "a format for a built-in data set",
        (),
        ("spec.dataset.source.format: builtin://frappe has a fixed format",),
        {"source": {"uri": "builtin://frappe", "format": "csv"}},
    ),
    Case(
        "unknown and invalid options of the generator",
        (),
        (
            "spec.dataset.source.options.row: unknown option; known: rows, users, items, seed",
            "options.users: found '1'",
        ),
        {"source": {"uri": "builtin://synthetic", "options": {"row": "10", "users": "1"}}},
    ),
    Case(
        "options for a file",
        (write("rows.csv", VALID),),
        ("spec.dataset.source.options: options are for builtin://synthetic",),
        {"source": {"format": "csv", "options": {"rows": "10"}}},
    ),
    Case(
        "a number that is always missing",
        (write("rows.csv", "price,click\n" + ",0\n,1\n" * 20),),
        ("feature price: has no number in any train row",),
        {"features": [{"name": "price", "type": "Numeric"}]},
    ),
)


def dataset_of(case: Case, folder: Path) -> Dataset:
    source: dict[str, Any] = {"uri": f"file://{folder / case.file}", "format": case.format}
    change = dict(case.change)
    source_change = change.pop("source", {})
    if "tables" in change:
        source["tables"] = [{"uri": f"file://{folder / change.pop('tables')}", "format": "csv", "on": "item"}]
    source = source_change if "uri" in source_change else {**source, **source_change}
    return make_dataset(**{"source": source, "features": ITEM, "split": SPLIT, **change})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_invalid_data_is_rejected_with_one_clear_message(case: Case, tmp_path: Path) -> None:
    write("two-users.csv", HEADER + "".join(f"u{i % 4 // 2},i,1,{i},{i % 2}\n" for i in range(20)))(tmp_path)
    for write_file in case.setup:
        write_file(tmp_path)
    with pytest.raises(InvalidInput) as raised:
        inspect_dataset(dataset_of(case, tmp_path))
    message = str(raised.value)
    assert [text for text in case.expected if text not in message] == [], message


def test_the_message_for_an_absent_public_data_set_says_how_to_download_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CTRLAB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("CTRLAB_CACHE", str(tmp_path / "cache"))
    case = Case("absent", (), (), {"source": {"uri": "builtin://ml-100k"}})
    with pytest.raises(InvalidInput, match=r"set CTRLAB_DATA .* or download it: ctrlab data fetch ml-100k"):
        inspect_dataset(dataset_of(case, tmp_path))


def test_files_with_different_columns_are_rejected_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    pd.DataFrame({"item": ["a"], "click": [1]}).to_parquet(folder / "1.parquet")
    pd.DataFrame({"item": ["a"], "clicks": [1]}).to_parquet(folder / "2.parquet")
    case = Case("different columns", (), (), file="files", format="parquet")
    with pytest.raises(InvalidInput, match=r"2\.parquet: its columns \(item, clicks\) differ from those of 1\.parquet"):
        inspect_dataset(dataset_of(case, tmp_path))
