"""The record of a final run lists its earlier, interrupted starts."""

from collections.abc import Callable
from typing import Protocol

import pytest

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ExitCode
from ctrlab_api.plan import Plan
from ctrlab_api.records import RunEnd, RunStart
from ctrlab_store import Store
from ctrlab_trainer.finals import final_training
from ctrlab_trainer.finals.final_runs import evaluate
from ctrlab_trainer.process.start_log import StartLog


class Prepared(Protocol):
    """The type of the fixture `prepared`."""

    store: Store
    key: ExperimentKey
    plan: Plan

    @property
    def folder(self) -> Store: ...

    def freeze(self, *names: str) -> str: ...


def train_raising(error: BaseException) -> Callable[..., object]:
    def train(*_: object, **__: object) -> object:
        raise error

    return train


@pytest.mark.parametrize(
    ("error", "how", "message"),
    [
        (SystemExit(ExitCode.TERMINATED), "terminated", "stopped by a signal: an eviction, a time limit"),
        (KeyboardInterrupt(), "terminated", "stopped by a signal"),
        (MemoryError("no room for 4 GiB"), "out-of-memory", "ran out of memory: no room for 4 GiB"),
        (RuntimeError("CUDA out of memory. Tried"), "out-of-memory", "ran out of memory: CUDA out of memory"),
        (ValueError("a bug\nwith details"), "failed", "failed: a bug"),
    ],
)
def test_an_interrupted_start_is_recorded_with_its_reason(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch, error: BaseException, how: str, message: str
) -> None:
    prepared.freeze()
    with monkeypatch.context() as patched:
        patched.setattr(final_training, "train", train_raising(error))
        with pytest.raises(type(error)):
            evaluate(prepared.plan, prepared.key, prepared.store, "DeepFM", [10])
    end = RunEnd.model_validate_json(prepared.folder.get("runs/DeepFM/10/starts/1-end.json"))
    assert end.how == how
    [record] = evaluate(prepared.plan, prepared.key, prepared.store, "DeepFM", [10])
    assert record.attempt == 1, "the first attempt with a record"
    assert record.state == "Succeeded"
    anomalies = [anomaly for anomaly in record.anomalies if anomaly.kind == how]
    assert len(anomalies) == 1
    assert message in anomalies[0].detail
    assert "\n" not in anomalies[0].detail
    assert prepared.folder.exists("runs/DeepFM/10/starts/2.json")
    assert not prepared.folder.exists("runs/DeepFM/10/starts/2-end.json")


def test_a_start_without_an_end_was_lost(prepared: Prepared) -> None:
    start = RunStart(number=1, at="2026-05-01T10:00:00Z", by="pod-7")
    prepared.folder.put("runs/SIN/11/starts/1.json", start.to_json().encode())
    [lost] = StartLog(prepared.folder, "SIN", 11).interrupted_starts()
    assert lost.kind == "lost"
    assert lost.detail.startswith("start 1 (2026-05-01T10:00:00Z, pod-7) ended without a message")


def test_two_simultaneous_starts_have_different_numbers(prepared: Prepared) -> None:
    log = StartLog(prepared.folder, "SIN", 12)
    with log.log_start() as first, log.log_start() as second:
        assert first == ()
        assert [anomaly.kind for anomaly in second] == ["lost"]
    assert prepared.folder.list("runs/SIN/12/") == ["runs/SIN/12/starts/1.json", "runs/SIN/12/starts/2.json"]
