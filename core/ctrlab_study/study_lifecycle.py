"""The row of a search: whether it was stopped, whether it is closed, and how slots are added to it until then.

Whoever decides that a search is over, or adds to its budget, holds the row's lock: of a worker that closes a search and
a user who raises `tuning.trials`, one comes first, and the other learns of it. All functions run in the caller's
transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement

from ctrlab_study import slots
from ctrlab_study.slot_tables import trial_leases, trial_searches, trial_slots

StopRule = Literal["after", "gpuTime", "noImprovement"]

searches = trial_searches.c
leases = trial_leases.c


@dataclass(frozen=True)
class StudyStop:
    """Why a search ended before its budget was used."""

    rule: StopRule
    """Field of `tuning.stop`."""
    reason: str


@dataclass(frozen=True)
class FinishedSlot:
    """One slot that is done, for the rule that asks for improvement."""

    slot: int
    value: float | None
    """None of a trial that is not complete."""


def ensure(connection: Connection, study: str, experiment: str, variant: str, budget: int) -> None:
    """Adds the row and the slots that are missing; what is there stays as it is."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    row = {"study": study, "experiment": experiment, "variant": variant}
    connection.execute(dialect.insert(trial_searches).on_conflict_do_nothing(), row)
    slots.ensure(connection, study, experiment, variant, budget)


def stopped(connection: Connection, study: str) -> StudyStop | None:
    """Whether a rule has stopped the search; locks its row until the transaction ends."""
    query = select(searches.stop_rule, searches.stop_reason).where(searches.study == study).with_for_update()
    found = connection.execute(query).one()
    return StudyStop(found.stop_rule, found.stop_reason) if found.stop_rule is not None else None


def stop(connection: Connection, study: str, why: StudyStop) -> None:
    """Notes that the search is stopped; the caller has its lock."""
    values = {"stop_rule": why.rule, "stop_reason": why.reason}
    connection.execute(update(trial_searches).where(searches.study == study).values(values))


def close(connection: Connection, study: str, now: ColumnElement[float]) -> bool:
    """Whether every slot is over; from the first time on that this is so, no slot can be added."""
    row = connection.execute(select(searches.closed).where(searches.study == study).with_for_update()).one()
    if row.closed is not None:
        return True
    if not slots.tally(connection, study, now).is_over:
        return False
    connection.execute(update(trial_searches).where(searches.study == study).values(closed=now))
    return True


def extend(connection: Connection, experiment: str, budgets: Mapping[str, tuple[str, int]]) -> bool:
    """Raises every search of an experiment to its new budget, or none; False if one of them is closed.

    `budgets`: variant and slots by the name of the study.
    """
    for study, (variant, budget) in sorted(budgets.items()):
        ensure(connection, study, experiment, variant, budget=0)
        row = connection.execute(select(searches.closed).where(searches.study == study).with_for_update()).one()
        if row.closed is not None and slots.count(connection, study) < budget:
            return False
    for study, (variant, budget) in sorted(budgets.items()):
        slots.ensure(connection, study, experiment, variant, budget)
    return True


def finished(connection: Connection, study: str, below: int | None = None) -> list[FinishedSlot]:
    """Slots that are done, in the order in which they ended; with `below`, in that of their numbers, as far as that."""
    query = select(trial_slots.c.slot, trial_slots.c.value).where(
        trial_slots.c.study == study, trial_slots.c.state == "DONE"
    )
    if below is not None:
        query = query.where(trial_slots.c.slot < below).order_by(trial_slots.c.slot)
    else:
        query = query.order_by(trial_slots.c.ended, trial_slots.c.slot)
    return [FinishedSlot(row.slot, row.value) for row in connection.execute(query)]


def gpu_seconds(connection: Connection, study: str) -> float:
    """Time that workers have held GPUs for this search, as far as they were heard of."""
    held = func.sum(leases.gpus * (leases.until - leases.since))
    return float(connection.execute(select(held).where(leases.study == study)).scalar_one() or 0.0)
