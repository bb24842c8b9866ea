"""Seeds that are trained in one batch become what they become alone, up to the rounding of sums."""

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

WITHOUT_EFFECT = (
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
    | {f"interests.0.pooling.{place}.score.bias" for place in (0, 1)}
)
"""Parameters that a normalisation or a softmax behind them cancels: their gradients are rounding errors alone."""

Fit = Callable[..., TrainingResult]
MakeVariant = Callable[..., Variant]
MakeSplit = Callable[[int, int], EncodedSplit]


def batched(
    variant: Variant, seeds: tuple[int, ...], schema: EncodedSchema, make_split: MakeSplit, **others: object
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
        **others,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("architecture", [declared.name for declared in BUILTIN_ARCHITECTURES])
def test_each_seed_agrees_with_the_plain_mode(
    architecture: str, fit: Fit, small_variant: MakeVariant, schema: EncodedSchema, make_split: MakeSplit
) -> None:
    deep = {} if architecture in ("lr", "fm", "autoint") else {"dropout": "0.25"}
    variant = small_variant(architecture, batch_size=128, epochs=2, embedding_init="0.1", **deep)
    together = batched(variant, (1, 2, 3), schema, make_split)
    for seed, found in zip((1, 2, 3), together, strict=True):
        alone = fit(variant, seed=seed)
        assert alone.state is not None
        assert found.state is not None
        assert found.state.keys() == alone.state.keys()
        for name, tensor in alone.state.items():
            if name not in WITHOUT_EFFECT:
                torch.testing.assert_close(found.state[name], tensor, rtol=1e-3, atol=1e-4, msg=name)
        assert alone.valid_scores is not None
        assert found.valid_scores is not None
        # AFN's logarithms and powers amplify rounding errors.
        tolerance = 1e-3 if architecture in ("afn", "afn_plus") else 1e-4
        np.testing.assert_allclose(found.valid_scores, alone.valid_scores, atol=tolerance)
        assert found.parameters == alone.parameters


@pytest.mark.parametrize("architecture", ["deepfm", "din"])
def test_batch_normalisation_is_that_of_each_seed(
    architecture: str, fit: Fit, small_variant: MakeVariant, schema: EncodedSchema, make_split: MakeSplit
) -> None:
    # Adam would make whole steps of the rounding errors of a bias that the normalisation cancels.
    variant = small_variant(
        architecture,
        batch_size=128,
        batch_norm="true",
        dropout="0.25",
        embedding_init="0.1",
        optimizer="sgd",
        learning_rate="0.1",
    )
    for seed, found in zip((1, 2), batched(variant, (1, 2), schema, make_split), strict=True):
        alone = fit(variant, seed=seed)
        assert alone.valid_scores is not None
        assert found.valid_scores is not None
        np.testing.assert_allclose(found.valid_scores, alone.valid_scores, atol=1e-4)


def test_each_seed_stops_for_itself_with_its_own_learning_rate(
    fit: Fit, small_variant: MakeVariant, schema: EncodedSchema, make_split: MakeSplit
) -> None:
    variant = small_variant("deepfm", epochs=30, patience=2, learning_rate="0.02", dropout="0.2")
    seeds = (1, 2, 3, 4)
    together = batched(variant, seeds, schema, make_split)
    lengths = [len(result.curve) for result in together]
    assert len(set(lengths)) > 1
    for seed, found in zip(seeds, together, strict=True):
        alone = fit(variant, seed=seed)
        assert found.best_epoch == alone.best_epoch
        assert [epoch.learning_rate for epoch in found.curve] == [epoch.learning_rate for epoch in alone.curve]


def test_a_diverging_seed_leaves_the_others_alone(
    fit: Fit, small_variant: MakeVariant, schema: EncodedSchema, make_split: MakeSplit
) -> None:
    variant = small_variant(
        "dcnv2", learning_rate="1", optimizer="sgd", clip_norm="1e6", embedding_init="1", cross_layers=4, epochs=4
    )
    seeds = tuple(range(1, 9))
    together = batched(variant, seeds, schema, make_split)
    diverged = [result.divergence is not None for result in together]
    assert any(diverged)
    for seed, found in zip(seeds, together, strict=True):
        assert (found.divergence is None) == (fit(variant, seed=seed).divergence is None)
        if found.divergence is None:
            assert len(found.curve) >= 3


def test_batched_seeds_stop_when_told(small_variant: MakeVariant, schema: EncodedSchema, make_split: MakeSplit) -> None:
    with pytest.raises(TrainingStopped):
        batched(small_variant("fm"), (1, 2), schema, make_split, stop=lambda: True)


def test_a_model_that_reads_values_is_refused_before_it_is_trained(
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
        batched(small_variant("fm"), (1, 2), schema, make_split)
    assert classify(raised.value)[0] == ExitCode.BAD_SPEC_OR_DATA
    assert "\n" not in str(raised.value)


def test_rows_that_memory_does_not_hold_are_for_one_seed_at_a_time(
    small_variant: MakeVariant, schema: EncodedSchema, make_split: MakeSplit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_limits, "total_bytes", lambda: split_bytes(make_split(600, 1)) - 1)
    with pytest.raises(InvalidSpec, match=r"spec\.evaluation\.seedsPerPod: several seeds at once keep all rows in"):
        batched(small_variant("fm"), (1, 2), schema, make_split)
