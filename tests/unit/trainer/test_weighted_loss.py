"""Weights of rows in the training loss: a row of weight 2 counts as two rows, in every kind of training."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from ctrlab_api.architectures import BUILTIN_ARCHITECTURES
from ctrlab_api.plan import Variant
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit, row_arrays, with_rows
from ctrlab_trainer.models import build
from ctrlab_trainer.training.batched_training import train_batched
from ctrlab_trainer.training.batches import DeviceData
from ctrlab_trainer.training.loop import TrainingResult, train
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.row_order import RowOrdering
from ctrlab_trainer.training.row_windows import WindowedRows
from ctrlab_trainer.training.training_run import Validator
from ctrlab_trainer.training.variant_config import resolve_config

MakeSplit = Callable[[int, int], EncodedSplit]
MakeVariant = Callable[..., Variant]
ROWS = 96

OVER_THE_BATCH = ("afn", "afn_plus", "din", "dmin")
"""Architectures that normalize values over the rows of a batch, where repeated rows count more."""
ARCHITECTURES = [declared.name for declared in BUILTIN_ARCHITECTURES if declared.name not in OVER_THE_BATCH]


@pytest.fixture
def fit_split(schema: EncodedSchema, make_split: MakeSplit) -> Callable[..., TrainingResult]:
    """Return a function that trains a variant on a split."""

    def fit(variant: Variant, split: EncodedSplit, valid: EncodedSplit | None = None) -> TrainingResult:
        return train(
            config=resolve_config(variant, {}),
            variant=variant,
            schema=schema,
            train=split,
            valid=valid or make_split(50, 2),
            seeds=PurposeSeeds.from_root(3),
            device="cpu",
            primary_metric="logloss",
            metrics=("logloss", "auc"),
        )

    return fit


def integer_weights(rows: int = ROWS) -> np.ndarray:
    """Return weights 0 to 3."""
    return np.arange(rows) % 4


def weighted(split: EncodedSplit, weights: np.ndarray) -> EncodedSplit:
    """Return the split with weights of mean 1."""
    return replace(split, weights=(weights / weights.mean()).astype(np.float32))


def repeated(split: EncodedSplit, times: np.ndarray) -> EncodedSplit:
    """Return the split with each row as often as its weight."""
    return with_rows(split, [np.repeat(array, times, axis=0) for array in row_arrays(split)])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_weights_in_one_step_equal_repeated_rows(
    architecture: str,
    small_variant: MakeVariant,
    make_split: MakeSplit,
    fit_split: Callable[..., TrainingResult],
) -> None:
    deep = {} if architecture in ("lr", "fm", "autoint") else {"dropout": "0"}
    variant = small_variant(
        architecture, batch_size=10_000, epochs=1, optimizer="sgd", learning_rate="0.5", embedding_init="0.1", **deep
    )
    split, weights = make_split(ROWS, 1), integer_weights()
    by_weight, by_rows = fit_split(variant, weighted(split, weights)), fit_split(variant, repeated(split, weights))
    assert by_weight.curve[0].train_loss == pytest.approx(by_rows.curve[0].train_loss, rel=1e-5)
    assert by_weight.state is not None
    assert by_rows.state is not None
    for name, tensor in by_rows.state.items():
        torch.testing.assert_close(by_weight.state[name], tensor, rtol=1e-3, atol=1e-5, msg=name)


def test_equal_weights_change_nothing(
    small_variant: MakeVariant, make_split: MakeSplit, fit_split: Callable[..., TrainingResult]
) -> None:
    variant, split = small_variant("deepfm"), make_split(ROWS, 1)
    plain, equal = fit_split(variant, split), fit_split(variant, weighted(split, np.full(ROWS, 7)))
    assert plain.state is not None
    assert equal.state is not None
    assert all(torch.equal(plain.state[name], equal.state[name]) for name in plain.state)


@pytest.mark.parametrize("architecture", ["lr", "din"])
def test_batched_seeds_weight_their_losses(
    architecture: str,
    small_variant: MakeVariant,
    schema: EncodedSchema,
    make_split: MakeSplit,
    fit_split: Callable[..., TrainingResult],
) -> None:
    variant = small_variant(architecture, embedding_init="0.1")
    split = weighted(make_split(ROWS, 1), integer_weights())
    (batched,) = train_batched(
        config=resolve_config(variant, {}),
        variant=variant,
        schema=schema,
        train=split,
        valid=make_split(50, 2),
        seeds=[PurposeSeeds.from_root(3)],
        device="cpu",
        primary_metric="logloss",
        metrics=("logloss", "auc"),
    )
    plain = fit_split(variant, split)
    assert plain.state is not None
    assert batched.state is not None
    assert batched.curve[0].train_loss == pytest.approx(plain.curve[0].train_loss, rel=1e-4)
    for name, tensor in plain.state.items():
        torch.testing.assert_close(batched.state[name], tensor, rtol=1e-3, atol=1e-4, msg=name)


def test_rows_in_windows_have_their_weights(schema: EncodedSchema, make_split: MakeSplit) -> None:
    split = weighted(make_split(500, 1), integer_weights(500))
    windows = WindowedRows(split, schema, RowOrdering("blocks", rows=500, block_rows=64))
    batches = [windows.batch(index).weights for index in windows.sequential_batches(100)]
    expected = DeviceData(split, schema, "cpu").weights
    assert expected is not None
    assert torch.equal(torch.cat([batch for batch in batches if batch is not None]), expected)


def test_validation_metrics_are_weighted_where_validation_has_weights(
    schema: EncodedSchema, make_split: MakeSplit, small_variant: MakeVariant
) -> None:
    variant, valid, weights = small_variant("lr"), make_split(ROWS, 2), integer_weights()
    scores = np.random.default_rng(1).random(ROWS).astype(np.float32)
    by_weight = Validator(weighted(valid, weights), schema, "cpu", "auc", ("auc", "logloss"))
    by_rows = Validator(repeated(valid, weights), schema, "cpu", "auc", ("auc", "logloss"))
    assert build(variant, resolve_config(variant, {}), schema, PurposeSeeds.from_root(1), "cpu")
    computed = by_weight.compute(torch.from_numpy(scores), scores)
    expected_scores = np.repeat(scores, weights)
    assert computed == pytest.approx(by_rows.compute(torch.from_numpy(expected_scores), expected_scores))
