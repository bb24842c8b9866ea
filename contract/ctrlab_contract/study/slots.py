"""The life of a slot: FREE -> LEASED -> DONE, or back to FREE when its worker is lost or gives it back.

Every write names the token of the lease that it belongs to, so that a worker which was taken for dead and comes back
cannot touch what its successor holds. All functions run in the caller's transaction.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement

from ctrlab_contract.study.tables import TrialOutcome, trial_slots

slots = trial_slots.c


@dataclass(frozen=True)
class Lease:
    """The right to run the trial of one slot, until another lease of the slot exists."""

    study: str
    slot: int
    token: int
    worker: str


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
class Tally:
    """One search in numbers."""

    budget: int
    done: int
    failed: int
    elapsed: float
    """Seconds since the first lease; 0 before it."""
    last_failure: str | None


def ensure(connection: Connection, study: str, experiment: str, variant: str, budget: int) -> None:
    """Adds the slots that are missing; those that are there stay as they are."""
    rows = [{"study": study, "slot": slot, "experiment": experiment, "variant": variant} for slot in range(budget)]
    if rows:
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        connection.execute(dialect.insert(trial_slots).on_conflict_do_nothing(), rows)


def claim(
    connection: Connection, study: str, worker: str, now: ColumnElement[float], seconds: float, below: int | None = None
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
    lease = Lease(study, found.slot, found.token + 1, worker)
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
    return _write(connection, lease, lease_until=now + seconds)


def record_trial(connection: Connection, lease: Lease, number: int | None) -> bool:
    """Notes which Optuna trial is run for the slot, before it starts; False if the lease is lost."""
    return _write(connection, lease, trial_number=number)


def finish(
    connection: Connection, lease: Lease, number: int | None, outcome: Outcome, now: ColumnElement[float]
) -> bool:
    """Fills the slot for good; False if the lease is lost, and then nothing has changed."""
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


def held(connection: Connection, experiment: str) -> list[Lease]:
    """All leases of an experiment, run out or not."""
    query = select(trial_slots).where(slots.experiment == experiment, slots.state == "LEASED")
    rows = connection.execute(query.order_by(slots.study, slots.slot))
    return [Lease(row.study, row.slot, row.token, row.worker) for row in rows]


def results(connection: Connection, study: str) -> dict[int, int | None]:
    """Optuna trial of every slot that is done; None for a slot that was lost before it had one."""
    query = select(slots.slot, slots.trial_number).where(slots.study == study, slots.state == "DONE")
    return {row.slot: row.trial_number for row in connection.execute(query.order_by(slots.slot))}


def first_open(connection: Connection, study: str) -> int | None:
    """The lowest slot that is not done."""
    query = select(func.min(slots.slot)).where(slots.study == study, slots.state != "DONE")
    lowest: int | None = connection.execute(query).scalar_one()
    return lowest


def tally(connection: Connection, study: str, now: ColumnElement[float]) -> Tally:
    """Counts of one study."""
    is_failed = and_(slots.state == "DONE", slots.outcome == "FAIL")
    counts = connection.execute(
        select(
            func.count(),
            func.count().filter(slots.state == "DONE"),
            func.count().filter(is_failed),
            now - func.min(slots.first_leased),
        ).where(slots.study == study)
    ).one()
    last = select(slots.reason).where(slots.study == study, is_failed).order_by(slots.ended.desc(), slots.slot.desc())
    reason = connection.execute(last.limit(1)).scalar_one_or_none() if counts[2] else None
    return Tally(counts[0], counts[1], counts[2], counts[3] or 0.0, reason)


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


def _write(connection: Connection, lease: Lease, **values: object) -> bool:
    return connection.execute(update(trial_slots).where(_is_held(lease)).values(**values)).rowcount == 1


def _is_held(lease: Lease) -> ColumnElement[bool]:
    return and_(
        slots.study == lease.study, slots.slot == lease.slot, slots.token == lease.token, slots.state == "LEASED"
    )
