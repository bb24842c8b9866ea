"""A training learns, stops early, returns divergence as a result, and is reproducible in every bit."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from ctrlab_api.architectures import ARCHITECTURES
from ctrlab_api.plan import Variant
from ctrlab_api.records import EpochRecord
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.training.early_stopping import EarlyStopping
from ctrlab_trainer.training.loop import TrainingResult, TrainingStopped

Fit = Callable[..., TrainingResult]
MakeVariant = Callable[..., Variant]
MakeSplit = Callable[[int, int], EncodedSplit]


class Learned(Exception):
    """Raised to end a training that has reached its goal."""


@pytest.mark.parametrize("architecture", [name for name in ARCHITECTURES if name != "lr"])
def test_every_architecture_learns_a_planted_interaction(
    architecture: str, fit: Fit, small_variant: MakeVariant, make_split: MakeSplit
) -> None:
    def on_epoch(record: EpochRecord) -> None:
        if (record.valid["auc"] or 0) > 0.98:
            raise Learned

    variant = small_variant(
        architecture, epochs=60, patience=60, learning_rate="0.02", embedding_init="0.1", schedule="constant"
    )
    split = make_split(300, 1)
    with pytest.raises(Learned):
        fit(variant, train=split, valid=split, on_epoch=on_epoch)


def test_a_model_without_information_predicts_the_base_rate(
    fit: Fit, small_variant: MakeVariant, make_split: MakeSplit
) -> None:
    split = make_split(600, 1)
    constant = replace(split, categorical=np.tile(np.array([[1, 51]], np.int32), (600, 1)))
    variant = small_variant(
        "lr",
        drop_features=("age", "genres", "seen"),
        epochs=200,
        patience=200,
        learning_rate="0.05",
        schedule="constant",
    )
    result = fit(variant, train=constant, valid=constant, primary_metric="logloss")
    assert result.valid_scores is not None
    assert np.ptp(result.valid_scores) == 0
    assert result.valid_scores[0] == pytest.approx(split.labels.mean(), abs=0.01)


@pytest.mark.parametrize("architecture", ["deepfm", "sin", "din"])
def test_equal_arguments_give_equal_bits_unlike_another_seed(
    architecture: str, fit: Fit, small_variant: MakeVariant
) -> None:
    variant = small_variant(architecture, dropout="0.3")
    first, repeated, other = fit(variant), fit(variant), fit(variant, seed=2)
    assert first.state is not None
    assert repeated.state is not None
    assert all(torch.equal(first.state[name], repeated.state[name]) for name in first.state)
    assert np.array_equal(first.valid_scores, repeated.valid_scores)  # type: ignore[arg-type]
    assert not np.array_equal(first.valid_scores, other.valid_scores)  # type: ignore[arg-type]


def test_divergence_is_returned_with_the_curve(fit: Fit, small_variant: MakeVariant) -> None:
    variant = small_variant(
        "dcnv2",
        learning_rate="1",
        optimizer="sgd",
        clip_norm="1e6",
        embedding_init="1",
        cross_layers=8,
        embedding_dim=64,
    )
    result = fit(variant)
    assert result.divergence is not None
    assert "not finite in epoch" in result.divergence
    assert result.curve[-1].valid == {"auc": None, "logloss": None}


def test_a_run_without_a_finite_epoch_has_no_model(fit: Fit, small_variant: MakeVariant, make_split: MakeSplit) -> None:
    split = make_split(600, 1)
    result = fit(small_variant("lr"), train=replace(split, numeric=np.full((600, 1), np.inf, np.float32)))
    assert result.divergence == "the training loss not finite in epoch 1"
    assert (result.best_epoch, result.state, result.valid_scores) == (None, None, None)
    assert result.metrics_valid == {"auc": None, "logloss": None}


def test_training_stops_after_patience_and_keeps_the_best_epoch(fit: Fit, small_variant: MakeVariant) -> None:
    result = fit(small_variant("deepfm", epochs=50, patience=3, learning_rate="0.05"))
    assert result.best_epoch is not None
    assert len(result.curve) == result.best_epoch + 3
    assert result.best_value == result.curve[result.best_epoch - 1].valid["auc"] == result.metrics_valid["auc"]


def test_exceptions_of_on_epoch_propagate(fit: Fit, small_variant: MakeVariant) -> None:
    class Pruned(Exception):
        pass

    seen: list[int] = []

    def on_epoch(record: EpochRecord) -> None:
        seen.append(record.epoch)
        if record.epoch == 2:
            raise Pruned

    with pytest.raises(Pruned):
        fit(small_variant("fm", epochs=5), on_epoch=on_epoch)
    assert seen == [1, 2]


def test_a_training_stops_on_request(fit: Fit, small_variant: MakeVariant) -> None:
    with pytest.raises(TrainingStopped):
        fit(small_variant("fm"), stop=lambda: True)


def test_a_metric_without_direction_cannot_be_primary(fit: Fit, small_variant: MakeVariant) -> None:
    with pytest.raises(ValueError, match="pcoc has no direction"):
        fit(small_variant("fm"), primary_metric="pcoc", metrics=("pcoc",))


def test_a_batch_may_be_larger_than_the_data(fit: Fit, small_variant: MakeVariant) -> None:
    assert fit(small_variant("fm", batch_size=100_000)).best_epoch is not None


@pytest.mark.parametrize(
    ("direction", "values", "best"),
    [
        ("maximize", [0.5, 0.7, 0.7, 0.6], 2),
        ("minimize", [0.5, 0.4, 0.45], 2),
        ("maximize", [None, 0.5], 2),
        ("maximize", [0.5, 0.5 + 1e-7], 1),
    ],
)
def test_the_best_epoch_is_the_first_of_the_highest_value(
    direction: str, values: list[float | None], best: int
) -> None:
    stopping = EarlyStopping(direction, patience=9)  # type: ignore[arg-type]
    for epoch, value in enumerate(values, start=1):
        stopping.improves(epoch, value)
    assert stopping.best_epoch == best
