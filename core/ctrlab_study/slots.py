"""The slots of a study: their tables, and the states FREE -> LEASED -> DONE.

The slots make a trial budget exact: one row for each trial that will count, in addition to Optuna's tables. Optuna
counts trials; however workers use that count, some budget is lost or exceeded when a worker dies. Here a worker must
lease a row to run a trial, and the trial counts when its row is DONE. A slot returns to FREE when its worker is lost or
releases it, and a free slot becomes SKIPPED when a stop rule ends the study before its budget is used.

Every write names the token of its lease, so a worker that was declared lost and comes back cannot change a slot that
was leased again. All functions run in the caller's transaction.
"""

from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    and_,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement

TrialOutcome = Literal["COMPLETE", "PRUNED", "FAIL"]

metadata: Final = MetaData()

trial_slots: Final = Table(
    "trial_slots",
    metadata,
    Column("study", String(255), primary_key=True, comment="name of the Optuna study"),
    Column("slot", Integer, primary_key=True, comment="from 0 to the budget"),
    Column("experiment", String(255), nullable=False, index=True, comment="namespace/name/uid"),
    Column("variant", String(64), nullable=False),
    Column("state", String(8), nullable=False, default="FREE", comment="FREE, LEASED, DONE, or SKIPPED by a stop rule"),
    Column("worker", String(255), comment="worker that leases or filled the slot"),
    Column(
        "token",
        Integer,
        nullable=False,
        default=0,
        comment="incremented by every lease; holders of older leases cannot write",
    ),
    Column("lease_until", Float, comment="seconds since 1970, by the database's clock"),
    Column("first_leased", Float, comment="time of the first lease, in the same unit"),
    Column("trial_number", Integer, comment="Optuna trial of the current lease, and of the result once DONE"),
    Column("losses", Integer, nullable=False, default=0, comment="workers that were lost while they leased the slot"),
    Column("outcome", String(8), comment="of a DONE slot: COMPLETE, PRUNED or FAIL"),
    Column("value", Float, comment="of a COMPLETE slot"),
    Column("reason", Text, comment="of a failed slot"),
    Column("ended", Float, comment="when the slot became DONE"),
)

trial_searches: Final = Table(
    "trial_searches",
    metadata,
    Column("study", String(255), primary_key=True, comment="name of the Optuna study"),
    Column("experiment", String(255), nullable=False, index=True, comment="namespace/name/uid"),
    Column("variant", String(64), nullable=False),
    Column("stop_rule", String(32), comment="field of tuning.stop that ended the study before its budget was used"),
    Column("stop_reason", Text, comment="the rule as a sentence"),
    Column("closed", Float, comment="when every slot was over; afterwards no slot can be added"),
)
"""One row for each study, locked by every process that closes the study or adds slots to it."""

trial_leases: Final = Table(
    "trial_leases",
    metadata,
    Column("study", String(255), primary_key=True),
    Column("slot", Integer, primary_key=True),
    Column("token", Integer, primary_key=True, comment="of the lease"),
    Column("worker", String(255), nullable=False),
    Column("gpus", Integer, nullable=False, comment="GPUs of the worker"),
    Column("since", Float, nullable=False, comment="seconds since 1970, by the database's clock"),
    Column("until", Float, nullable=False, comment="last sign of life of the worker"),
)
"""One row for each lease, including lost ones; tuning.stop.gpuTime adds up their durations."""

slots = trial_slots.c
leases = trial_leases.c


@dataclass(frozen=True)
class Lease:
    """The right to run the trial of one slot, until the slot is leased again."""

    study: str
    slot: int
    token: int
    worker: str
    gpus: int = 0
    """GPUs of the worker."""


@dataclass(frozen=True)
class LeasedSlot:
    """A new lease, and what the previous worker of the slot left behind."""

    lease: Lease
    unfinished_trial: int | None
    """Number of the lost worker's Optuna trial; None if no worker was lost."""
    losses: int
    """Workers that were lost while they leased the slot."""


@dataclass(frozen=True)
class Outcome:
    """Outcome of the trial of a slot."""

    state: TrialOutcome
    value: float | None = None
    reason: str | None = None


def create_missing(connection: Connection, study: str, experiment: str, variant: str, budget: int) -> None:
    """Add the slots that are missing up to `budget`; existing slots do not change."""
    rows = [{"study": study, "slot": slot, "experiment": experiment, "variant": variant} for slot in range(budget)]
    if rows:
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        connection.execute(dialect.insert(trial_slots).on_conflict_do_nothing(), rows)


