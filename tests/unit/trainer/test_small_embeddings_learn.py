"""Deep models can learn from embeddings near zero, where initial values and a strong penalty keep them.

A product of embeddings has no gradient there: a model without other inputs stays, for some seeds, a linear model.
"""

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional as F

from ctrlab_api.plan import Variant
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.models import build, tables
from ctrlab_trainer.training.batches import DeviceData
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.variant_config import resolve_config

MakeVariant = Callable[..., Variant]
MakeSplit = Callable[[int, int], EncodedSplit]


def gradient_of_users(variant: Variant, schema: EncodedSchema, rows: EncodedSplit) -> torch.Tensor:
    """Return the [50, D] gradient of the users' embeddings at 0."""
    model = build(variant, resolve_config(variant, {}), schema, PurposeSeeds.from_root(7)).train()
    table = max(tables(model), key=lambda table: table.shape[1])
    with torch.no_grad():
        table.zero_()
        for name, parameter in model.named_parameters():
            if parameter.ndim == 1 and "bias" in name:
                # So that every unit of an MLP is active although all its inputs are zero.
                parameter.fill_(0.1)
    batch = DeviceData(rows, schema, "cpu").batch(torch.arange(len(rows.labels)))
    F.binary_cross_entropy_with_logits(model(batch), batch.labels).backward()  # type: ignore[no-untyped-call]
    assert table.grad is not None
    users = schema.features[0]
    return table.grad[users.offset : users.offset + users.size]


@pytest.mark.parametrize("architecture", ["deepfm", "xdeepfm", "dcnv2", "din", "dien", "bst", "sin"])
def test_every_user_of_a_deep_model_gets_a_gradient_at_zero(
    architecture: str, schema: EncodedSchema, make_split: MakeSplit, small_variant: MakeVariant
) -> None:
    gradient = gradient_of_users(small_variant(architecture, dropout=0), schema, make_split(500, 1))
    assert bool((gradient.abs().sum(dim=1) > 0).all())


def test_products_without_fields_have_no_gradient_at_zero(
    schema: EncodedSchema, make_split: MakeSplit, small_variant: MakeVariant
) -> None:
    gradient = gradient_of_users(small_variant("sin", remove=("fields",)), schema, make_split(500, 1))
    assert not gradient.any()
