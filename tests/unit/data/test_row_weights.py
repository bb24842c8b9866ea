"""Weights of rows: read from a column, divided by their mean over train, and rejected where one is missing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import categorical, csv_source, make_dataset

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.dataset import Dataset
from ctrlab_trainer.data.preparation.dataset_preparation import encode_locally
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.sources.source_locations import locate


def dataset(folder: Path, weights: list[str], **weight: Any) -> Dataset:
    """Write 40 rows in order of time with these weights, repeated, and return their data set."""
    lines = [f"u{i % 5},i{i % 3},{i},{i % 2},{weights[i % len(weights)]}\n" for i in range(40)]
    (folder / "rows.csv").write_text("user,item,time,click,w\n" + "".join(lines))
    return make_dataset(
        source=csv_source(f"file://{folder}/rows.csv"),
        features=categorical("user", "item"),
        time="time",
        split={"strategy": "Temporal", "fractions": ["0.5", "0.25", "0.25"]},
        weight={"column": "w", **weight} if weight is not None else None,
    )


def encode(spec: Dataset, folder: Path) -> EncodedDataset:
    return encode_locally(spec, locate(spec.source), folder / "encoded")


def test_weights_have_mean_1_over_train_and_are_in_train_only(tmp_path: Path) -> None:
    train, valid, test = encode(dataset(tmp_path, ["1", "3", "0", "4.5"]), tmp_path).splits
    assert train.weights is not None
    assert train.weights[:4].tolist() == pytest.approx(np.array([1, 3, 0, 4.5]) / 2.125)
    assert train.weights.mean() == pytest.approx(1)
    assert valid.weights is None
    assert test.weights is None


def test_metrics_are_weighted_on_request(tmp_path: Path) -> None:
    splits = encode(dataset(tmp_path, ["1", "3"], metrics=True), tmp_path).splits
    assert all(split.weights is not None and set(split.weights.tolist()) == {0.5, 1.5} for split in splits)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ("", "rows.csv, row 2, column w: the weight is missing; a weight is a number of at least 0"),
        ("-0.5", "rows.csv, row 2, column w: found -0.5; a weight is a number of at least 0"),
        ("many", "rows.csv, row 2, column w: found 'many'; allowed are finite numbers"),
        ("inf", "rows.csv, row 2, column w: found 'inf'; allowed are finite numbers"),
    ],
)
def test_a_weight_that_is_no_number_of_at_least_0_is_rejected(tmp_path: Path, weight: str, message: str) -> None:
    with pytest.raises(InvalidData) as error:
        encode(dataset(tmp_path, ["1", weight]), tmp_path)
    assert message in str(error.value)


def test_train_rows_without_any_weight_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match=r"spec\.dataset\.weight: all rows of train have weight 0"):
        encode(dataset(tmp_path, ["0"]), tmp_path)
