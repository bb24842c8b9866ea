"""Recorded training steps are chosen where they pay off, train like eager steps, and fall back to them on failure."""

from collections.abc import Callable, Sequence

import pytest
import torch

from ctrlab_api.errors import InvalidSpec
from ctrlab_api.plan import Variant
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.finals.suspicious_runs import fingerprint
from ctrlab_trainer.models.components.dropout import Dropout
from ctrlab_trainer.training import batched_training, loop, step_execution
from ctrlab_trainer.training.loop import TrainingResult, matmul_precision
from ctrlab_trainer.training.optimizer import optimizer_arguments
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.step_execution import WARM_UP_STEPS, StepExecution, choose_execution, requested_execution
from ctrlab_trainer.training.variant_config import resolve_config

Fit = Callable[..., TrainingResult]
MakeVariant = Callable[..., Variant]
MakeSplit = Callable[[int, int], EncodedSplit]


@pytest.mark.parametrize(
    ("device", "optimizer", "batches", "requested", "kind", "reason"),
    [
        ("cuda", "adam", 100, "auto", "cuda-graph", "adam on a GPU"),
        ("cuda", "adamw", 10, "auto", "cuda-graph", "adamw on a GPU"),
        ("cuda", "sgd", 100, "auto", "eager", "sgd reads its learning rate on the host"),
        ("cuda", "adam", 9, "auto", "eager", "9 full batches per epoch are too few"),
        ("cuda", "adam", 100, "eager", "eager", "CTRLAB_STEPS=eager"),
        ("cpu", "adam", 100, "auto", "eager", "CUDA graphs need a GPU"),
    ],
)
def test_the_choice_has_a_reason(
    device: str, optimizer: str, batches: int, requested: str, kind: str, reason: str
) -> None:
    execution = choose_execution(device, optimizer, batches, requested)
    assert (execution.kind, execution.reason) == (kind, reason)


def test_row_wise_updates_run_eagerly() -> None:
    execution = choose_execution("cuda", "adam", 100, "auto", row_wise=True)
    assert (execution.kind, execution.reason) == ("eager", "the gradients of row-wise updated tables change in size")


def test_the_environment_may_request_eager_execution_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert requested_execution() == "auto"
    monkeypatch.setenv("CTRLAB_STEPS", "eager")
    assert requested_execution() == "eager"
    monkeypatch.setenv("CTRLAB_STEPS", "graph")
    with pytest.raises(InvalidSpec, match="CTRLAB_STEPS: auto or eager, not 'graph'"):
        requested_execution()


def test_a_cpu_always_computes_in_float32() -> None:
    assert matmul_precision("tf32", "cpu") == "highest"
    assert matmul_precision("tf32", "cuda") == "high"
    assert matmul_precision("bfloat16", "cuda") == "highest"
    assert optimizer_arguments("adam", 0.1, torch.device("cpu")) == {"lr": 0.1, "fused": True}


class Recorder:
    """A capture that works without a GPU: replaying runs the step."""

    def __init__(self, fails: bool = False) -> None:
        self.recorded = 0
        self.replayed = 0
        self.layers = 0
        self.warmed_up = 0
        self._fails = fails

    def capture(self, step: Callable[[], None], layers: Sequence[Dropout]) -> Callable[[], None]:
        self.recorded += 1
        self.layers = len(layers)
        if self._fails:
            layers[0].random_bytes(torch.Size([3]), torch.device("cpu"))
            raise RuntimeError("operation not permitted when stream is capturing\nmore")

        def replay() -> None:
            self.replayed += 1
            step()

        return replay

    def warm_up(self, step: Callable[[], None]) -> None:
        self.warmed_up += 1
        step()


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Recorder:
    """Record steps on this CPU."""
    recorder = Recorder(fails=getattr(request, "param", False))
    for module in (loop, batched_training):
        monkeypatch.setattr(module, "choose_execution", lambda *_: StepExecution("cuda-graph", "a test"))
    monkeypatch.setattr(step_execution, "capture_graph", recorder.capture)
    monkeypatch.setattr(step_execution, "run_on_side_stream", recorder.warm_up)
    return recorder


def test_recorded_steps_train_like_eager_steps(
    recorder: Recorder, fit: Fit, small_variant: MakeVariant, monkeypatch: pytest.MonkeyPatch
) -> None:
    variant = small_variant("deepfm", batch_size=128, epochs=3, dropout="0.25")
    recorded = fit(variant)
    assert recorded.steps == "cuda-graph"
    assert (recorder.recorded, recorder.warmed_up, recorder.layers) == (1, WARM_UP_STEPS, 2)
    full, epochs = 600 // 128, 3
    assert recorder.replayed == full * epochs - WARM_UP_STEPS, "the last batch of an epoch is smaller"
    monkeypatch.undo()
    plain = fit(variant)
    assert plain.steps == "eager"
    assert fingerprint(recorded) == fingerprint(plain)


@pytest.mark.parametrize("recorder", [True], indirect=True)
def test_a_failed_recording_changes_only_the_speed(
    recorder: Recorder,
    fit: Fit,
    small_variant: MakeVariant,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    variant = small_variant("deepfm", batch_size=128, epochs=2, dropout="0.25")
    recorded = fit(variant)
    assert (recorded.steps, recorder.recorded, recorder.replayed) == ("eager", 1, 0)
    assert capsys.readouterr().err == (
        "training steps run eagerly: recording one failed (operation not permitted when stream is capturing)\n"
    )
    monkeypatch.undo()
    assert fingerprint(recorded) == fingerprint(fit(variant))


def test_a_batch_of_seeds_is_recorded_again_after_a_seed_stops(
    recorder: Recorder,
    small_variant: MakeVariant,
    schema: EncodedSchema,
    make_split: MakeSplit,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variant = small_variant("fm", batch_size=64, epochs=6, patience=1, learning_rate="0.05")

    def train_seeds() -> tuple[TrainingResult, ...]:
        return batched_training.train_batched(
            config=resolve_config(variant, {}),
            variant=variant,
            schema=schema,
            train=make_split(600, 1),
            valid=make_split(200, 2),
            seeds=[PurposeSeeds.from_root(seed) for seed in (1, 2, 3)],
            device="cpu",
            primary_metric="auc",
            metrics=("auc",),
        )

    recorded = train_seeds()
    lengths = {len(result.curve) for result in recorded}
    assert recorder.recorded == len(lengths)
    assert {result.steps for result in recorded} == {"cuda-graph"}
    monkeypatch.undo()
    assert [fingerprint(result) for result in recorded] == [fingerprint(result) for result in train_seeds()]
