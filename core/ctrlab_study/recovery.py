"""What becomes of a slot whose worker is gone: counted if its trial had ended, else run again, but not for ever."""

from typing import Final

from ctrlab_study import slots
from ctrlab_study.database import Database
from ctrlab_study.slots import Claim, Lease, Outcome
from ctrlab_study.trials import Trials

MAX_LOSSES: Final = 5
"""Workers that one slot may cost; a trial that is killed for its memory each time would else never end."""


def recover(database: Database, trials: Trials, claim: Claim, reason: str) -> Lease | None:
    """The lease if the slot has to be run; None if what was left behind settles it.

    Safe to repeat after a crash at any point: the slot names the trial until both are settled.
    """
    outcome = None
    if claim.unfinished is not None:
        outcome = trials.settle(claim.unfinished, reason)
    if outcome is None and claim.losses >= MAX_LOSSES:
        outcome = Outcome("FAIL", reason=f"its worker was lost {claim.losses} times, out of memory perhaps; {reason}")
    if outcome is not None:
        settled = outcome
        database.transact(lambda c: slots.finish(c, claim.lease, claim.unfinished, settled, database.now))
        return None
    if claim.unfinished is not None:
        database.transact(lambda c: slots.record_trial(c, claim.lease, None))
    return claim.lease
