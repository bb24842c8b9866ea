"""Padding is zero, gets no gradient and changes no output; rows without history are valid rows."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from ctrlab_api.architectures import ARCHITECTURES
from ctrlab_api.plan import Variant
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.models import build, tables
from ctrlab_trainer.training.batches import Batch, DeviceData
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.variant_config import resolve_config

MakeVariant = Callable[..., Variant]
MakeSplit = Callable[[int, int], EncodedSplit]

VARIANTS: dict[str, tuple[str, dict[str, int | str]]] = {
    **{name: (name, {}) for name in ARCHITECTURES},
    "bst two layers, concatenated": ("bst", {"transformer_layers": 2, "position": "concat"}),
    "bst mean": ("bst", {"sequence_pooling": "mean"}),
    "bst concat": ("bst", {"sequence_pooling": "concat"}),
    "din softmax": ("din", {"attention_softmax": "true"}),
    "masknet serial": ("masknet", {"structure": "serial"}),
    "fibinet one matrix": ("fibinet", {"bilinear": "all"}),
}


def model_of(
    name: str, schema: EncodedSchema, small_variant: MakeVariant, remove: tuple[str, ...] = ()
) -> torch.nn.Module:
    architecture, parameters = VARIANTS[name]
    variant = small_variant(architecture, remove=remove, embedding_init="0.5", **parameters)
    return build(variant, resolve_config(variant, {}), schema, PurposeSeeds.from_root(5))


def with_padding(batch: Batch, columns: int) -> Batch:
    return replace(
        batch,
        ids=F.pad(batch.ids, (0, columns)),
        history_widths=(batch.history_widths[0] + columns,),
    )


@pytest.mark.parametrize("name", VARIANTS)
def test_additional_padding_does_not_change_scores(
    name: str, schema: EncodedSchema, make_split: MakeSplit, small_variant: MakeVariant
) -> None:
    split = make_split(40, 3)
    history = split.histories["seen"]
    lengths = torch.from_numpy(history.end - history.start)
    short = torch.nonzero(lengths < 4).squeeze(1)
    batch = DeviceData(split, schema, "cpu").batch(short)
    assert batch.history_widths[0] < 5
    model = model_of(name, schema, small_variant).eval()
    torch.testing.assert_close(model(batch), model(with_padding(batch, 5 - batch.history_widths[0])))


@pytest.mark.parametrize(
    ("name", "remove"),
    [(name, ()) for name in VARIANTS if name.startswith(("bst", "sin", "din", "dien", "dmin"))]
    + [(name, ("target",)) for name in VARIANTS if name.startswith(("bst", "sin"))],
)
def test_rows_without_history_give_finite_scores_and_gradients(
    name: str, remove: tuple[str, ...], schema: EncodedSchema, make_split: MakeSplit, small_variant: MakeVariant
) -> None:
    split = make_split(40, 3)
    history = split.histories["seen"]
    empty = replace(split, histories={"seen": replace(history, start=history.end)})
    model = model_of(name, schema, small_variant, remove)
    scores = model(DeviceData(empty, schema, "cpu").batch(torch.arange(40)))
    scores.sum().backward()
    assert torch.isfinite(scores).all()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("name", VARIANTS)
def test_the_padding_row_is_zero_and_gets_no_gradient(
    name: str, schema: EncodedSchema, make_split: MakeSplit, small_variant: MakeVariant
) -> None:
    model = model_of(name, schema, small_variant)
    batch = DeviceData(make_split(40, 3), schema, "cpu").batch(torch.arange(40))
    assert (batch.ids == 0).any()
    model(batch).square().sum().backward()
    for table in tables(model):
        assert table.grad is not None
        assert not table[0].any()
        assert not table.grad[0].any()
        assert table.grad.any()
