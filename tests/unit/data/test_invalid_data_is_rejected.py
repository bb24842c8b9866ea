"""What can be wrong with a source, and the one message each ends with: where, what was found, what to do."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ctrlab_api.errors import InvalidInput
from ctrlab_api.resources.dataset import Dataset
from ctrlab_trainer.data.inspection.dataset_inspection import inspect_dataset

HEADER = "user,item,price,time,click\n"
ROWS = "".join(f"u{i % 3},i{i % 4},{i}.5,{100 + i},{i % 2}\n" for i in range(20))
GOOD = HEADER + ROWS


def write(name: str, content: str | bytes) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)

    return act


def line(number: int, text: str) -> str:
    """The good file with one of its rows, counted from 1, replaced."""
    lines = GOOD.splitlines()
    lines[number] = text
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Case:
    """A source that cannot be used."""

    name: str
    makes: tuple[Callable[[Path], None], ...]
    expected: tuple[str, ...]
    """Parts of the message."""
    change: dict[str, Any] = field(default_factory=dict)
    """Fields of spec.dataset that differ from the good ones."""
    file: str = "rows.csv"
    format: str = "csv"


GOOD_PARQUET_START = b"PAR1" + bytes(40)
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
        (write("rows.csv", GOOD),),
        ("spec.dataset.features[0].name: rows.csv has no column 'itme'", "known: user, item, price, time, click"),
        {"features": [{"name": "itme", "type": "Categorical"}]},
    ),
    Case(
        "two missing columns at once",
        (write("rows.csv", GOOD),),
        ("spec.dataset.label.column: rows.csv has no column 'y'", "spec.dataset.features[0].name"),
        {"label": {"column": "y"}, "features": [{"name": "x", "type": "Numeric"}]},
    ),
    Case("empty file", (write("rows.csv", ""),), ("rows.csv: is empty", "header")),
    Case("zero rows", (write("rows.csv", HEADER),), ("rows.csv: holds no rows",)),
    Case(
        "truncated gzip",
        (write("rows.csv", gzip.compress((HEADER + ROWS * 2000).encode())[:-200]),),
        ("rows.csv: the compressed stream ends too early", "truncated"),
    ),
    Case(
        "gzip cut in its first bytes",
        (write("rows.csv", gzip.compress(GOOD.encode())[:12]),),
        ("rows.csv: the header cannot be read", "truncated"),
    ),
    Case(
        "row with too few fields",
        (write("rows.csv", line(3, "u1,i1")),),
        ("rows.csv: line 4: expected 5 columns, got 2",),
    ),
    Case("not text", (write("rows.csv", GOOD.encode() + b"u1,\xff\xfe,1,1,1\n"),), ("rows.csv", "UTF8")),
    Case(
        "a column named twice",
        (write("rows.csv", "a,click,a\n1,0,1\n"),),
        ("rows.csv, header: names the column 'a' twice",),
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
        ("rows.csv, row 5, column time: found 'yesterday'", "a date such as"),
        {"time": "time", "split": {"strategy": "Temporal"}},
    ),
    Case(
        "missing time",
        (write("rows.csv", line(5, "u1,i1,1.5,,0")),),
        ("rows.csv, row 5, column time: found ''",),
        {"time": "time", "split": {"strategy": "Temporal"}},
    ),
    Case(
        "label outside 0 and 1",
        (write("rows.csv", line(9, "u1,i1,1.5,108,4")),),
        ("rows.csv, row 9, column click: found 4", 'positiveWhen, such as ">= 4"'),
    ),
    Case(
        "missing label",
        (write("rows.csv", line(9, "u1,i1,1.5,108,")),),
        ("rows.csv, row 9, column click: the label is missing",),
    ),
    Case(
        "one class",
        (write("rows.csv", GOOD),),
        ("spec.dataset.split: all 10 rows of train have label 1", "both classes"),
        {"label": {"column": "price", "positiveWhen": ">= 0"}},
    ),
    Case(
        "a part without rows",
        (write("rows.csv", GOOD.replace(",1\n", ",1\n")),),
        ("spec.dataset.split: valid has no rows",),
        {"split": {"strategy": "Predefined", "column": "user", "values": {"train": "u0", "valid": "v", "test": "u1"}}},
        file="two-users.csv",
    ),
    Case(
        "an unknown part",
        (write("rows.csv", GOOD),),
        ("rows.csv, row 3, column user: found 'u2'", "allowed are 'u0', 'v', 'u1'"),
        {"split": {"strategy": "Predefined", "column": "user", "values": {"train": "u0", "valid": "v", "test": "u1"}}},
    ),
    Case(
        "a side table with a key twice",
        (write("rows.csv", GOOD), write("items.csv", "item,colour\ni0,red\ni1,blue\ni0,green\n")),
        ("items.csv, row 3, column item: the value 'i0' stands in two rows",),
        {"features": [{"name": "colour", "type": "Categorical"}], "tables": "items.csv"},
    ),
    Case(
        "a side table without the key",
        (write("rows.csv", GOOD), write("items.csv", "id,colour\ni0,red\n")),
        ("items.csv: is joined by the column 'item', which items.csv lacks",),
        {"features": [{"name": "colour", "type": "Categorical"}], "tables": "items.csv"},
    ),
    Case(
        "text in a joined number",
        (write("rows.csv", GOOD), write("items.csv", "item,size\ni0,1\ni1,big\n")),
        ("rows.csv, row 2, column size (joined from items.csv): found 'big'",),
        {"features": [{"name": "size", "type": "Numeric"}], "tables": "items.csv"},
    ),
    Case(
        "no header and no names",
        (write("rows.csv", ROWS),),
        ("spec.dataset.source.columns", "header: false"),
        {"source": {"format": "csv", "header": False}},
    ),
    Case(
        "half a parquet file",
        (write("rows.parquet", GOOD_PARQUET_START),),
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
        ("must hold exactly one .inter file; found none",),
        file="",
        format="recbole",
    ),
    Case(
        "an unknown builtin",
        (),
        ("spec.dataset.source.uri: unknown data set builtin://netflix", "builtin://ml-100k"),
        {"source": {"uri": "builtin://netflix"}},
    ),
    Case(
        "a format for a builtin",
        (),
        ("spec.dataset.source.format: builtin://frappe brings its own format",),
        {"source": {"uri": "builtin://frappe", "format": "csv"}},
    ),
    Case(
        "unknown and impossible options of the generator",
        (),
        (
            "spec.dataset.source.options.row: unknown option; known: rows, users, items, seed",
            "options.users: found '1'",
        ),
        {"source": {"uri": "builtin://synthetic", "options": {"row": "10", "users": "1"}}},
    ),
    Case(
        "options for a file",
        (write("rows.csv", GOOD),),
        ("spec.dataset.source.options: options are for builtin://synthetic",),
        {"source": {"format": "csv", "options": {"rows": "10"}}},
    ),
    Case(
        "no number at all",
        (write("rows.csv", "price,click\n" + ",0\n,1\n" * 20),),
        ("feature price: no train row has a number in it",),
        {"features": [{"name": "price", "type": "Numeric"}]},
    ),
)


def dataset_of(case: Case, folder: Path) -> Dataset:
    source: dict[str, Any] = {"uri": f"file://{folder / case.file}", "format": case.format}
    change = dict(case.change)
    given = change.pop("source", {})
    if "tables" in change:
        source["tables"] = [{"uri": f"file://{folder / change.pop('tables')}", "format": "csv", "on": "item"}]
    source = given if "uri" in given else {**source, **given}
    spec = {"source": source, "label": {"column": "click"}, "features": ITEM, "split": SPLIT, **change}
    return Dataset.model_validate_json(json.dumps(spec))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_data_gives_one_clear_message(case: Case, tmp_path: Path) -> None:
    write("two-users.csv", HEADER + "".join(f"u{i % 4 // 2},i,1,{i},{i % 2}\n" for i in range(20)))(tmp_path)
    for make in case.makes:
        make(tmp_path)
    with pytest.raises(InvalidInput) as caught:
        inspect_dataset(dataset_of(case, tmp_path))
    message = str(caught.value)
    assert [part for part in case.expected if part not in message] == [], message


def test_an_absent_known_data_set_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CTRLAB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("CTRLAB_CACHE", str(tmp_path / "cache"))
    case = Case("absent", (), (), {"source": {"uri": "builtin://ml-100k"}})
    with pytest.raises(InvalidInput, match=r"set CTRLAB_DATA .* or get it with: ctrlab data fetch ml-100k"):
        inspect_dataset(dataset_of(case, tmp_path))


def test_parts_with_other_columns_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    pd.DataFrame({"item": ["a"], "click": [1]}).to_parquet(folder / "1.parquet")
    pd.DataFrame({"item": ["a"], "clicks": [1]}).to_parquet(folder / "2.parquet")
    case = Case("parts", (), (), file="parts", format="parquet")
    with pytest.raises(InvalidInput, match=r"2\.parquet: its columns \(item, clicks\) differ from those of 1\.parquet"):
        inspect_dataset(dataset_of(case, tmp_path))