def lease_next(
    connection: Connection,
    study: str,
    worker: str,
    now: ColumnElement[float],
    seconds: float,
    below: int | None = None,
    gpus: int = 0,
) -> LeasedSlot | None:
    """Lease the first slot (under `below`) that is free or whose lease has expired; return None if there is none.

    Slots that another transaction is about to lease are skipped, not waited for (PostgreSQL; SQLite has one writer).
    """
    expired = and_(slots.state == "LEASED", slots.lease_until < now)
    query = select(trial_slots).where(slots.study == study, or_(slots.state == "FREE", expired))
    if below is not None:
        query = query.where(slots.slot < below)
    row = connection.execute(query.order_by(slots.slot).limit(1).with_for_update(skip_locked=True)).one_or_none()
    if row is None:
        return None
    lease = Lease(study, row.slot, row.token + 1, worker, gpus)
    losses = row.losses + (row.state == "LEASED")
    _write_lease(connection, lease, losses, now, seconds)
    return LeasedSlot(lease, row.trial_number, losses)


def take_over(
    connection: Connection, lost: Lease, worker: str, now: ColumnElement[float], seconds: float
) -> LeasedSlot | None:
    """Lease the slot of a worker that is known to be gone; return None if the slot was leased again meanwhile."""
    row = connection.execute(select(trial_slots).where(_is_current(lost)).with_for_update()).one_or_none()
    if row is None:
        return None
    lease = Lease(lost.study, lost.slot, lost.token + 1, worker)
    _write_lease(connection, lease, row.losses + 1, now, seconds)
    return LeasedSlot(lease, row.trial_number, row.losses + 1)


def renew(connection: Connection, lease: Lease, now: ColumnElement[float], seconds: float) -> bool:
    """Extend a lease, even an expired one whose slot nobody leased; return False if the lease is lost."""
    _record_sign_of_life(connection, lease, now)
    return _update(connection, lease, lease_until=now + seconds)


def record_trial(connection: Connection, lease: Lease, number: int | None) -> bool:
    """Record which Optuna trial runs for the slot, before it starts; return False if the lease is lost."""
    return _update(connection, lease, trial_number=number)


def finish(
    connection: Connection, lease: Lease, number: int | None, outcome: Outcome, now: ColumnElement[float]
) -> bool:
    """Mark the slot DONE permanently; if the lease is lost, record only the time it took, and return False."""
    _record_sign_of_life(connection, lease, now)
    return _update(
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


def release(connection: Connection, lease: Lease) -> bool:
    """Make the slot FREE again; return False if the lease is lost."""
    return _update(connection, lease, state="FREE", worker=None, lease_until=None, trial_number=None)


def skip(connection: Connection, lease: Lease) -> bool:
    """End the slot without a trial because the study is stopped; return False if the lease is lost."""
    return _update(connection, lease, state="SKIPPED", worker=None, lease_until=None, trial_number=None)


def skip_free(connection: Connection, study: str) -> None:
    """End every slot that no worker leases, without a trial."""
    is_free = and_(slots.study == study, slots.state == "FREE")
    connection.execute(update(trial_slots).where(is_free).values(state="SKIPPED"))


def current_leases(connection: Connection, experiment: str) -> list[Lease]:
    """Return all leases of an experiment, expired or not."""
    query = select(trial_slots).where(slots.experiment == experiment, slots.state == "LEASED")
    rows = connection.execute(query.order_by(slots.study, slots.slot))
    return [Lease(row.study, row.slot, row.token, row.worker) for row in rows]


def _write_lease(connection: Connection, lease: Lease, losses: int, now: ColumnElement[float], seconds: float) -> None:
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


def _record_sign_of_life(connection: Connection, lease: Lease, now: ColumnElement[float]) -> None:
    row = and_(leases.study == lease.study, leases.slot == lease.slot, leases.token == lease.token)
    connection.execute(update(trial_leases).where(row).values(until=now))


def _update(connection: Connection, lease: Lease, **values: object) -> bool:
    return connection.execute(update(trial_slots).where(_is_current(lease)).values(**values)).rowcount == 1


def _is_current(lease: Lease) -> ColumnElement[bool]:
    return and_(
        slots.study == lease.study, slots.slot == lease.slot, slots.token == lease.token, slots.state == "LEASED"
    )
