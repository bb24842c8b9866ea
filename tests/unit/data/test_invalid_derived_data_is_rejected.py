"""Invalid splits by files, negatives, item tables and vectors: each is rejected with location, value and remedy."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from ctrlab_api.errors import InvalidInput
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.features import Pretrained
from ctrlab_trainer.data.encoders.pretrained import read_vectors
from ctrlab_trainer.data.inspection.dataset_inspection import inspect_dataset

ROWS = "user,item,kind,time,click\n" + "".join(
    f"u{i % 5},i{i * 7 % 40},{'abc'[i % 3]},{100 + i},{i // 2 % 2}\n" for i in range(120)
)
Vectors = dict[str, Any]
ITEM = {"name": "item", "type": "Categorical"}
VALID_VECTORS: Vectors = {"item": ["i0", "i1", "i2"], "v": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]}


@dataclass(frozen=True)
class Case:
    """A data set that cannot be used."""

    expected: tuple[str, ...]
    """Texts that the message must contain."""
    change: dict[str, Any]
    """Fields of spec.dataset that differ from the valid specification."""
    vectors: Vectors = field(default_factory=lambda: VALID_VECTORS)
    file: str = "rows.csv"


def vectors(expected: str, change: Vectors, **options: str) -> Case:
    """Return a case whose `vectors.parquet` has some columns replaced."""
    pretrained = {"uri": "file://FOLDER/vectors.parquet", "vector": "v", **options}
    return Case((expected,), {"features": [{**ITEM, "pretrained": pretrained}]}, {**VALID_VECTORS, **change})


def files(*expected: str, **patterns: str) -> Case:
    return Case(expected, {"split": {"strategy": "Predefined", "files": patterns}}, file="")


CASES = {
    "a split without files": files(
        "spec.dataset.split.files.test: no file matches c.csv; the source has other.csv, rows.csv",
        train="rows.csv", valid="other.csv", test="c.csv",
    ),
    "a file in two splits": files(
        "the file rows.csv belongs to train and valid; it must belong to one split",
        train="r*.csv", valid="*s.csv", test="other.csv",
    ),
    "a file in no split": files(
        "spec.dataset.split.files: the file other.csv belongs to no split",
        "spec.dataset.split.files.valid: no file matches b.csv",
        train="rows.csv", valid="b.csv", test="c.csv",
    ),
    "negatives of an unknown column": Case(
        ("spec.dataset.negatives.item: rows.csv has no column 'video'; known: user, item, kind",),
        {"negatives": {"item": "video"}},
    ),
    "unknown attributes": Case(
        ("spec.dataset.negatives.attributes[1]: rows.csv has no column 'brand'",),
        {"negatives": {"item": "item", "attributes": ["kind", "brand"]}},
    ),
    "a user who has every item": Case(
        ("spec.dataset.negatives: the user 'u", "has all 3 items of train and earlier splits", "leave the user"),
        {"negatives": {"item": "kind"}},
    ),
    "a cross of the item and its user": Case(
        ("spec.dataset.features[2].cross: combines columns of the item (item) with others", "combine only columns of"),
        {
            "negatives": {"item": "item"},
            "features": [
                ITEM,
                {"name": "user", "type": "Categorical"},
                {"name": "both", "type": "Cross", "cross": ["item", "user"]},
            ],
        },
    ),
    "an item with two categories": Case(
        ("feature past_kinds: item 'i", "has kind '", "leave `through` out"),
        {
            "features": [
                ITEM,
                {"name": "kind", "type": "Categorical"},
                {"name": "past", "type": "History", "of": "item"},
                {"name": "past_kinds", "type": "History", "of": "kind", "through": "past"},
            ],
            "split": {"strategy": "Random", "fractions": ["0.6", "0.2", "0.2"]},
        },
    ),
    "an unknown column of a feature": Case(
        ("spec.dataset.features[0].column: rows.csv has no column 'price'",),
        {"features": [{"name": "cost", "type": "Numeric", "column": "price"}]},
    ),
    "a missing file of vectors": Case(
        ("spec.dataset.features[0].pretrained.uri: file://", "none.parquet does not exist"),
        {"features": [{**ITEM, "pretrained": {"uri": "file://FOLDER/none.parquet", "vector": "v"}}]},
    ),
    "a folder instead of a file of vectors": Case(
        ("spec.dataset.features[0].pretrained.uri: the folder contains 3 files; expected one parquet file",),
        {"features": [{**ITEM, "pretrained": {"uri": "file://FOLDER", "vector": "v"}}]},
    ),
    "vectors in another format than parquet": Case(
        ("rows.csv: is not a complete parquet file",),
        {"features": [{**ITEM, "pretrained": {"uri": "file://FOLDER/rows.csv", "vector": "v"}}]},
    ),
    "an unknown column of values": vectors("vectors.parquet: has no column 'id'; known: item, v", {}, key="id"),
    "an unknown column of vectors": vectors("vectors.parquet: has no column 'w'; known: item, v", {}, vector="w"),
    "no vectors": vectors("vectors.parquet: has no vectors", {"item": [], "v": []}),
    "a value with two vectors": vectors(
        "vectors.parquet, row 3, column item: the value 'i0' is in two rows", {"item": ["i0", "i1", "i0"]}
    ),
    "keys without text": vectors(
        "vectors.parquet, column item: cannot be a key: has the type duration[us]",
        {"item": [timedelta(1), timedelta(2), timedelta(3)]},
    ),
    "keys that are not UTF-8": vectors(
        "vectors.parquet, column item: cannot be a key: found the bytes ff", {"item": [b"i0", b"\xff", b"i1"]}
    ),
    "keys that are lists": vectors("vectors.parquet, column item: has the type list<", {"item": [["i0"], ["i1"], []]}),
    "only missing keys": vectors(
        "vectors.parquet, column item: has no value in any row", {"item": [float("nan"), None, None]}
    ),
    "numbers instead of vectors": vectors(
        "vectors.parquet, column v: found double; allowed are lists", {"v": [1.0, 2, 3]}
    ),
    "lists of text": vectors("vectors.parquet, column v: found lists of string", {"v": [["a"], ["b"], ["c"]]}),
    "vectors of different lengths": vectors(
        "vectors.parquet, row 2, column v: has 1 numbers, but the first row has 2", {"v": [[1.0, 2], [3.0], [4.0, 5]]}
    ),
    "a vector that is not finite": vectors(
        "vectors.parquet, row 2, column v: has a number that is missing or not finite",
        {"v": [[1.0, 2.0], [3.0, float("inf")], [4.0, 5.0]]},
    ),
}  # fmt: skip


def dataset_of(case: Case, folder: Path) -> Dataset:
    spec = {
        "source": {"uri": f"file://{folder / case.file}", "format": "csv"},
        "label": {"column": "click"},
        "features": [ITEM],
        "user": "user",
        "time": "time",
        "split": {"strategy": "Temporal", "fractions": ["0.6", "0.2", "0.2"]},
        **case.change,
    }
    return Dataset.model_validate_json(json.dumps(spec).replace("FOLDER", str(folder)))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_invalid_data_is_rejected_with_one_clear_message(case: Case, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(ROWS)
    (tmp_path / "other.csv").write_text(ROWS)
    if case.file:
        pa.parquet.write_table(pa.table(case.vectors), tmp_path / "vectors.parquet")
    with pytest.raises(InvalidInput) as raised:
        inspect_dataset(dataset_of(case, tmp_path))
    message = str(raised.value)
    assert [text for text in case.expected if text not in message] == [], message


PRETRAINED = Pretrained.model_validate({"uri": "file:///vectors.parquet", "vector": "v"})


@pytest.mark.parametrize("repeated", ["item", "v"])
def test_a_column_of_vectors_that_appears_twice_is_rejected(tmp_path: Path, repeated: str) -> None:
    columns = {"item": pa.array(["i0"]), "v": pa.array([[1.0, 2.0]])}
    names = ["item", "v", repeated]
    table = pa.Table.from_arrays([columns[name] for name in names], names=names)
    pa.parquet.write_table(table, tmp_path / "vectors.parquet")
    with pytest.raises(InvalidInput, match=f"vectors.parquet: the column '{repeated}' appears twice"):
        read_vectors(tmp_path / "vectors.parquet", PRETRAINED, "item")


def test_rows_of_vectors_whose_key_is_nan_are_left_out(tmp_path: Path) -> None:
    table = pa.table({"item": [7.0, float("nan"), None, float("nan")], "v": [[1.0], [2.0], [3.0], [4.0]]})
    pa.parquet.write_table(table, tmp_path / "vectors.parquet")
    keys, vectors_of_keys = read_vectors(tmp_path / "vectors.parquet", PRETRAINED, "item")
    assert (keys.to_pylist(), vectors_of_keys.tolist()) == (["7"], [[1.0]])
