"""What a GPU does: recorded steps, reduced precision, metrics there, batches of seeds; skipped where there is none."""

from typing import Any

import pytest
import torch

from ctrlab_api.plan import Variant
from ctrlab_api.resources.tuning import Evaluation, Seeds
from ctrlab_study import untuned_record
from ctrlab_trainer.data.prepared.train_valid_splits import open_train_valid
from ctrlab_trainer.finals.final_training import FinalTraining
from ctrlab_trainer.training.loop import TrainingResult

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU: torch finds none here")

Prepared = Any
"""What the fixture `prepared` gives."""


def trained(given: Prepared, seeds: tuple[int, ...] = (10,), **parameters: Any) -> tuple[TrainingResult, ...]:
    full = given.plan.variant("DeepFM")
    variant: Variant = full.model_copy(update={"parameters": full.parameters | {"batch_size": 64} | parameters})
    evaluation = Evaluation(seeds=Seeds(count=5, base=10), seeds_per_pod=len(seeds))
    plan = given.plan.model_copy(update={"variants": (variant,), "evaluation": evaluation})
    search = untuned_record(plan, "DeepFM", given.data.digest)
    return FinalTraining.from_plan(plan, search, seeds, "cuda").train(*open_train_valid(given.store, given.data))


def test_recorded_steps_train_as_single_operations_do(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    [recorded] = trained(prepared)
    assert recorded.steps == "cuda-graph"
    monkeypatch.setenv("CTRLAB_STEPS", "eager")
    [single] = trained(prepared)
    assert single.steps == "eager"
    assert recorded.best_value == pytest.approx(single.best_value, abs=1e-4)
    assert [epoch.train_loss for epoch in recorded.curve] == pytest.approx(
        [epoch.train_loss for epoch in single.curve], abs=1e-4
    )


def test_a_batch_of_seeds_agrees_with_single_seeds(prepared: Prepared) -> None:
    together = trained(prepared, (10, 11, 12))
    assert {result.steps for result in together} == {"cuda-graph"}
    for seed, result in zip((10, 11, 12), together, strict=True):
        [alone] = trained(prepared, (seed,))
        assert result.best_value == pytest.approx(alone.best_value, abs=1e-3)


@pytest.mark.parametrize("precision", ["tf32", "bfloat16"])
def test_reduced_precision_trains(prepared: Prepared, precision: str) -> None:
    [result] = trained(prepared, precision=precision)
    assert result.divergence is None
    assert torch.get_float32_matmul_precision() == "highest", "what is judged is computed in float32"


def test_sgd_is_started_operation_by_operation(prepared: Prepared) -> None:
    [result] = trained(prepared, optimizer="sgd")
    assert result.steps == "eager"
