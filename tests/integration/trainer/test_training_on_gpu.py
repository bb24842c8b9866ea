"""Training on a GPU: recorded steps, reduced precision, AUC on the device, batches of seeds; skipped without a GPU."""

from typing import Any

import pytest
import torch

from ctrlab_api.plan import Variant
from ctrlab_api.resources.tuning import Evaluation, Seeds
from ctrlab_study import untuned_record
from ctrlab_trainer.data.prepared.train_valid_splits import open_train_valid
from ctrlab_trainer.finals.final_training import FinalTraining
from ctrlab_trainer.training.loop import TrainingResult

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch detects no GPU")

Prepared = Any
"""The type of the fixture `prepared`."""


def train_on_gpu(prepared: Prepared, seeds: tuple[int, ...] = (10,), **parameters: Any) -> tuple[TrainingResult, ...]:
    full = prepared.plan.variant("DeepFM")
    variant: Variant = full.model_copy(update={"parameters": full.parameters | {"batch_size": 64} | parameters})
    evaluation = Evaluation(seeds=Seeds(count=5, base=10), seeds_per_pod=len(seeds))
    plan = prepared.plan.model_copy(update={"variants": (variant,), "evaluation": evaluation})
    study = untuned_record(plan, "DeepFM", prepared.data.digest)
    return FinalTraining.from_plan(plan, study, seeds, "cuda").train(*open_train_valid(prepared.store, prepared.data))


def test_recorded_steps_train_like_eager_steps(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    [recorded] = train_on_gpu(prepared)
    assert recorded.steps == "cuda-graph"
    monkeypatch.setenv("CTRLAB_STEPS", "eager")
    [eager] = train_on_gpu(prepared)
    assert eager.steps == "eager"
    assert recorded.best_value == pytest.approx(eager.best_value, abs=1e-4)
    assert [epoch.train_loss for epoch in recorded.curve] == pytest.approx(
        [epoch.train_loss for epoch in eager.curve], abs=1e-4
    )


def test_a_batch_of_seeds_matches_single_seeds(prepared: Prepared) -> None:
    batched = train_on_gpu(prepared, (10, 11, 12))
    assert {result.steps for result in batched} == {"cuda-graph"}
    for seed, result in zip((10, 11, 12), batched, strict=True):
        [plain] = train_on_gpu(prepared, (seed,))
        assert result.best_value == pytest.approx(plain.best_value, abs=1e-3)


@pytest.mark.parametrize("precision", ["tf32", "bfloat16"])
def test_reduced_precision_trains(prepared: Prepared, precision: str) -> None:
    [result] = train_on_gpu(prepared, precision=precision)
    assert result.divergence is None
    assert torch.get_float32_matmul_precision() == "highest", "validation is computed in float32"


def test_sgd_runs_eagerly(prepared: Prepared) -> None:
    [result] = train_on_gpu(prepared, optimizer="sgd")
    assert result.steps == "eager"
