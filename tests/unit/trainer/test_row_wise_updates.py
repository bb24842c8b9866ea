"""A step updates only the rows of its batch in tables above the size that the specification sets."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from ctrlab_api.architectures.factorization_models import FM
from ctrlab_api.errors import InvalidSpec
from ctrlab_api.plan import Variant
from ctrlab_trainer.data.prepared.encoded_schema import PADDING, EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.models.components.embedding_tables import Table
from ctrlab_trainer.training.batched_training import train_batched
from ctrlab_trainer.training.loop import TrainingResult
from ctrlab_trainer.training.optimizer import ModelOptimizer
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.variant_config import resolve_config

Fit = Callable[..., TrainingResult]
MakeVariant = Callable[..., Variant]
MakeSplit = Callable[[int, int], EncodedSplit]
BATCHES = ([1, 2, 2, 0, 7], [7, 3, 1, 1, 0], [2, 2, 2, 2, 2])
ROWS_IN_NO_BATCH = [4, 5, 6, 8, 9]


class Small(nn.Module):
    def __init__(self, row_wise: bool) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.table = Table(10, 4, {"item": range(1, 10)})
        self.table.row_wise = row_wise
        self.linear = nn.Linear(4, 1)
        with torch.no_grad():
            self.table.weight[1:].normal_()


def train_small(row_wise: bool, **settings: float | str) -> Small:
    model = Small(row_wise)
    optimizer = ModelOptimizer(model, FM.model_validate({"embedding_l2": 0, "learning_rate": 0.1, **settings}))
    for batch in BATCHES:
        optimizer.zero_grad()
        model.linear(model.table(torch.tensor(batch))).square().mean().backward()
        optimizer.step()
    return model


@pytest.mark.parametrize("clip_norm", [1e6, 0.01])
@pytest.mark.parametrize("optimizer", ["sgd", "adagrad"])
def test_row_wise_rules_without_momentum_equal_dense_ones(optimizer: str, clip_norm: float) -> None:
    row_wise, dense = (train_small(mode, optimizer=optimizer, clip_norm=clip_norm) for mode in (True, False))
    for ours, reference in zip(row_wise.parameters(), dense.parameters(), strict=True):
        torch.testing.assert_close(ours, reference)


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_row_wise_adam_is_lazy(optimizer: str) -> None:
    before, row_wise, dense = (
        Small(True),
        train_small(True, optimizer=optimizer),
        train_small(False, optimizer=optimizer),
    )
    # Row 2 is in the first and the last batch: its moments have decayed twice in dense Adam and once in lazy Adam.
    assert not torch.allclose(row_wise.table.weight[2], dense.table.weight[2])
    assert torch.equal(row_wise.table.weight[ROWS_IN_NO_BATCH], before.table.weight[ROWS_IN_NO_BATCH])
    torch.testing.assert_close(row_wise.linear.weight.sign(), dense.linear.weight.sign())


def test_the_penalty_applies_to_rows_of_the_batch_and_padding_stays_zero() -> None:
    before, model = Small(True), train_small(True, optimizer="sgd", embedding_l2=0.5)
    assert torch.equal(model.table.weight[ROWS_IN_NO_BATCH], before.table.weight[ROWS_IN_NO_BATCH])
    assert not torch.allclose(model.table.weight[7], train_small(True, optimizer="sgd").table.weight[7])
    assert not model.table.weight[PADDING].any()


@pytest.mark.parametrize(
    ("above", "tables"), [(99, ("embedding.table.weight", "linear.table.weight")), (100, ()), (0, ())]
)
def test_tables_above_the_specified_size_are_updated_row_wise(
    above: int, tables: tuple[str, ...], fit: Fit, small_variant: MakeVariant
) -> None:
    result = fit(small_variant("deepfm", sparse_embeddings_above=above, embedding_init="0.1"))
    assert sorted(result.row_wise_tables) == list(tables)
    assert result.best_value is not None


def test_several_seeds_at_once_are_rejected(
    small_variant: MakeVariant, schema: EncodedSchema, make_split: MakeSplit
) -> None:
    variant = small_variant("fm", sparse_embeddings_above=1)
    with pytest.raises(InvalidSpec, match="by rows: use 1, or raise sparse_embeddings_above"):
        train_batched(
            config=resolve_config(variant, {}),
            variant=variant,
            schema=schema,
            train=make_split(100, 1),
            valid=make_split(50, 2),
            seeds=[PurposeSeeds.from_root(1), PurposeSeeds.from_root(2)],
            device="cpu",
            primary_metric="auc",
            metrics=("auc",),
        )
