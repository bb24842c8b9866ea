"""Models learn from histories that the rows contain: clicks depend on the latest event and the candidate alone."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from builders import csv_source, make_dataset

from ctrlab_api.plan import Variant
from ctrlab_trainer.data.preparation.dataset_encoding import encode_dataset
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.readers.source_tables import SourceTable
from ctrlab_trainer.training.batched_training import train_batched
from ctrlab_trainer.training.loop import train
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.variant_config import resolve_config

ROWS, ITEMS, LENGTH = 3000, 6, 4


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> EncodedDataset:
    """Encode rows that are clicked if the candidate is the item after the latest event."""
    random = np.random.default_rng(2)
    events, lengths = random.integers(0, ITEMS, (ROWS, LENGTH)), random.integers(1, LENGTH + 1, ROWS)
    latest = events[np.arange(ROWS), lengths - 1]
    candidate = np.where(random.random(ROWS) < 0.5, (latest + 1) % ITEMS, random.integers(0, ITEMS, ROWS))
    columns = {
        "item": candidate,
        "past": ["^".join(map(str, row[:length])) for row, length in zip(events, lengths, strict=True)],
        "image": random.normal(size=(ROWS, 2)).tolist(),
        "click": ((candidate == (latest + 1) % ITEMS) ^ (random.random(ROWS) < 0.05)).astype(np.int8),
    }
    features: list[dict[str, Any]] = [
        {"name": "item", "type": "Categorical"},
        {"name": "past", "type": "History", "of": "item", "maxLength": LENGTH, "stored": {"separator": "^"}},
        {"name": "image", "type": "Vector", "width": 2},
    ]
    dataset = make_dataset(source=csv_source(), features=features, split={"strategy": "Random"})
    table = SourceTable(pa.table(columns), (("rows.csv", ROWS),))
    return encode_dataset(table, dataset, tmp_path_factory.mktemp("data"))


def variant_of(architecture: str, **parameters: Any) -> Variant:
    sizes: dict[str, int | str] = {
        "embedding_dim": 8,
        "batch_size": 128,
        "epochs": 10,
        "patience": 10,
        "hidden_units": "32,16",
    }
    fixed: dict[str, int | str] = {**sizes, "learning_rate": "1e-2", "embedding_init": "0.3", "dropout": "0"}
    return Variant(name="m", architecture=architecture, parameters={**fixed, **parameters})


def arguments(data: EncodedDataset, variant: Variant) -> dict[str, Any]:
    return {
        "config": resolve_config(variant, {}),
        "variant": variant,
        "schema": data.schema,
        "train": data.splits[0],
        "valid": data.splits[1],
        "device": "cpu",
        "primary_metric": "auc",
        "metrics": ("auc",),
    }


@pytest.mark.parametrize("architecture", ["dien", "bst", "sin"])
def test_models_of_sequences_learn_the_latest_event(architecture: str, data: EncodedDataset) -> None:
    variant = variant_of(architecture)
    result = train(**arguments(data, variant), seeds=PurposeSeeds.from_root(1))
    assert result.best_value is not None
    assert result.best_value > 0.85


@pytest.mark.parametrize("architecture", ["din", "dmin", "deepfm"])
def test_blocks_of_rows_and_batched_seeds_learn_too(architecture: str, data: EncodedDataset) -> None:
    blocks = variant_of(architecture, row_order="blocks", epochs=3)
    result = train(**arguments(data, blocks), seeds=PurposeSeeds.from_root(1))
    assert result.best_value is not None
    assert result.best_value > 0.65
    seeds = [PurposeSeeds.from_root(seed) for seed in (1, 2)]
    batched = train_batched(**arguments(data, variant_of(architecture, epochs=3)), seeds=seeds)
    assert all(run.best_value is not None and run.best_value > 0.65 for run in batched)


def test_ablations_may_drop_the_history_or_the_vector(data: EncodedDataset) -> None:
    for dropped in (("past",), ("image",)):
        variant = variant_of("deepfm", epochs=1).model_copy(update={"drop_features": dropped})
        result = train(**arguments(data, variant), seeds=PurposeSeeds.from_root(1))
        assert result.best_epoch == 1
        assert torch.isfinite(torch.tensor(result.best_value))
