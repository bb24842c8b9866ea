"""Import of data sets that FuxiCTR has built: feature_map.json with parquet files of the splits."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fuxictr_configs import import_experiment

from ctrlab.importers.fuxictr.experiment_document import import_config
from ctrlab_api.errors import InvalidSpec
from ctrlab_trainer.data.inspection.dataset_inspection import inspect_dataset

FEATURES: list[dict[str, Any]] = [
    {"user": {"source": "user", "type": "meta"}},
    {"item": {"source": "", "type": "categorical", "padding_idx": 0, "oov_idx": 9, "vocab_size": 10}},
    {"price": {"source": "", "type": "numeric"}},
    {"clicked": {"type": "sequence", "padding_idx": 0, "max_len": 3, "share_embedding": "item", "vocab_size": 10}},
    {"tags": {"type": "sequence", "padding_idx": 0, "max_len": 2, "vocab_size": 5}},
]


def write_built(folder: Path, *, blocks: bool = False, **changes: Any) -> Path:
    """Write a small built data set of 60 rows a split."""
    folder.mkdir()
    content = {"dataset_id": "Tiny_X1", "num_fields": 4, "labels": ["click"], "features": FEATURES, **changes}
    (folder / "feature_map.json").write_text(json.dumps(content))
    (folder / "feature_vocab.json").write_text("{}")
    (folder / "feature_processor.pkl").write_bytes(b"x")
    generator = np.random.default_rng(2)
    for split in ("train", "valid", "test"):
        table = pa.table(
            {
                "user": generator.integers(1, 9, 60),
                "item": generator.integers(1, 10, 60),
                "price": generator.random(60),
                "clicked": pa.array([[0, *generator.integers(1, 10, 2)] for _ in range(60)]),
                "tags": pa.array([[int(generator.integers(1, 5)), 0] for _ in range(60)]),
                "click": np.arange(60) % 2 * 1.0,
            }
        )
        path = folder / split / "part_00000.parquet" if blocks else folder / f"{split}.parquet"
        path.parent.mkdir(exist_ok=True)
        pq.write_table(table, path)
    return folder


@pytest.mark.parametrize("blocks", [False, True])
def test_a_built_data_set_becomes_an_experiment_that_can_be_prepared(tmp_path: Path, blocks: bool) -> None:
    folder = write_built(tmp_path / "Tiny_X1", blocks=blocks)
    experiment, notes = import_experiment(folder)
    dataset = experiment.spec.dataset
    assert experiment.metadata.name == "tiny-x1"
    assert [(feature.name, feature.type) for feature in dataset.features] == [
        ("item", "Categorical"),
        ("price", "Numeric"),
        ("clicked", "History"),
        ("tags", "MultiCategorical"),
    ]
    assert "column user: FuxiCTR metadata" in notes
    inspection = inspect_dataset(dataset)
    assert [part.rows for part in inspection.parts] == [60, 60, 60]
    assert import_config(folder / "feature_map.json", None).text == import_config(folder, None).text


@pytest.mark.parametrize(
    ("changes", "absent", "message"),
    [
        ({"labels": []}, None, "expected a mapping with labels and a list of features"),
        ({"features": [{"item": {"type": "graph"}}]}, None, "features.item.type: found 'graph', which is not known"),
        ({"features": [{"user": {"type": "meta"}}]}, None, "no column becomes a feature"),
        ({}, "valid", "valid: is missing: expected valid.parquet or valid/"),
    ],
)
def test_a_built_data_set_that_cannot_be_used_is_rejected(
    tmp_path: Path, changes: dict[str, Any], absent: str | None, message: str
) -> None:
    folder = write_built(tmp_path / "built", **changes)
    if absent is not None:
        (folder / f"{absent}.parquet").unlink()
    with pytest.raises(InvalidSpec) as error:
        import_config(folder, None)
    assert message in str(error.value)


def test_hdf5_of_earlier_versions_is_named(tmp_path: Path) -> None:
    folder = write_built(tmp_path / "built")
    for split in ("train", "valid", "test"):
        (folder / f"{split}.parquet").rename(folder / f"{split}.h5")
    with pytest.raises(InvalidSpec, match="train: is HDF5, as earlier versions of FuxiCTR write it"):
        import_config(folder, None)
