"""Seeds trained in one batch give the same models as plain training, up to the rounding of sums."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from ctrlab_api.architectures import BUILTIN_ARCHITECTURES
from ctrlab_api.errors import InvalidSpec
from ctrlab_api.names import ExitCode
from ctrlab_api.plan import Variant
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.models.fm import FM
from ctrlab_trainer.process import memory_limits
from ctrlab_trainer.process.failures import classify
from ctrlab_trainer.training.batched_training import train_batched
from ctrlab_trainer.training.batches import Batch
from ctrlab_trainer.training.loop import TrainingResult, TrainingStopped
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.row_order import split_bytes
from ctrlab_trainer.training.variant_config import resolve_config

CANCELLED_PARAMETERS = (
    frozenset(
        prefix + name
        for prefix in ("", "afn.")
        for name in ("products.exponents.bias", "products.norm_logarithms.bias", "products.norm_products.running_mean")
    )
    | {
        "interests.0.attentions.0.key.bias",
        "interests.0.attentions.1.key.bias",
        "interests.0.refiner.attention.key.bias",
    }
    | {f"interests.0.pooling.{index}.score.bias" for index in (0, 1)}
)
"""Parameters that a following normalization or softmax cancels: their gradients are only rounding errors."""

Fit = Callable[..., TrainingResult]
MakeVariant = Callable[..., Variant]
MakeSplit = Callable[[int, int], EncodedSplit]


def train_seeds(
    variant: Variant, seeds: tuple[int, ...], schema: EncodedSchema, make_split: MakeSplit, **overrides: object
) -> tuple[TrainingResult, ...]:
    return train_batched(
        config=resolve_config(variant, {}),
        variant=variant,
        schema=schema,
        train=make_split(600, 1),
        valid=make_split(200, 2),
        seeds=[PurposeSeeds.from_root(seed) for seed in seeds],
        device="cpu",
        primary_metric="auc",
        metrics=("auc", "logloss"),
        **overrides,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("architecture", [declared.name for declared in BUILTIN_ARCHITECTURES])
def test_each_seed_matches_the_plain_mode(
    architecture: str, fit: Fit, small_variant: MakeVariant, schema: EncodedSchema, make_split: MakeSplit
) -> None:
    deep = {} if architecture in ("lr", "fm", "autoint") else {"dropout": "0.25"}
    variant = small_variant(architecture, batch_size=128, epochs=2, embedding_init="0.1", **deep)
    results = train_seeds(variant, (1, 2, 3), schema, make_split)
    for seed, batched in zip((1, 2, 3), results, strict=True):
        plain = fit(variant, seed=seed)
        assert plain.state is not None
        assert batched.state is not None
        assert batched.state.keys() == plain.state.keys()
        for name, tensor in plain.state.items():
            if name not in CANCELLED_PARAMETERS:
                torch.testing.assert_close(batched.state[name], tensor, rtol=1e-3, atol=1e-4, msg=name)
        assert plain.valid_scores is not None
        assert batched.valid_scores is not None
        # AFN's logarithms and powers amplify rounding errors.
        tolerance = 1e-3 if architecture in ("afn", "afn_plus") else 1e-4
        np.testing.assert_allclose(batched.valid_scores, plain.valid_scores, atol=tolerance)
        assert batched.parameters == plain.parameters


@pytest.mark.parametrize("architecture", ["deepfm", "din"])
def test_batch_normalization_is_separate_for_each_seed(
    architecture: str, fit: Fit, small_variant: MakeVariant, schema: EncodedSchema, make_split: MakeSplit
) -> None:
    # Adam would turn the rounding errors of a bias that the normalization cancels into full steps.
    variant = small_variant(
        architecture,
        batch_size=128,
        batch_norm="true",
        dropout="0.25",
        embedding_init="0.1",
        optimizer="sgd",
        learning_rate="0.1",
    )
    for seed, batched in zip((1, 2), train_seeds(variant, (1, 2), schema, make_split), strict=True):
        plain = fit(variant, seed=seed)
        assert plain.valid_scores is not None
        assert batched.valid_scores is not None
        np.testing.assert_allclose(batched.valid_scores, plain.valid_scores, atol=1e-4)


def test_each_seed_stops_separately_with_its_own_learning_rate(
    fit: Fit, small_variant: MakeVariant, schema: EncodedSchema, make_split: MakeSplit
) -> None:
    variant = small_variant("deepfm", epochs=30, patience=2, learning_rate="0.02", dropout="0.2")
    seeds = (1, 2, 3, 4)
    results = train_seeds(variant, seeds, schema, make_split)
    lengths = [len(result.curve) for result in results]
    assert len(set(lengths)) > 1
    for seed, batched in zip(seeds, results, strict=True):
        plain = fit(variant, seed=seed)
        assert batched.best_epoch == plain.best_epoch
        assert [epoch.learning_rate for epoch in batched.curve] == [epoch.learning_rate for epoch in plain.curve]


def test_a_diverging_seed_does_not_affect_the_others(
    fit: Fit, small_variant: MakeVariant, schema: EncodedSchema, make_split: MakeSplit
) -> None:
    variant = small_variant(
        "dcnv2", learning_rate="1", optimizer="sgd", clip_norm="1e6", embedding_init="1", cross_layers=4, epochs=4
    )
    seeds = tuple(range(1, 9))
    results = train_seeds(variant, seeds, schema, make_split)
    diverged = [result.divergence is not None for result in results]
    assert any(diverged)
    for seed, batched in zip(seeds, results, strict=True):
        assert (batched.divergence is None) == (fit(variant, seed=seed).divergence is None)
        if batched.divergence is None:
            assert len(batched.curve) >= 3


def test_batched_seeds_stop_on_request(
    small_variant: MakeVariant, schema: EncodedSchema, make_split: MakeSplit
) -> None:
    with pytest.raises(TrainingStopped):
        train_seeds(small_variant("fm"), (1, 2), schema, make_split, stop=lambda: True)


def test_a_model_that_reads_values_is_rejected_before_training(
    small_variant: MakeVariant, schema: EncodedSchema, make_split: MakeSplit, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = FM.forward

    def reading(self: FM, batch: Batch) -> torch.Tensor:
        logits = forward(self, batch)
        return logits * float(logits.sum() > 0)

    monkeypatch.setattr(FM, "forward", reading)
    with pytest.raises(
        InvalidSpec, match=r"spec\.evaluation\.seedsPerPod: FM computes something that cannot be"
    ) as raised:
        train_seeds(small_variant("fm"), (1, 2), schema, make_split)
    assert classify(raised.value)[0] == ExitCode.BAD_SPEC_OR_DATA
    assert "\n" not in str(raised.value)


def test_rows_that_exceed_the_memory_are_rejected_for_several_seeds(
    small_variant: MakeVariant, schema: EncodedSchema, make_split: MakeSplit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_limits, "total_bytes", lambda: split_bytes(make_split(600, 1)) - 1)
    with pytest.raises(InvalidSpec, match=r"spec\.evaluation\.seedsPerPod: several seeds at once keep all rows in"):
        train_seeds(small_variant("fm"), (1, 2), schema, make_split)
