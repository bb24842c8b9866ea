"""The life of a slot: FREE -> LEASED -> DONE, or back to FREE when its worker is lost or gives it back.

A slot that no worker holds becomes SKIPPED when a stop rule ends the search before its budget is used.

Every write names the token of the lease that it belongs to, so that a worker which was taken for dead and comes back
cannot touch what its successor holds. All functions run in the caller's transaction.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement

from ctrlab_study.slot_tables import TrialOutcome, trial_leases, trial_slots

slots = trial_slots.c
leases = trial_leases.c


@dataclass(frozen=True)
class Lease:
    """The right to run the trial of one slot, until another lease of the slot exists."""

    study: str
    slot: int
    token: int
    worker: str
    gpus: int = 0
    """That the worker holds."""


@dataclass(frozen=True)
class Claim:
    """A lease as it was taken, with what its predecessor has left."""

    lease: Lease
    unfinished: int | None
    """Optuna trial of the worker that was lost, if one was."""
    losses: int


@dataclass(frozen=True)
class Outcome:
    """How the trial of a slot ended."""

    state: TrialOutcome
    value: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class SlotCounts:
    """One search in numbers."""

    budget: int
    done: int
    failed: int
    elapsed: float
    """Seconds since the first lease; 0 before it."""
    last_failure: str | None
    skipped: int = 0

    @property
    def is_over(self) -> bool:
        """Whether no slot will be run any more."""
        return self.done + self.skipped == self.budget


def ensure(connection: Connection, study: str, experiment: str, variant: str, budget: int) -> None:
    """Adds the slots that are missing; those that are there stay as they are."""
    rows = [{"study": study, "slot": slot, "experiment": experiment, "variant": variant} for slot in range(budget)]
    if rows:
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        connection.execute(dialect.insert(trial_slots).on_conflict_do_nothing(), rows)


def claim(
    connection: Connection,
    study: str,
    worker: str,
    now: ColumnElement[float],
    seconds: float,
    below: int | None = None,
    gpus: int = 0,
) -> Claim | None:
    """Leases the first slot (under `below`) that is free or whose lease has run out; None if there is none.

    Slots that another transaction is about to lease are skipped, not waited for (PostgreSQL; SQLite has one writer).
    """
    expired = and_(slots.state == "LEASED", slots.lease_until < now)
    query = select(trial_slots).where(slots.study == study, or_(slots.state == "FREE", expired))
    if below is not None:
        query = query.where(slots.slot < below)
    found = connection.execute(query.order_by(slots.slot).limit(1).with_for_update(skip_locked=True)).one_or_none()
    if found is None:
        return None
    lease = Lease(study, found.slot, found.token + 1, worker, gpus)
    losses = found.losses + (found.state == "LEASED")
    _take(connection, lease, losses, now, seconds)
    return Claim(lease, found.trial_number, losses)


def seize(connection: Connection, held: Lease, worker: str, now: ColumnElement[float], seconds: float) -> Claim | None:
    """Takes a slot from a worker that is known to be gone; None if it has changed hands meanwhile."""
    found = connection.execute(select(trial_slots).where(_is_held(held)).with_for_update()).one_or_none()
    if found is None:
        return None
    lease = Lease(held.study, held.slot, held.token + 1, worker)
    _take(connection, lease, found.losses + 1, now, seconds)
    return Claim(lease, found.trial_number, found.losses + 1)


def renew(connection: Connection, lease: Lease, now: ColumnElement[float], seconds: float) -> bool:
    """Prolongs a lease, even one that has run out if nobody took the slot; False if it is lost."""
    _note(connection, lease, now)
    return _write(connection, lease, lease_until=now + seconds)


def record_trial(connection: Connection, lease: Lease, number: int | None) -> bool:
    """Notes which Optuna trial is run for the slot, before it starts; False if the lease is lost."""
    return _write(connection, lease, trial_number=number)


def finish(
    connection: Connection, lease: Lease, number: int | None, outcome: Outcome, now: ColumnElement[float]
) -> bool:
    """Fills the slot for good; False if the lease is lost, and then only what it took is noted."""
    _note(connection, lease, now)
    return _write(
        connection,
        lease,
        state="DONE",
        lease_until=None,
        trial_number=number,
        outcome=outcome.state,
        value=outcome.value if outcome.state == "COMPLETE" else None,
        reason=outcome.reason,
        ended=now,
    )


def free(connection: Connection, lease: Lease) -> bool:
    """Gives the slot back; False if the lease is lost."""
    return _write(connection, lease, state="FREE", worker=None, lease_until=None, trial_number=None)


def skip(connection: Connection, lease: Lease) -> bool:
    """Ends the slot without a trial, because the search is stopped; False if the lease is lost."""
    return _write(connection, lease, state="SKIPPED", worker=None, lease_until=None, trial_number=None)


def skip_free(connection: Connection, study: str) -> None:
    """Ends every slot that nobody holds without a trial."""
    is_free = and_(slots.study == study, slots.state == "FREE")
    connection.execute(update(trial_slots).where(is_free).values(state="SKIPPED"))


def held(connection: Connection, experiment: str) -> list[Lease]:
    """All leases of an experiment, run out or not."""
    query = select(trial_slots).where(slots.experiment == experiment, slots.state == "LEASED")
    rows = connection.execute(query.order_by(slots.study, slots.slot))
    return [Lease(row.study, row.slot, row.token, row.worker) for row in rows]


def results(connection: Connection, study: str) -> dict[int, int | None]:
    """Optuna trial of every slot that is done; None for a slot that was lost before it had one."""
    query = select(slots.slot, slots.trial_number).where(slots.study == study, slots.state == "DONE")
    return {row.slot: row.trial_number for row in connection.execute(query.order_by(slots.slot))}


def count(connection: Connection, study: str) -> int:
    """Slots of one study."""
    return connection.execute(select(func.count()).where(slots.study == study)).scalar_one()


def first_open(connection: Connection, study: str) -> int | None:
    """The lowest slot that is not over."""
    query = select(func.min(slots.slot)).where(slots.study == study, slots.state.not_in(("DONE", "SKIPPED")))
    lowest: int | None = connection.execute(query).scalar_one()
    return lowest


def tally(connection: Connection, study: str, now: ColumnElement[float]) -> SlotCounts:
    """Counts of one study; a skipped slot is over, but no trial."""
    is_failed = and_(slots.state == "DONE", slots.outcome == "FAIL")
    counts = connection.execute(
        select(
            func.count(),
            func.count().filter(slots.state == "DONE"),
            func.count().filter(is_failed),
            now - func.min(slots.first_leased),
            func.count().filter(slots.state == "SKIPPED"),
        ).where(slots.study == study)
    ).one()
    last = select(slots.reason).where(slots.study == study, is_failed).order_by(slots.ended.desc(), slots.slot.desc())
    reason = connection.execute(last.limit(1)).scalar_one_or_none() if counts[2] else None
    return SlotCounts(counts[0], counts[1], counts[2], counts[3] or 0.0, reason, counts[4])


def _take(connection: Connection, lease: Lease, losses: int, now: ColumnElement[float], seconds: float) -> None:
    connection.execute(
        update(trial_slots)
        .where(slots.study == lease.study, slots.slot == lease.slot)
        .values(
            state="LEASED",
            worker=lease.worker,
            token=lease.token,
            losses=losses,
            lease_until=now + seconds,
            first_leased=func.coalesce(slots.first_leased, now),
        )
    )
    connection.execute(
        insert(trial_leases).values(
            study=lease.study,
            slot=lease.slot,
            token=lease.token,
            worker=lease.worker,
            gpus=lease.gpus,
            since=now,
            until=now,
        )
    )


def _note(connection: Connection, lease: Lease, now: ColumnElement[float]) -> None:
    """That the worker was heard of, for the ledger of what was spent."""
    own = and_(leases.study == lease.study, leases.slot == lease.slot, leases.token == lease.token)
    connection.execute(update(trial_leases).where(own).values(until=now))


def _write(connection: Connection, lease: Lease, **values: object) -> bool:
    return connection.execute(update(trial_slots).where(_is_held(lease)).values(**values)).rowcount == 1


def _is_held(lease: Lease) -> ColumnElement[bool]:
    return and_(
        slots.study == lease.study, slots.slot == lease.slot, slots.token == lease.token, slots.state == "LEASED"
    )
