"""What looks like a leak is named by `ctrlab data inspect`, and kept when data are prepared."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ctrlab_api.resources.dataset import Dataset, Preprocessing
from ctrlab_store import FileStore
from ctrlab_trainer.data.data_quality import single_feature_scores
from ctrlab_trainer.data.data_quality.leak_checks import leak_warnings
from ctrlab_trainer.data.data_quality.single_feature_scores import single_feature_auc
from ctrlab_trainer.data.inspection.dataset_inspection import inspect_dataset
from ctrlab_trainer.data.preparation.dataset_preparation import encode_locally, prepare_dataset
from ctrlab_trainer.data.sources.source_locations import locate


def clicks(folder: Path) -> Dataset:
    """Clicks that one column gives away, some twice, divided without regard to their time."""
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
    spec = {
        "source": {"uri": f"file://{folder}/rows.csv", "format": "csv"},
        "label": {"column": "click"},
        "time": "time",
        "features": [{"name": name, "type": "Categorical"} for name in ("item", "paid", "shop")],
        "split": {"strategy": "Random"},
    }
    return Dataset.model_validate_json(json.dumps(spec))


def test_revealing_constant_and_repeated_data_and_a_split_against_time_are_named(tmp_path: Path) -> None:
    found = inspect_dataset(clicks(tmp_path))
    text = "\n".join(warning.message for warning in found.warnings)
    assert "feature paid alone reaches AUC 1.0000" in text
    assert "feature shop is constant" in text
    assert "are also in train, equal in everything but the label" in text
    assert "of the rows of train are later than the earliest row of test" in text
    assert [part.rows for part in found.parts] == [160, 20, 20]


def test_what_looks_like_a_leak_is_kept_with_the_prepared_data(tmp_path: Path) -> None:
    dataset = clicks(tmp_path)
    kept = prepare_dataset(dataset, FileStore.at(tmp_path / "store")).warnings
    leaks_found = [
        w.message for w in inspect_dataset(dataset).warnings if w.kind in ("Reveals", "Duplicates", "TimeOverlap")
    ]
    assert len(leaks_found) >= 3
    assert list(kept[: len(leaks_found)]) == leaks_found


def test_no_label_of_test_is_read_for_what_is_kept(tmp_path: Path) -> None:
    dataset = clicks(tmp_path)
    encoded = encode_locally(dataset, locate(dataset.source), tmp_path / "encoded")
    train, valid, test = encoded.splits
    other = replace(encoded, splits=(train, valid, replace(test, labels=1 - np.asarray(test.labels))))
    found = [list(leak_warnings(dataset, data, single_feature_auc(data))) for data in (encoded, other)]
    assert found[0] == found[1]


def test_rows_of_unknown_values_are_not_taken_for_repeated_ones(tmp_path: Path) -> None:
    dataset = clicks(tmp_path).model_copy(update={"preprocessing": Preprocessing(min_frequency=1000), "time": None})
    encoded = encode_locally(dataset, locate(dataset.source), tmp_path / "encoded")
    assert [w.kind for w in leak_warnings(dataset, encoded, {})] == []


def test_a_large_part_is_looked_at_in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = clicks(tmp_path)
    encoded = encode_locally(dataset, locate(dataset.source), tmp_path / "encoded")
    monkeypatch.setattr(single_feature_scores, "CHUNK_ROWS", 5)
    found = single_feature_auc(encoded)
    assert found["paid"] == 1.0
    assert 0 < found["item"] < 1
