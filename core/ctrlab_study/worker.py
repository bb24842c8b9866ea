"""The loop of a worker: trial after trial until the budget is used, with any objective.

A separate thread renews the lease, because an epoch of training can take longer than a lease.
"""

import math
import threading
import time
from collections.abc import Callable
from types import TracebackType

from optuna import TrialPruned

from ctrlab_api.errors import ServiceUnavailable
from ctrlab_api.infrastructure_faults import infrastructure_fault
from ctrlab_study.errors import LeaseLost, StudyFailed, StudyUnavailable, TrialFailed, WorkerInterrupted
from ctrlab_study.shared_study import SharedStudy
from ctrlab_study.slots import Lease, Outcome
from ctrlab_study.trials import LeasedTrial

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
    """Run trials until every slot is over, waiting while other workers lease the last slots, which may still be lost.

    `worker` must be a unique name of this process; `gpus` is its number of GPUs; `poll` is in seconds. `stop` is
    polled; when it returns True, the slot is released and WorkerInterrupted is raised. Raises StudyFailed when the
    study ends without a result; any other exception of the objective is a failed trial.
    """
    while True:
        if stop():
            raise WorkerInterrupted(f"{worker} was told to stop between two trials")
        lease = study.lease(worker, gpus)
        if lease is not None:
            try:
                _run_trial(study, lease, objective, stop)
            except LeaseLost:
                continue  # another worker has the slot, and this trial does not count
        elif study.close():
            return
        else:
            time.sleep(poll)


def _run_trial(study: SharedStudy, lease: Lease, objective: Objective, stop: Callable[[], bool]) -> None:
    trial: LeasedTrial | None = None
    with _Heartbeat(study, lease, stop) as heartbeat:
        try:
            trial = study.ask(lease, heartbeat.check)
            outcome = _outcome(objective, trial)
            # An error that came too late to interrupt the objective still prevents its value from counting.
            heartbeat.check()
            study.finish(lease, trial, outcome)
        except LeaseLost as lost:
            if trial is not None:
                study.trials.end_as_lost(trial.number, str(lost))
            raise
        except StudyUnavailable:
            raise  # the slot cannot be released now; its lease expires
        except BaseException as error:
            study.release(lease, trial, f"{type(error).__name__}: {error}")
            raise


def _outcome(objective: Objective, trial: LeasedTrial) -> Outcome:
    try:
        value = objective(trial)
    except TrialPruned:
        return Outcome("PRUNED")
    except TrialFailed as error:
        return Outcome("FAIL", reason=str(error))
    except (LeaseLost, StudyFailed, WorkerInterrupted, ServiceUnavailable):
        raise
    except Exception as error:
        fault = infrastructure_fault(error)
        if fault is not None:
            raise fault from error
        return Outcome("FAIL", reason=f"{type(error).__name__}: {error}")
    if not math.isfinite(value):
        return Outcome("FAIL", reason=f"the validation value is {value}")
    return Outcome("COMPLETE", value)


class _Heartbeat:
    """Renews a lease three times per lease period, and passes errors on to the thread that trains."""

    def __init__(self, study: SharedStudy, lease: Lease, stop: Callable[[], bool]) -> None:
        self._study, self._lease, self._stop = study, lease, stop
        self._ended = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._renew_until_end, name=f"lease-{lease.slot}", daemon=True)

    def __enter__(self) -> "_Heartbeat":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def check(self) -> None:
        """Raise LeaseLost or StudyFailed if a renewal did, WorkerInterrupted if the worker has to stop."""
        if self._error is not None:
            raise self._error
        if self._stop():
            raise WorkerInterrupted(f"{self._lease.worker} was told to stop")

    def _renew_until_end(self) -> None:
        while not self._ended.wait(self._study.lease_seconds / 3):
            try:
                self._study.renew(self._lease)
            except StudyUnavailable:
                continue  # the training may outlast the outage, and the slot may still be leased to this worker
            except (LeaseLost, StudyFailed) as error:
                self._error = error
                return
