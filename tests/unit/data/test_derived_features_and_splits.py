"""Crossed, hashed and pre-trained features, splits by users and by files, and sequence files, on hand-checked data."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from builders import csv_source, make_dataset

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.dataset_splits import PredefinedFiles
from ctrlab_trainer.data.encoders.hashing import hash_texts
from ctrlab_trainer.data.preparation.dataset_encoding import encode_dataset
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.readers.sequence_files import read_sequences
from ctrlab_trainer.data.readers.source_tables import SourceTable
from ctrlab_trainer.data.splits.split_strategies import split_by_files, split_by_user_arrival


def encoded(columns: dict[str, Any], features: list[dict[str, Any]], folder: Path | None = None) -> EncodedDataset:
    """Encode six rows, two per split, with alternating labels."""
    rows = {"split": ["train", "train", "valid", "valid", "test", "test"], "click": [0, 1] * 3, **columns}
    dataset = make_dataset(source=csv_source(), features=features, split={"strategy": "Predefined", "column": "split"})
    return encode_dataset(SourceTable(pa.table(rows), (("none.csv", 6),)), dataset, folder)


def test_the_vocabulary_of_a_cross_is_the_combinations_of_train() -> None:
    features = [{"name": name, "type": "Categorical"} for name in ("a", "b")]
    data = encoded(
        {"a": ["x", "x", "y", "x", "y", "y"], "b": ["1", "2", "1", "1", "2", "2"]},
        [*features, {"name": "both", "type": "Cross", "cross": ["a", "b"]}],
    )
    feature = data.schema.feature("both")
    assert data.fitted["both"]["values"] == ["x\x1f1", "x\x1f2"]
    ids = [(split.categorical[:, feature.column] - feature.offset).tolist() for split in data.splits]
    assert ids == [[1, 2], [0, 1], [0, 0]]


def test_hashes_are_portable_and_never_the_out_of_vocabulary_id() -> None:
    # The results of `b2sum -l 64`, modulo 1000, plus 1.
    assert hash_texts(pa.array(["", "a", "ü"]), 1000).tolist() == [877, 344, 336]
    hashes = hash_texts(pa.array([str(i) for i in range(2000)]), 7)
    assert sorted(set(hashes.tolist())) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("missing", "expected"), [("Learned", [np.nan, np.nan]), ("Zero", [0.0, 0.0]), ("Mean", [2.0, 3.0])]
)
def test_values_in_the_file_have_ids_and_missing_defines_the_vectors_of_others(
    missing: str, expected: list[float], tmp_path: Path
) -> None:
    pa.parquet.write_table(pa.table({"item": ["n", "p"], "v": [[1.0, 2.0], [3.0, 4.0]]}), tmp_path / "v.parquet")
    pretrained = {"uri": f"file://{tmp_path}/v.parquet", "vector": "v", "missing": missing}
    feature = {"name": "item", "type": "Categorical", "pretrained": pretrained}
    data = encoded({"item": ["p", "q", "n", "q", "z", "n"]}, [feature], tmp_path)
    assert data.fitted["item"]["values"] == ["p", "q", "n"]
    assert [split.categorical[:, 0].tolist() for split in data.splits] == [[2, 3], [4, 3], [1, 4]]
    vectors = np.load(tmp_path / "vectors-0.npy")
    assert vectors[[1, 3]].tolist() == [[3.0, 4.0], [1.0, 2.0]]
    np.testing.assert_array_equal(vectors[[0, 2]], [expected, expected])


def test_all_rows_of_the_users_who_arrive_last_are_test() -> None:
    users = np.array([0, 1, 2, 3, 0, 3, 2], np.int32)
    times = np.array([5, 1, 9, 7, 99, 8, 3])
    assert split_by_user_arrival(times, users, (0.5, 0.25, 0.25)).tolist() == [1, 0, 0, 2, 1, 2, 0]


def test_rows_are_in_the_split_of_their_file() -> None:
    files = [("train-0.csv", 2), ("train-1.csv", 1), ("v.csv", 1), ("t.csv", 2)]
    patterns = PredefinedFiles(train="train-*", valid="v.csv", test="t.csv")
    assert split_by_files(files, patterns).tolist() == [0, 0, 0, 1, 2, 2]


def test_a_line_of_a_sequence_file_becomes_one_row_per_item(tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_text("1 7 8\n\n2 7\n")
    (batch,) = read_sequences(tmp_path / "rows.txt", ["item", "user"])
    assert batch.to_pydict() == {"item": ["7", "8", "7"], "user": ["1", "1", "2"]}


def test_a_line_without_items_is_rejected_with_its_number(tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_text("1 7 8\n2\n")
    with pytest.raises(InvalidData, match=r"rows\.txt, line 2: has a user and no items"):
        list(read_sequences(tmp_path / "rows.txt", ["item", "user"]))
