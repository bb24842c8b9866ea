"""`ctrlab data inspect` warns about possible leaks, and the warnings are kept with prepared data."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import categorical, csv_source, make_dataset

from ctrlab_api.resources.dataset import Dataset, Preprocessing
from ctrlab_store import FileStore
from ctrlab_trainer.data.data_quality import sampled_rows
from ctrlab_trainer.data.data_quality.leak_checks import leak_warnings
from ctrlab_trainer.data.data_quality.row_hashes import row_hashes
from ctrlab_trainer.data.data_quality.single_feature_scores import single_feature_auc
from ctrlab_trainer.data.inspection.dataset_inspection import inspect_dataset
from ctrlab_trainer.data.preparation.dataset_preparation import encode_locally, prepare_dataset
from ctrlab_trainer.data.sources.source_locations import locate


def clicks(folder: Path) -> Dataset:
    """Write clicks that one column reveals, with duplicate rows, split regardless of time."""
    rows = pd.DataFrame(
        {
            "item": [f"i{i % 20}" for i in range(200)],
            "paid": [("yes" if i % 3 == 0 else "no") for i in range(200)],
            "shop": ["one"] * 200,
            "time": [i % 50 for i in range(200)],
            "click": [int(i % 3 == 0) for i in range(200)],
        }
    )
    rows.to_csv(folder / "rows.csv", index=False)
    features = categorical("item", "paid", "shop")
    return make_dataset(source=csv_source(f"file://{folder}/rows.csv"), features=features, time="time")


def test_revealing_and_constant_features_duplicates_and_overlap_in_time_are_reported(tmp_path: Path) -> None:
    inspection = inspect_dataset(clicks(tmp_path))
    text = "\n".join(warning.message for warning in inspection.warnings)
    assert "feature paid alone reaches AUC 1.0000" in text
    assert "feature shop is constant" in text
    assert text.count("feature shop") == 1
    assert "are also in train, equal in everything but the label" in text
    assert "of the rows of train are later than the earliest row of test" in text
    assert [split.rows for split in inspection.parts] == [160, 20, 20]


def test_leak_warnings_are_kept_with_the_prepared_data(tmp_path: Path) -> None:
    dataset = clicks(tmp_path)
    kept = prepare_dataset(dataset, FileStore.at(tmp_path / "store")).warnings
    leak_messages = [
        w.message for w in inspect_dataset(dataset).warnings if w.kind in ("Reveals", "Duplicates", "TimeOverlap")
    ]
    assert len(leak_messages) >= 3
    assert list(kept[: len(leak_messages)]) == leak_messages


def test_no_label_of_test_is_read_for_leak_warnings(tmp_path: Path) -> None:
    dataset = clicks(tmp_path)
    encoded = encode_locally(dataset, locate(dataset.source), tmp_path / "encoded")
    train, valid, test = encoded.splits
    other = replace(encoded, splits=(train, valid, replace(test, labels=1 - np.asarray(test.labels))))
    warnings = [
        list(leak_warnings(dataset, data, single_feature_auc(data), (), row_hashes(data))) for data in (encoded, other)
    ]
    assert warnings[0] == warnings[1]


def test_rows_with_out_of_vocabulary_values_do_not_count_as_duplicates(tmp_path: Path) -> None:
    dataset = clicks(tmp_path).model_copy(update={"preprocessing": Preprocessing(min_frequency=1000), "time": None})
    encoded = encode_locally(dataset, locate(dataset.source), tmp_path / "encoded")
    assert [w.kind for w in leak_warnings(dataset, encoded, {}, (), row_hashes(encoded))] == []


def test_a_large_split_is_read_in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = clicks(tmp_path)
    encoded = encode_locally(dataset, locate(dataset.source), tmp_path / "encoded")
    monkeypatch.setattr(sampled_rows, "CHUNK_ROWS", 5)
    auc = single_feature_auc(encoded)
    assert auc["paid"] == 1.0
    assert 0 < auc["item"] < 1
