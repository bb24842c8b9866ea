"""The start log of a final run: when each start began, and how the starts without a record ended.

A run that was evicted, or whose machine failed, is repeated with the same seed. Its record then lists the earlier
starts as anomalies, so that a reader can see which results come from unreliable machines. Writing the log imports no
torch.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from ctrlab_api.infrastructure_faults import infrastructure_fault
from ctrlab_api.names import ExitCode, ObjectKey, RunFile
from ctrlab_api.records import Anomaly, RunEnd, RunStart, interrupted_start
from ctrlab_store import ObjectExists, Store, StoreError
from ctrlab_store.waiting_store import without_waiting
from ctrlab_trainer.process.failures import is_out_of_memory
from ctrlab_trainer.process.run_records import find_record
from ctrlab_trainer.process.worker_identity import worker_name


@dataclass(frozen=True)
class StartLog:
    """The start log of one (variant, seed); `experiment` is the folder of the experiment."""

    experiment: Store
    variant: str
    seed: int

    @contextmanager
    def log_start(self) -> Iterator[tuple[Anomaly, ...]]:
        """Log a start, and its end if that is an exception; yield an anomaly for each earlier start.

        A run that has its record has ended well, whatever happens to the other runs of its batch.
        """
        interrupted = self.interrupted_starts()
        number = self._begin(len(interrupted) + 1)
        try:
            yield interrupted
        except BaseException as error:
            # The original exception must propagate, at once and even if the store cannot log it.
            folder = without_waiting(self.experiment)
            with suppress(StoreError):
                if find_record(folder, self.variant, self.seed) is None:
                    folder.put(self._key(RunFile.end(number)), _end(number, error).to_json().encode())
            raise

    def interrupted_starts(self) -> tuple[Anomaly, ...]:
        """Return one anomaly per logged start; without a record of the run, all of them were interrupted."""
        anomalies: list[Anomaly] = []
        number = 1
        while self.experiment.exists(self._key(RunFile.start(number))):
            anomalies.append(self._anomaly(number))
            number += 1
        return tuple(anomalies)

    def _anomaly(self, number: int) -> Anomaly:
        start = RunStart.model_validate_json(self.experiment.get(self._key(RunFile.start(number))))
        end_key = self._key(RunFile.end(number))
        end = RunEnd.model_validate_json(self.experiment.get(end_key)) if self.experiment.exists(end_key) else None
        return interrupted_start(start, end)

    def _begin(self, number: int) -> int:
        """Log the start and return its number, the next free one if another worker begins at the same moment."""
        while True:
            start = RunStart(number=number, at=_now(), by=worker_name())
            try:
                self.experiment.put(self._key(RunFile.start(number)), start.to_json().encode())
            except ObjectExists:
                number += 1
            else:
                return number

    def _key(self, file: str) -> str:
        return ObjectKey.starts(self.variant, self.seed, file)


def _end(number: int, error: BaseException) -> RunEnd:
    if isinstance(error, KeyboardInterrupt) or (isinstance(error, SystemExit) and error.code == ExitCode.TERMINATED):
        message = "was stopped by a signal: an eviction, a time limit or a manual stop"
        return RunEnd(number=number, at=_now(), how="terminated", message=message)
    reason = str(error).partition("\n")[0] or type(error).__name__
    if is_out_of_memory(error):
        return RunEnd(number=number, at=_now(), how="out-of-memory", message=f"ran out of memory: {reason}")
    fault = infrastructure_fault(error)
    if fault is not None:
        return RunEnd(number=number, at=_now(), how="unavailable", message=f"ended during an outage: {fault}")
    return RunEnd(number=number, at=_now(), how="failed", message=f"failed: {reason}")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
