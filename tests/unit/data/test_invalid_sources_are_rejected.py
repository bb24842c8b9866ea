"""Invalid source files and addresses: each is rejected with one message with field or file, row, column and remedy."""

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
    def write_file(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)

    return write_file


def parquet(name: str, cut: int | None = None, **change: list[Any]) -> Callable[[Path], None]:
    """Write a parquet file, truncated to `cut` bytes like an unfinished upload."""

    def write_file(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pyarrow.parquet.write_table(pa.table({**COLUMNS, **change}), path)
        path.write_bytes(path.read_bytes()[:cut])

    return write_file


@dataclass(frozen=True)
class Case:
    """A source that cannot be used."""

    name: str
    format: str
    setup: tuple[Callable[[Path], None], ...]
    expected: tuple[str, ...]
    """Texts that the message must contain."""
    uri: str = "file://{folder}/rows"
    features: tuple[str, ...] = ("item", "price:Numeric")
    label: str = "click"
    source_fields: dict[str, Any] = field(default_factory=dict)
    """Other fields of spec.dataset.source."""


CASES = (
    Case(
        "a file that is still being uploaded",
        "parquet",
        (parquet("rows/1.parquet"), parquet("rows/2.parquet", cut=300)),
        ("2.parquet: is not a complete parquet file", "wait until it is written"),
    ),
    Case(
        "a file with another column type",
        "parquet",
        (parquet("rows/1.parquet"), parquet("rows/2.parquet", price=["cheap", "dear"] * 5)),
        ("2.parquet, column price: is text here and double in 1.parquet", "same type"),
    ),
    Case(
        "a file that lacks a column",
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
    Case("an empty folder", "csv", (text("rows/_SUCCESS", ""),), ("spec.dataset.source.uri", "contains no files")),
    Case(
        "a line that is not JSON",
        "jsonl",
        (text("rows", LINES + '{"item": \n'),),
        ("rows, line 11: is not JSON: Expecting value",),
    ),
    Case(
        "a line that is not an object",
        "jsonl",
        (text("rows", LINES + "[1]\n"),),
        ("rows, line 11: is not a JSON object",),
    ),
    Case("an empty file", "jsonl", (text("rows", ""),), ("rows: is empty; expected one JSON object per line",)),
    Case(
        "an object as a value",
        "jsonl",
        (text("rows", '{"item": {"id": 1}, "price": 1, "click": 1}\n'),),
        ("rows, line 1, column item: found an object", "a list of these in every line"),
    ),
    Case(
        "a member that is a list in some lines",
        "jsonl",
        (text("rows", LINES + '{"item": ["a"], "price": 1, "click": 1}\n'),),
        ("rows, line 1, column item: found a single value, but lists in other lines",),
    ),
    Case(
        "a list of objects",
        "jsonl",
        (text("rows", '{"item": [{"id": 1}], "price": 1, "click": 1}\n'),),
        ("rows, line 1, column item: found a list with lists or objects in it", "lists of text"),
    ),
    Case(
        "a member that appears twice",
        "jsonl",
        (text("rows", LINES + '{"item": 1, "item": 2, "price": 1, "click": 1}\n'),),
        ("rows, line 11: has the member 'item' twice",),
    ),
    Case(
        "half of a character",
        "jsonl",
        (text("rows", LINES + '{"item": "\\ud83d", "price": 1, "click": 1}\n'),),
        ("rows, line 11, column item: has '\\ud83d', half of a character", "write the whole character"),
    ),
    Case(
        "a JSON number out of range",
        "jsonl",
        (text("rows", LINES + '{"item": "a", "price": 1E400, "click": 1}\n'),),
        ("rows, row 11, column price: found '1E400'; allowed are finite numbers",),
    ),
    Case(
        "text that only Arrow reads as a number",
        "csv",
        (text("rows", "item,price,click\n" + "a,1,0\na,2,1\n" * 10 + "a,-nan,1\n"),),
        ("rows, row 21, column price: found '-nan'; allowed are finite numbers",),
    ),
    Case(
        "a number out of range",
        "csv",
        (text("rows", "item,price,click\n" + "a,1,0\na,2,1\n" * 10 + "a,1e999,1\n"),),
        ("rows, row 21, column price: found '1e999'; allowed are finite numbers",),
    ),
    Case(
        "an array of objects",
        "jsonl",
        (text("rows", '[{"item": 1},\n{"item": 2}]\n'),),
        ("rows, line 1: is not JSON", "one JSON object per line"),
    ),
    Case(
        "a pair without number",
        "libsvm",
        (text("rows", PAIRS + "1 2:e\n"),),
        ("rows, row 11: found '2:e'", "index:value"),
        features=("indices:MultiCategorical",),
        label="label",
    ),
    Case(
        "a repeated index",
        "libsvm",
        (text("rows", PAIRS + "1 4:1 04:2\n"),),
        ("rows, row 11: has the index 4 2 times; a line has at most one pair per index",),
        features=("indices:MultiCategorical",),
        label="label",
    ),
    Case(
        "a malformed pair",
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
        ("rows, row 11: has 1 pairs, but the column field_2 needs 2 in every line",),
        features=("field_2",),
        label="label",
    ),
    Case(
        "an index with leading zeros",
        "libsvm",
        (text("rows", PAIRS),),
        ("rows has no column 'index_03'",),
        features=("index_03:Numeric",),
        label="label",
    ),
    Case(
        "sequences in brackets",
        "sequences",
        (text("rows", "u1 a b c\nu2 [a, b, c]\n"),),
        ("rows, line 2: found 'u2 [a, b, c]'", "separated by spaces alone"),
        features=("item",),
        label="user",
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
        "a volume of another machine",
        "csv",
        (),
        ("spec.dataset.source.uri: pvc://clicks/2024 is a volume of a cluster", "CTRLAB_PVC_ROOT", "clicks/"),
        uri="pvc://clicks/2024",
    ),
    Case(
        "a path outside its volume",
        "csv",
        (),
        ("spec.dataset.source.uri: found pvc://clicks/../x; the path in a volume must not contain ..",),
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
        "a digest for a local file",
        "csv",
        (text("rows", "item,price,click\na,1,0\n"),),
        ("source", "sha256 is required for https:// and only for it"),
        source_fields={"sha256": "0" * 64},
    ),
    Case(
        "a malformed digest",
        "csv",
        (),
        ("source.sha256", "String should match pattern"),
        uri="https://example.org/rows.csv",
        source_fields={"sha256": "abc"},
    ),
)


def read_and_encode(spec: dict[str, Any]) -> None:
    dataset = Dataset.model_validate_json(json.dumps(spec))
    encode_dataset(read_source(locate(dataset.source), required_columns(dataset), numeric_columns(dataset)), dataset)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_invalid_source_is_rejected_with_one_clear_message(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CTRLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CTRLAB_PVC_ROOT", raising=False)
    for write_file in case.setup:
        write_file(tmp_path)
    features = [name.partition(":") for name in case.features]
    spec = {
        "source": {"uri": case.uri.format(folder=tmp_path), "format": case.format, **case.source_fields},
        "label": {"column": case.label},
        "features": [{"name": name, "type": type_ or "Categorical"} for name, _, type_ in features],
        "split": {"strategy": "Random", "fractions": ["0.4", "0.3", "0.3"]},
    }
    with pytest.raises((InvalidInput, ValueError)) as raised:
        read_and_encode(spec)
    message = str(raised.value)
    assert [text for text in case.expected if text not in message] == [], message
