"""Vector features: forms, scaling, missing vectors, and what is rejected; and their projection in models."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from builders import csv_source, make_dataset

from ctrlab_api.architectures import declaration
from ctrlab_api.errors import InvalidData
from ctrlab_api.plan import Variant
from ctrlab_trainer.data.inspection.dataset_inspection import describe
from ctrlab_trainer.data.preparation.dataset_encoding import encode_dataset
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.readers.source_tables import SourceTable
from ctrlab_trainer.models import MODULES, build
from ctrlab_trainer.models.components.embedding_tables import FieldEmbedding, LinearTerm
from ctrlab_trainer.models.components.model_inputs import ModelInputs
from ctrlab_trainer.training.batches import DeviceData
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.row_order import RowOrdering
from ctrlab_trainer.training.row_windows import WindowedRows
from ctrlab_trainer.training.variant_config import resolve_config

SPLIT = {"strategy": "Predefined", "column": "split"}
VECTORS = [[1.0, 10.0], [3.0, 10.0], [5.0, 30.0], None, [1.0, 20.0], [3.0, 10.0]]


def source(values: Any, **columns: Any) -> SourceTable:
    rows = {"split": ["train", "train", "valid", "valid", "test", "test"], "click": [0, 1] * 3, "image": values}
    return SourceTable(pa.table({**rows, **columns}), (("rows.csv", 6),))


def encoded(
    values: Any, *others: dict[str, Any], columns: Any = None, width: int = 2, folder: Path | None = None, **fields: Any
) -> EncodedDataset:
    feature = {"name": "image", "type": "Vector", "width": width, **fields}
    dataset = make_dataset(source=csv_source(), features=[*others, feature], split=SPLIT)
    return encode_dataset(source(values, **(columns or {})), dataset, folder)


def rows_of(data: EncodedDataset) -> list[list[float]]:
    return [row for split in data.splits for row in split.vectors["image"].tolist()]


FORMS: dict[str, tuple[Any, dict[str, Any]]] = {
    "lists": (pa.array(VECTORS, pa.list_(pa.float32())), {}),
    "large lists of integers": (pa.array(VECTORS, pa.large_list(pa.int16())), {}),
    "lists of fixed size": (pa.array(VECTORS, pa.list_(pa.float64(), 2)), {}),
    "text": (["1.0 10", "3  10.0 ", "5 3e1", "", "1 20", "3 10"], {}),
    "text with a separator": (["1.0|10", "3|10.0", "5 | 3e1", "NULL", "1|20", "3|10"], {"separator": "|"}),
    "lists in text": (["[1.0, 10]", "[3,10.0]", "[5, 3e1]", "[]", "[1, 20]", "[3, 10]"], {}),
    "arrays of numpy": (["[1. 10.]", "[ 3. 10.]", "[5. 30.]", "nan", "[1. 20.]", "[3. 10.]"], {}),
}


@pytest.mark.parametrize("form", FORMS)
def test_vectors_are_standardized_by_train_and_a_missing_one_is_the_mean(form: str) -> None:
    values, fields = FORMS[form]
    assert rows_of(encoded(values, **fields)) == [[-1, 0], [1, 0], [3, 20], [0, 0], [-1, 10], [1, 0]]


def test_vectors_as_they_are() -> None:
    data = encoded(VECTORS, transform="AsIs")
    assert rows_of(data) == [[1, 10], [3, 10], [5, 30], [2, 10], [1, 20], [3, 10]]
    assert data.fitted["image"] == {"missing": [2.0, 10.0]}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[1, 2], [1, 2, 3], [1, 2], [1, 2], [1, 2], [1, 2]], "row 2, column image: has 3 numbers, .*set width: 3"),
        ([[1.0, 2], [1, 2], [None, 2], [1, 2], [1, 2], [1, 2]], "row 3, column image: found None in a vector"),
        ([[1.0, 2], [1, float("nan")], [1, 2], [1, 2], [1, 2], [1, 2]], "row 2, .*: found nan in a vector"),
        (["1 2", "1 x", "1 2", "1 2", "1 2", "1 2"], "row 2, column image: found 'x' in a vector; allowed are finite"),
        (["1 2", "1 2", "1,2", "1 2", "1 2", "1 2"], "row 3, column image: has 1 numbers"),
        ([[], [], [1.0, 2], [1, 2], [1, 2], [1, 2]], "feature image: has no vector in any train row"),
        ([1.0, 2.0, 1, 2, 3, 4], "row 1, column image: has 1 numbers, and feature image has width 2"),
        (["[1, 2", "1 2", "1 2", "1 2", "1 2", "1 2"], "row 1, column image: .*has no"),
    ],
)  # fmt: skip
def test_values_that_are_no_vector_of_this_width_are_rejected_with_their_row(values: Any, message: str) -> None:
    with pytest.raises(InvalidData, match=message):
        encoded(values)


def test_a_vector_is_projected_to_a_field_and_has_weights_in_the_linear_term() -> None:
    data = encoded(VECTORS, {"name": "item", "type": "Categorical"}, columns={"item": list("abcabc")})
    inputs = ModelInputs.from_schema(data.schema)
    batch = DeviceData(data.splits[0], data.schema, "cpu").batch(torch.arange(2))
    embedding, linear = FieldEmbedding(inputs, 1, pool_histories=True), LinearTerm(inputs)
    with torch.no_grad():
        embedding.projections["of_image"].weight.copy_(torch.tensor([[2.0, 5.0]]))  # type: ignore[operator]
        embedding.projections["of_image"].bias.zero_()  # type: ignore[operator]
        linear.weights["of_image"].copy_(torch.tensor([3.0, 7.0]))
    assert inputs.fields == 2
    assert embedding(batch).fields[:, 1, 0].tolist() == [-2, 2]
    assert linear(batch).tolist() == [-3, 3]


@pytest.mark.parametrize("architecture", MODULES)
def test_every_architecture_trains_on_vectors(architecture: str) -> None:
    item = {"name": "item", "type": "Categorical"}
    past = {"name": "past", "type": "History", "of": "item", "stored": {"column": "item"}}
    data = encoded(VECTORS, item, past, columns={"item": list("abcabc")})
    embeds = "embedding_dim" in declaration(architecture).model_fields
    variant = Variant(name="m", architecture=architecture, parameters={"embedding_dim": 4} if embeds else {})
    model = build(variant, resolve_config(variant, {}), data.schema, PurposeSeeds.from_root(1))
    loss = model(DeviceData(data.splits[0], data.schema, "cpu").batch(torch.arange(2))).sum()
    loss.backward()
    assert torch.isfinite(loss)
    of_image = [parameter for name, parameter in model.named_parameters() if "of_image" in name]
    assert of_image
    assert all(parameter.grad is not None for parameter in of_image)


def test_a_model_may_have_vectors_alone() -> None:
    data = encoded(VECTORS)
    for architecture in ("lr", "dnn"):
        variant = Variant(name="m", architecture=architecture, parameters={})
        model = build(variant, resolve_config(variant, {}), data.schema, PurposeSeeds.from_root(1))
        assert model(DeviceData(data.splits[0], data.schema, "cpu").batch(torch.arange(2))).shape == (2,)


def test_windows_and_dropped_vectors(tmp_path: Path) -> None:
    other = {"name": "item", "type": "Categorical"}
    data = encoded(VECTORS, other, columns={"item": list("abcabc")}, folder=tmp_path)
    train = data.splits[0]
    expected = DeviceData(train, data.schema, "cpu").batch(torch.arange(2))
    windowed = WindowedRows(train, data.schema, RowOrdering("blocks", rows=2, block_rows=1))
    (batch,) = [windowed.batch(index) for index in windowed.sequential_batches(2)]
    assert torch.equal(batch.vectors[0], expected.vectors[0])
    assert DeviceData(train, data.schema.without(("image",)), "cpu").batch(torch.arange(2)).vectors == ()


def test_inspection_counts_distinct_and_missing_vectors() -> None:
    feature = {"name": "image", "type": "Vector", "width": 2}
    dataset = make_dataset(source=csv_source(), features=[feature], split=SPLIT)
    table = source(VECTORS)
    (statistics,) = describe(table, dataset, encode_dataset(table, dataset), "data").features
    assert statistics.distinct == 4
    assert statistics.missing == pytest.approx(1 / 6)


def test_numbers_are_read_to_the_last_bit() -> None:
    values = np.random.default_rng(1).normal(size=(6, 3))
    texts = [" ".join(map(repr, row)) for row in values.tolist()]
    assert rows_of(encoded(texts, width=3)) == rows_of(encoded(values.tolist(), width=3))
