"""What can be wrong with where the rows come from: one message with the field or file, row and column, and advice."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from ctrlab_api.errors import InvalidInput
from ctrlab_api.resources.dataset import Dataset
from ctrlab_trainer.data.preparation.dataset_encoding import encode_dataset
from ctrlab_trainer.data.preparation.source_columns import numeric_columns, required_columns
from ctrlab_trainer.data.readers.source_reading import read_source
from ctrlab_trainer.data.sources.source_locations import locate

COLUMNS = {"item": ["a", "b"] * 5, "price": [1.5, 2.5] * 5, "click": [0, 1] * 5}
LINES = "".join(f'{{"item": "i{i}", "price": {i}, "click": {i % 2}}}\n' for i in range(10))
PAIRS = "".join(f"{i % 2} 1:{i} {i + 2}:1\n" for i in range(10))


def text(name: str, content: str) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)

    return act


def parquet(name: str, cut: int | None = None, **change: list[Any]) -> Callable[[Path], None]:
    """A parquet file, cut after some bytes as a half-done upload is."""

    def act(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pyarrow.parquet.write_table(pa.table({**COLUMNS, **change}), path)
        path.write_bytes(path.read_bytes()[:cut])

    return act


@dataclass(frozen=True)
class Case:
    """A source that cannot be used."""

    name: str
    format: str
    makes: tuple[Callable[[Path], None], ...]
    expected: tuple[str, ...]
    """Parts of the message."""
    uri: str = "file://{folder}/rows"
    features: tuple[str, ...] = ("item", "price:Numeric")
    label: str = "click"
    more: dict[str, Any] = field(default_factory=dict)
    """Other fields of spec.dataset.source."""


CASES = (
    Case(
        "a part that is still being uploaded",
        "parquet",
        (parquet("rows/1.parquet"), parquet("rows/2.parquet", cut=300)),
        ("2.parquet: is not a complete parquet file", "wait until it is written"),
    ),
    Case(
        "a part with another type",
        "parquet",
        (parquet("rows/1.parquet"), parquet("rows/2.parquet", price=["cheap", "dear"] * 5)),
        ("2.parquet, column price: is text here and double in 1.parquet", "same type"),
    ),
    Case(
        "a part that lacks a column",
        "csv",
        (text("rows/1.csv", "item,price,click\na,1,0\n"), text("rows/2.csv", "item,click\na,0\n")),
        ("2.csv: its columns (item, click) differ from those of 1.csv (item, price, click)",),
    ),
    Case(
        "a partition that lacks a column",
        "parquet",
        (parquet("rows/day=1/0.parquet"), parquet("rows/0.parquet")),
        ("day=1/0.parquet: its columns (item, price, click, day) differ from those of 0.parquet",),
    ),
    Case("an empty folder", "csv", (text("rows/_SUCCESS", ""),), ("spec.dataset.source.uri", "holds no files")),
    Case(
        "a line that is no JSON",
        "jsonl",
        (text("rows", LINES + '{"item": \n'),),
        ("rows, line 11: is no JSON: Expecting value",),
    ),
    Case("a line that is no object", "jsonl", (text("rows", LINES + "[1]\n"),), ("rows, line 11: is no JSON object",)),
    Case("no line", "jsonl", (text("rows", ""),), ("rows: is empty; expected one JSON object a line",)),
    Case(
        "an object as a value",
        "jsonl",
        (text("rows", '{"item": {"id": 1}, "price": 1, "click": 1}\n'),),
        ("rows, lines from 1, column item: found an object", "lists of these"),
    ),
    Case(
        "a member of two types",
        "jsonl",
        (text("rows", LINES + '{"item": 3, "price": 1, "click": 1}\n'),),
        ("rows: lines from 1: ", "a member must have one type in all lines"),
    ),
    Case(
        "a pair that is none",
        "libsvm",
        (text("rows", PAIRS + "1 3=1\n"),),
        ("rows, row 11: found '3=1'", "index:value"),
        features=("indices:MultiCategorical",),
        label="label",
    ),
    Case(
        "a line with too few pairs",
        "libsvm",
        (text("rows", PAIRS + "1 3:1\n"),),
        ("rows, row 11: has 1 pairs, and the column field_2 needs 2 in every line",),
        features=("field_2",),
        label="label",
    ),
    Case(
        "a column that libsvm does not have",
        "libsvm",
        (text("rows", PAIRS),),
        ("spec.dataset.features[0].name: rows has no column 'item'; known: label, indices, field_1, field_2",),
        features=("item",),
        label="label",
    ),
    Case(
        "a volume that is not here",
        "csv",
        (),
        ("spec.dataset.source.uri: pvc://clicks/2024 is a volume of a cluster", "CTRLAB_PVC_ROOT", "clicks/"),
        uri="pvc://clicks/2024",
    ),
    Case(
        "a path that leaves its volume",
        "csv",
        (),
        ("spec.dataset.source.uri: found pvc://clicks/../x; the path of a volume has no ..",),
        uri="pvc://clicks/../x",
    ),
    Case(
        "an address without a digest",
        "csv",
        (),
        ("source", "sha256 is required for https://", "64 digits"),
        uri="https://example.org/rows.csv",
    ),
    Case(
        "a digest for a file that lies here",
        "csv",
        (text("rows", "item,price,click\na,1,0\n"),),
        ("source", "sha256 is required for https:// and only for it"),
        more={"sha256": "0" * 64},
    ),
    Case(
        "a digest that is none",
        "csv",
        (),
        ("source.sha256", "String should match pattern"),
        uri="https://example.org/rows.csv",
        more={"sha256": "abc"},
    ),
)


def use(spec: dict[str, Any]) -> None:
    dataset = Dataset.model_validate_json(json.dumps(spec))
    encode_dataset(read_source(locate(dataset.source), required_columns(dataset), numeric_columns(dataset)), dataset)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_source_gives_one_clear_message(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CTRLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CTRLAB_PVC_ROOT", raising=False)
    for make in case.makes:
        make(tmp_path)
    named = [name.partition(":") for name in case.features]
    spec = {
        "source": {"uri": case.uri.format(folder=tmp_path), "format": case.format, **case.more},
        "label": {"column": case.label},
        "features": [{"name": name, "type": type_ or "Categorical"} for name, _, type_ in named],
        "split": {"strategy": "Random", "fractions": ["0.4", "0.3", "0.3"]},
    }
    with pytest.raises((InvalidInput, ValueError)) as caught:
        use(spec)
    message = str(caught.value)
    assert [part for part in case.expected if part not in message] == [], message
