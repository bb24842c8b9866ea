"""A worker's loop: trial after trial until the budget is used, whatever the objective is.

Its lease is renewed by a thread of its own, because an epoch of training can take longer than a lease.
"""

import math
import threading
import time
from collections.abc import Callable
from types import TracebackType

from optuna import TrialPruned

from ctrlab_study.errors import LeaseLost, StudyFailed, StudyUnavailable, TrialFailed, WorkerInterrupted
from ctrlab_study.leased_trial import LeasedTrial
from ctrlab_study.shared_study import SharedStudy
from ctrlab_study.slots import Lease, Outcome

Objective = Callable[[LeasedTrial], float]
"""Trains with the trial's parameters and returns the validation value; may raise TrialPruned or TrialFailed."""


def run_trials(
    study: SharedStudy,
    worker: str,
    objective: Objective,
    *,
    gpus: int = 0,
    stop: Callable[[], bool] = lambda: False,
    poll: float = 1.0,
) -> None:
    """Runs trials until every slot is done, waiting while others hold the last ones, which may still be lost.

    `worker` must name this process uniquely; `gpus` is how many it holds. `stop` is polled; when it says yes, the slot
    goes back and Interrupted is raised. Raises SearchFailed when the search is over without a result; an objective's
    exception is a failed trial.
    """
    while True:
        if stop():
            raise WorkerInterrupted(f"{worker} was asked to stop between two trials")
        lease = study.lease(worker, gpus)
        if lease is not None:
            try:
                _run(study, lease, objective, stop)
            except LeaseLost:
                continue  # its slot is in other hands, and nothing of it has counted
        elif study.close():
            return
        else:
            time.sleep(poll)


def _run(study: SharedStudy, lease: Lease, objective: Objective, stop: Callable[[], bool]) -> None:
    trial: LeasedTrial | None = None
    with _Heartbeat(study, lease, stop) as heartbeat:
        try:
            trial = study.ask(lease, heartbeat.check)
            outcome = _outcome(objective, trial)
            # What was found out too late to interrupt the objective still decides whether its value may count.
            heartbeat.check()
            study.finish(lease, trial, outcome)
        except LeaseLost as lost:
            if trial is not None:
                study.trials.lose(trial.number, str(lost))
            raise
        except BaseException as error:
            study.give_back(lease, trial, f"{type(error).__name__}: {error}")
            raise


def _outcome(objective: Objective, trial: LeasedTrial) -> Outcome:
    try:
        value = objective(trial)
    except TrialPruned:
        return Outcome("PRUNED")
    except TrialFailed as error:
        return Outcome("FAIL", reason=str(error))
    except (LeaseLost, StudyFailed, WorkerInterrupted, StudyUnavailable):
        raise
    except Exception as error:
        return Outcome("FAIL", reason=f"{type(error).__name__}: {error}")
    if not math.isfinite(value):
        return Outcome("FAIL", reason=f"the validation value is {value}")
    return Outcome("COMPLETE", value)


class _Heartbeat:
    """Renews a lease three times in its length, and keeps what it learns for the thread that trains."""

    def __init__(self, study: SharedStudy, lease: Lease, stop: Callable[[], bool]) -> None:
        self._study, self._lease, self._stop = study, lease, stop
        self._ended = threading.Event()
        self._learnt: Exception | None = None
        self._thread = threading.Thread(target=self._beat, name=f"lease-{lease.slot}", daemon=True)

    def __enter__(self) -> "_Heartbeat":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def check(self) -> None:
        """Raises LeaseLost, SearchFailed or Interrupted if that has become known."""
        if self._learnt is not None:
            raise self._learnt
        if self._stop():
            raise WorkerInterrupted(f"{self._lease.worker} was asked to stop")

    def _beat(self) -> None:
        while not self._ended.wait(self._study.lease_seconds / 3):
            try:
                self._study.renew(self._lease)
            except StudyUnavailable:
                continue  # the training may outlast the trouble, and the slot may still be ours then
            except (LeaseLost, StudyFailed) as error:
                self._learnt = error
                return
