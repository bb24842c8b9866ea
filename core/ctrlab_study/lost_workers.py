"""Freeing what dead workers hold, without waiting for their leases to run out.

Whoever knows which workers live (the operator from Pods, the local engine from processes) calls this.
"""

from collections.abc import Callable

from ctrlab_study import slots
from ctrlab_study.database import Database
from ctrlab_study.recovery import recover
from ctrlab_study.trials import WORKER, Trials

REAPER = "reaper"
"""Holder of a slot between the death of its worker and its release."""


def release_workers(database: Database, experiment: str, alive: Callable[[str], bool], seconds: float) -> int:
    """Frees the slots of workers that are gone, and ends their trials as lost; returns how many slots.

    A worker that is alive after all notices at its next report and gives up, so a wrong answer costs time only.
    """
    released, studies = 0, set()
    for held in database.transact(lambda c: slots.held(c, experiment)):
        if alive(held.worker):
            continue
        claim = database.transact(lambda c, held=held: slots.seize(c, held, REAPER, database.now, seconds))  # type: ignore[misc]
        if claim is None:
            continue
        trials = Trials(database, held.study)
        lease = recover(database, trials, claim, f"its worker {held.worker} is gone")
        if lease is not None:
            database.transact(lambda c, lease=lease: slots.free(c, lease))  # type: ignore[misc]
        released += 1
        studies.add(held.study)
    for study in sorted(studies):
        _end_orphans(Trials(database, study), alive)
    return released


def _end_orphans(trials: Trials, alive: Callable[[str], bool]) -> None:
    """Trials whose worker died before its slot could name them."""
    for trial in trials.all():
        worker = trial.user_attrs.get(WORKER)
        if not trial.state.is_finished() and worker is not None and not alive(worker):
            trials.lose(trial.number, f"its worker {worker} is gone")
