"""Recovery of the slot of a lost worker: its trial counts if it had ended, otherwise the slot runs again.

A worker is lost when it stops renewing its lease (the next worker that leases the slot calls `recover_slot`), or when a
backend finds it dead (the operator checks pods, the local backend processes; both call `release_lost_workers`, which
does not wait for leases to expire). A slot that lost MAX_LOSSES workers fails.

Every step can be repeated after a crash: the slot refers to its trial until both have ended.
"""

from collections.abc import Callable
from typing import Final

from optuna.trial import FrozenTrial, TrialState

from ctrlab_study import slots
from ctrlab_study.database import Database
from ctrlab_study.slots import Lease, LeasedSlot, Outcome
from ctrlab_study.trials import FAILURE, WORKER, Trials

MAX_LOSSES: Final = 5
"""Workers that one slot may lose: a trial that runs out of memory every time would otherwise be retried forever."""

REAPER: Final = "reaper"
"""Worker name in the lease of a slot between the death of its worker and its release."""


def recover_slot(database: Database, trials: Trials, leased: LeasedSlot, reason: str) -> Lease | None:
    """End the trial that the slot's previous worker left behind.

    Return the lease if the slot has to run; None if the slot is done, because that trial had ended and counts or
    because the slot lost too many workers.
    """
    number = leased.unfinished_trial
    outcome = end_unfinished_trial(trials, number, reason) if number is not None else None
    if outcome is None and leased.losses >= MAX_LOSSES:
        message = f"its worker was lost {leased.losses} times, possibly out of memory; {reason}"
        outcome = Outcome("FAIL", reason=message)
    if outcome is not None:
        ended = outcome
        database.transact(lambda c: slots.finish(c, leased.lease, number, ended, database.now))
        return None
    if number is not None:
        database.transact(lambda c: slots.record_trial(c, leased.lease, None))
    return leased.lease


def release_lost_workers(
    database: Database, experiment: str, is_alive: Callable[[str], bool], lease_seconds: float
) -> int:
    """Free the slots of workers that are gone, end their trials as lost, and return the number of slots.

    A worker that is alive after all notices at its next report and stops, so a wrong result of `is_alive` costs only
    time.
    """
    released, studies = 0, set()
    for lost in database.transact(lambda c: slots.current_leases(c, experiment)):
        if is_alive(lost.worker):
            continue
        leased = database.transact(lambda c, lost=lost: slots.take_over(c, lost, REAPER, database.now, lease_seconds))  # type: ignore[misc]
        if leased is None:
            continue
        trials = Trials(database, lost.study)
        lease = recover_slot(database, trials, leased, f"its worker {lost.worker} is gone")
        if lease is not None:
            database.transact(lambda c, lease=lease: slots.release(c, lease))  # type: ignore[misc]
        released += 1
        studies.add(lost.study)
    for study in sorted(studies):
        _end_trials_without_slot(Trials(database, study), is_alive)
    return released


def end_unfinished_trial(trials: Trials, number: int, reason: str) -> Outcome | None:
    """End a trial that its worker left behind; return its outcome if its worker had ended it, None if it was lost."""
    return counted_outcome(trials.end_as_lost(number, reason))


def counted_outcome(trial: FrozenTrial) -> Outcome | None:
    """Return the outcome of a trial that its own worker ended; None for one that is running or was lost."""
    match trial.state:
        case TrialState.COMPLETE:
            return Outcome("COMPLETE", trial.value)
        case TrialState.PRUNED:
            return Outcome("PRUNED")
        case TrialState.FAIL if FAILURE in trial.user_attrs:
            return Outcome("FAIL", reason=str(trial.user_attrs[FAILURE]))
        case _:
            return None


def _end_trials_without_slot(trials: Trials, is_alive: Callable[[str], bool]) -> None:
    """End trials whose worker died before its slot referred to them."""
    for trial in trials.all():
        worker = trial.user_attrs.get(WORKER)
        if not trial.state.is_finished() and worker is not None and not is_alive(worker):
            trials.end_as_lost(trial.number, f"its worker {worker} is gone")
