"""A store that is away during a final run costs a delay; a finished training is not repeated."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey, RunFile
from ctrlab_api.outage_waiting import OutagePatience
from ctrlab_api.plan import Plan
from ctrlab_api.records import RunStart
from ctrlab_store import Store, StoreUnavailable, WaitingStore
from ctrlab_trainer.finals.final_runs import evaluate


class Prepared(Protocol):
    """The type of the fixture `prepared`."""

    store: Store
    key: ExperimentKey
    plan: Plan

    @property
    def folder(self) -> Store:
        """The folder of the experiment."""

    def freeze(self, *names: str) -> str:
        """Freeze the studies."""


@dataclass
class Outage:
    """The outage begins with the first write of a trained model, and ends after `failures` more requests."""

    failures: int
    loses_response: bool = False
    """Whether the first write arrives although the writer sees an error."""
    seen: int = 0
    slept: list[float] = field(default_factory=list)

    def check(self, key: str) -> None:
        is_result = key.endswith((RunFile.CURVE, RunFile.MODEL, RunFile.RECORD))
        if (is_result or self.seen) and self.seen < self.failures:
            self.seen += 1
            raise StoreUnavailable("s3://bucket: connection refused")


@dataclass(frozen=True)
class FailingStore:
    """A store during an outage."""

    store: Store
    outage: Outage

    @property
    def uri(self) -> str:
        return self.store.uri

    def get(self, key: str) -> bytes:
        self.outage.check("")
        return self.store.get(key)

    def put(self, key: str, data: bytes) -> None:
        if self.outage.loses_response:
            self.store.put(key, data)
        self.outage.check(key)
        self.store.put(key, data)

    def replace(self, key: str, data: bytes) -> None:
        self.store.replace(key, data)

    def exists(self, key: str) -> bool:
        self.outage.check("")
        return self.store.exists(key)

    def list(self, prefix: str) -> list[str]:
        self.outage.check("")
        return self.store.list(prefix)

    def put_folder(self, prefix: str, folder: Path) -> None:
        self.store.put_folder(prefix, folder)

    def local_folder(self, prefix: str) -> Path:
        return self.store.local_folder(prefix)

    def below(self, prefix: str) -> "FailingStore":
        return FailingStore(self.store.below(prefix), self.outage)


def waiting_store(prepared: Prepared, outage: Outage, seconds: float = 600.0) -> Store:
    """Return a store that waits during the outage, without real time."""
    now = [0.0]

    def sleep(duration: float) -> None:
        now[0] += duration
        outage.slept.append(duration)

    patience = OutagePatience(seconds, clock=lambda: now[0], sleep=sleep, log=lambda line: None)
    return WaitingStore(FailingStore(prepared.store, outage), patience)


@pytest.mark.parametrize("loses_response", [False, True], ids=["nothing is written", "the first write arrives"])
def test_the_upload_of_a_result_waits_for_the_store(prepared: Prepared, loses_response: bool) -> None:
    prepared.freeze()
    outage = Outage(failures=20, loses_response=loses_response)
    (record,) = evaluate(prepared.plan, prepared.key, waiting_store(prepared, outage), "DeepFM", [10])
    assert outage.seen == 20
    assert (record.attempt, record.state, len(record.openings)) == (1, "Succeeded", 1)
    assert [key for key in prepared.folder.list("runs/DeepFM/10/") if "/starts/" in key] == [
        ObjectKey.starts("DeepFM", 10, "1.json")
    ]


def test_after_a_longer_outage_the_next_process_runs_the_same_seed_and_names_the_outage(prepared: Prepared) -> None:
    prepared.freeze()
    outage = Outage(failures=10_000)
    with pytest.raises(StoreUnavailable, match="unavailable since"):
        evaluate(prepared.plan, prepared.key, waiting_store(prepared, outage, seconds=60.0), "DeepFM", [10])
    assert sum(outage.slept) == pytest.approx(60.0), "the end of a start is not waited for as well"
    assert not any(key.endswith(RunFile.RECORD) for key in prepared.folder.list("runs/DeepFM/10/"))
    (record,) = evaluate(prepared.plan, prepared.key, prepared.store, "DeepFM", [10])
    assert record.state == "Succeeded"
    assert [anomaly.kind for anomaly in record.anomalies if "start 1" in anomaly.detail] == ["lost"]
    start = RunStart.model_validate_json(prepared.folder.get(ObjectKey.starts("DeepFM", 10, "1.json")))
    assert start.number == 1
