"""Pooling, item tables, time gaps and pre-trained vectors, from encoded arrays to embeddings."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ctrlab_api.architectures import declaration
from ctrlab_api.plan import Variant
from ctrlab_trainer.data.prepared.encoded_schema import EncodedFeature, EncodedSchema, EncodedVectors
from ctrlab_trainer.data.prepared.encoded_splits import EncodedHistory, EncodedSplit, EventTimes, ItemLookup
from ctrlab_trainer.models import MODULES, build
from ctrlab_trainer.models.components.embedding_tables import FieldEmbedding
from ctrlab_trainer.models.components.model_inputs import ModelInputs
from ctrlab_trainer.training.batches import Batch, DeviceData
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.row_order import RowOrdering
from ctrlab_trainer.training.row_windows import WindowedRows
from ctrlab_trainer.training.variant_config import resolve_config

ITEM = EncodedFeature(name="item", kind="categorical", offset=1, size=4, column=0)
CATEGORY = EncodedFeature(name="category", kind="categorical", offset=5, size=3, column=1)
TAGS = EncodedFeature(name="tags", kind="multicategorical", offset=8, size=3, column=-1, length=2)
SEEN = EncodedFeature(name="seen", kind="history", offset=1, size=4, column=-1, length=3, of="item")
KINDS = SEEN.model_copy(update={"name": "kinds", "of": "category", "offset": 5, "size": 3, "through": "seen"})
GAPS = EncodedFeature(name="seen.gaps", kind="gaps", offset=11, size=64, column=-1, of="seen")
SCHEMA = EncodedSchema(features=(ITEM, CATEGORY, TAGS, SEEN, KINDS, GAPS), embedding_rows=75)

EVENTS = np.array([2, 3, 4], np.int32)
LOG = EncodedHistory(
    EVENTS,
    np.array([0, 0, 1], np.int64),
    np.array([0, 1, 3], np.int64),
    times=EventTimes(np.array([10, 40, 100]), np.array([5, 11, 1124])),
)
SPLIT = EncodedSplit(
    labels=np.array([0, 1, 1], np.uint8),
    categorical=np.array([[2, 6], [3, 7], [4, 6]], np.int32),
    numeric=np.zeros((3, 0), np.float32),
    multicategorical={"tags": np.array([[9, 10], [9, 0], [0, 0]], np.int32)},
    histories={
        "seen": LOG,
        "kinds": replace(LOG, times=None, lookup=ItemLookup(1, np.array([5, 6, 7, 6], np.int32))),
    },
    users=None,
    row_ids=np.arange(3),
)
ALL = torch.arange(3)


def batch(schema: EncodedSchema = SCHEMA) -> Batch:
    return DeviceData(SPLIT, schema, "cpu").batch(ALL)


def test_a_history_through_another_maps_its_items() -> None:
    seen, kinds = batch().ids[:, 4:6], batch().ids[:, 6:8]
    assert seen.tolist() == [[0, 0], [2, 0], [4, 3]]
    assert kinds.tolist() == [[0, 0], [6, 0], [6, 7]]


def test_gaps_are_powers_of_two_of_the_time_since_each_event() -> None:
    gaps, no_gaps = batch().history_gaps
    assert no_gaps is None
    assert isinstance(gaps, Tensor)
    assert gaps.tolist() == [[0, 0], [11 + 1, 0], [11 + 11, 11 + 11]]


def test_row_windows_share_logs_times_and_item_tables() -> None:
    windowed, expected = WindowedRows(SPLIT, SCHEMA, RowOrdering("blocks", rows=3, block_rows=2)), batch()
    indices = windowed.sequential_batches(3)
    actual = windowed.batch(next(indices))
    assert torch.equal(actual.ids, expected.ids)
    gaps, expected_gaps = actual.history_gaps[0], expected.history_gaps[0]
    assert isinstance(gaps, Tensor)
    assert isinstance(expected_gaps, Tensor)
    assert torch.equal(gaps, expected_gaps)


def test_dropping_a_history_drops_its_gaps_and_moves_later_blocks_up() -> None:
    reduced = SCHEMA.without(("seen",))
    assert [feature.name for feature in reduced.features] == ["item", "category", "tags", "kinds"]
    assert reduced.embedding_rows == 75 - 64
    assert batch(reduced).ids[:, 4:].tolist() == [[0, 0], [6, 0], [6, 7]]
    moved = batch(SCHEMA.without(("tags",)))
    assert moved.history_gaps[0] is not None
    assert moved.history_gaps[0].max() == 11 + 11 - 3


@pytest.mark.parametrize(
    ("pooling", "expected"), [("mean", [2.0, 1.0, 0.0]), ("sum", [4.0, 1.0, 0.0]), ("max", [3.0, 1.0, 0.0])]
)
def test_several_ids_are_pooled_to_one_embedding(pooling: str, expected: list[float]) -> None:
    tags = TAGS.model_copy(update={"pooling": pooling})
    schema = SCHEMA.model_copy(update={"features": (ITEM, CATEGORY, tags)})
    embedding = FieldEmbedding(ModelInputs.from_schema(schema), 1, pool_histories=True)
    with torch.no_grad():
        embedding.table.weight.zero_()
        embedding.table.weight[9], embedding.table.weight[10] = 1.0, 3.0
    assert embedding(batch(schema)).fields[:, 2, 0].tolist() == expected


def test_the_embedding_of_an_event_includes_that_of_its_time_gap() -> None:
    embedding = FieldEmbedding(ModelInputs.from_schema(SCHEMA), 1, pool_histories=False)
    with torch.no_grad():
        embedding.table.weight.copy_(torch.arange(75.0)[:, None])
    events = embedding(batch()).histories[0][:, :, 0]
    assert events.tolist() == [[0, 0], [2 + 12, 0], [4 + 22, 3 + 22]]


def with_vectors(folder: Path, *, trained: bool) -> EncodedSchema:
    """Return a schema where items 1 and 2 of the block have vectors; the out-of-vocabulary id and item 3 have none."""
    vectors = np.full((4, 2), np.nan, np.float32)
    vectors[1:3] = [[1, 2], [3, 4]]
    np.save(folder / "vectors-0.npy", vectors)
    with_file = {"vectors": EncodedVectors(file="vectors-0.npy", width=2, trained=trained)}
    features = (ITEM.model_copy(update=with_file), CATEGORY, TAGS, SEEN.model_copy(update=with_file), KINDS, GAPS)
    (folder / "schema.json").write_text(SCHEMA.model_copy(update={"features": features}).to_json())
    return EncodedSchema.in_folder(folder, "schema.json")


def test_values_without_a_vector_are_embedded_by_their_table_row(tmp_path: Path) -> None:
    schema = with_vectors(tmp_path, trained=False)
    embedding = FieldEmbedding(ModelInputs.from_schema(schema), 1, pool_histories=False)
    (vectors,) = embedding.vectors.values()
    with torch.no_grad():
        embedding.table.weight.copy_(torch.arange(75.0)[:, None] * 100)
        embedding.table.weight[11:] = 0
        vectors.project.weight.copy_(torch.tensor([[1.0, 10.0]]))  # type: ignore[union-attr, operator]
    embedded = embedding(batch(schema))
    assert embedded.fields[:, 0, 0].tolist() == [21, 43, 400]
    assert embedded.histories[0][:, :, 0].tolist() == [[0, 0], [21, 0], [400, 43]]


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("architecture", MODULES)
def test_every_architecture_accepts_every_kind_of_input_and_trains_vectors_only_on_request(
    architecture: str, trained: bool, tmp_path: Path
) -> None:
    schema = with_vectors(tmp_path, trained=trained)
    embeds = "embedding_dim" in declaration(architecture).model_fields
    variant = Variant(name="m", architecture=architecture, parameters={"embedding_dim": 4} if embeds else {})
    model = build(variant, resolve_config(variant, {}), schema, PurposeSeeds.from_root(1))
    loss = model(batch(schema)).sum()
    loss.backward()
    trainable = [name for name, _ in model.named_parameters() if name.endswith(".vectors")]
    stored = [name for name in model.state_dict() if name.endswith(".vectors")]
    assert torch.isfinite(loss)
    assert trainable == stored
    assert bool(trainable) == (trained and architecture != "lr")
    for name in trainable:
        parameter = model.get_parameter(name)
        assert parameter[1:3].tolist() == [[1, 2], [3, 4]]
        assert parameter.grad is not None
