"""The log of how often a final run began, and how the starts ended that left no record.

A run that was evicted or whose machine broke down is made again with the same seed. Its record then tells of the
earlier starts, so that a reader can see which results come from machines in trouble.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from ctrlab_api.names import ExitCode, ObjectKey, RunFile
from ctrlab_api.records import Anomaly, RunEnd, RunStart, interrupted_start
from ctrlab_store import ObjectExists, Store, StoreError
from ctrlab_trainer.process.failures import is_out_of_memory
from ctrlab_trainer.process.resource_usage import worker_name
from ctrlab_trainer.process.run_records import find_record


@dataclass(frozen=True)
class StartLog:
    """Of one (variant, seed); `experiment` is the experiment's folder."""

    experiment: Store
    variant: str
    seed: int

    @contextmanager
    def entered(self) -> Iterator[tuple[Anomaly, ...]]:
        """Logs a start, and its end if that is an exception; gives an anomaly for each earlier start.

        A run that has its record has ended well, whatever becomes of the others of its batch.
        """
        earlier = self.cut_off()
        number = self._begin(len(earlier) + 1)
        try:
            yield earlier
        except BaseException as error:
            # The reason that the run ends must get through, whatever the store says to a note about it.
            with suppress(StoreError):
                if find_record(self.experiment, self.variant, self.seed) is None:
                    self._put(RunFile.end(number), _end(number, error))
            raise

    def cut_off(self) -> tuple[Anomaly, ...]:
        """One anomaly for each logged start; asked while no record is there, so all of them were cut off."""
        found: list[Anomaly] = []
        number = 1
        while self.experiment.exists(ObjectKey.starts(self.variant, self.seed, RunFile.start(number))):
            found.append(self._anomaly(number))
            number += 1
        return tuple(found)

    def _anomaly(self, number: int) -> Anomaly:
        key = ObjectKey.starts(self.variant, self.seed, RunFile.start(number))
        start = RunStart.model_validate_json(self.experiment.get(key))
        last = ObjectKey.starts(self.variant, self.seed, RunFile.end(number))
        known = self.experiment.exists(last)
        return interrupted_start(start, RunEnd.model_validate_json(self.experiment.get(last)) if known else None)

    def _begin(self, number: int) -> int:
        """The number that this start got; another worker that begins at the same moment takes its own."""
        while True:
            start = RunStart(number=number, at=_now(), by=worker_name())
            try:
                self._put(RunFile.start(number), start)
            except ObjectExists:
                number += 1
            else:
                return number

    def _put(self, file: str, content: RunStart | RunEnd) -> None:
        self.experiment.put(ObjectKey.starts(self.variant, self.seed, file), content.to_json().encode())


def _end(number: int, error: BaseException) -> RunEnd:
    if isinstance(error, KeyboardInterrupt) or (isinstance(error, SystemExit) and error.code == ExitCode.TERMINATED):
        message = "was stopped by a signal: an eviction, a time limit or a stop by hand"
        return RunEnd(number=number, at=_now(), how="terminated", message=message)
    what = str(error).partition("\n")[0] or type(error).__name__
    if is_out_of_memory(error):
        return RunEnd(number=number, at=_now(), how="out-of-memory", message=f"ran out of memory: {what}")
    return RunEnd(number=number, at=_now(), how="failed", message=f"failed: {what}")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
