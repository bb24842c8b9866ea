"""Above a size that the specification sets, a step changes only the rows of its batch."""

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
NEVER_DRAWN = [4, 5, 6, 8, 9]


class Small(nn.Module):
    def __init__(self, row_wise: bool) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.table = Table(10, 4, {"item": range(1, 10)})
        self.table.row_wise = row_wise
        self.linear = nn.Linear(4, 1)
        with torch.no_grad():
            self.table.weight[1:].normal_()


def trained(row_wise: bool, **settings: float | str) -> Small:
    model = Small(row_wise)
    optimizer = ModelOptimizer(model, FM.model_validate({"embedding_l2": 0, "learning_rate": 0.1, **settings}))
    for batch in BATCHES:
        optimizer.zero_grad()
        model.linear(model.table(torch.tensor(batch))).square().mean().backward()
        optimizer.step()
    return model


@pytest.mark.parametrize("clip_norm", [1e6, 0.01])
@pytest.mark.parametrize("optimizer", ["sgd", "adagrad"])
def test_rules_without_momentum_are_the_same_by_rows(optimizer: str, clip_norm: float) -> None:
    by_rows, densely = (trained(way, optimizer=optimizer, clip_norm=clip_norm) for way in (True, False))
    for ours, reference in zip(by_rows.parameters(), densely.parameters(), strict=True):
        torch.testing.assert_close(ours, reference)


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_adam_is_lazy_by_rows(optimizer: str) -> None:
    before, by_rows, densely = Small(True), trained(True, optimizer=optimizer), trained(False, optimizer=optimizer)
    # Row 2 is in the first batch and the last: its moments have decayed twice in one way and once in the other.
    assert not torch.allclose(by_rows.table.weight[2], densely.table.weight[2])
    assert torch.equal(by_rows.table.weight[NEVER_DRAWN], before.table.weight[NEVER_DRAWN])
    torch.testing.assert_close(by_rows.linear.weight.sign(), densely.linear.weight.sign())


def test_the_penalty_falls_on_drawn_rows_and_padding_stays_zero() -> None:
    before, model = Small(True), trained(True, optimizer="sgd", embedding_l2=0.5)
    assert torch.equal(model.table.weight[NEVER_DRAWN], before.table.weight[NEVER_DRAWN])
    assert not torch.allclose(model.table.weight[7], trained(True, optimizer="sgd").table.weight[7])
    assert not model.table.weight[PADDING].any()


@pytest.mark.parametrize(
    ("above", "tables"), [(99, ("embedding.table.weight", "linear.table.weight")), (100, ()), (0, ())]
)
def test_tables_with_more_rows_than_the_specification_sets_move_by_rows(
    above: int, tables: tuple[str, ...], fit: Fit, small_variant: MakeVariant
) -> None:
    result = fit(small_variant("deepfm", sparse_embeddings_above=above, embedding_init="0.1"))
    assert sorted(result.row_wise_tables) == list(tables)
    assert result.best_value is not None


def test_several_seeds_at_once_refuse_it(
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
