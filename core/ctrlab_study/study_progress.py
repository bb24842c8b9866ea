"""Counts over the slots of a study or an experiment: read-only, and cheap enough to be polled."""

from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, select
from sqlalchemy.sql.elements import ColumnElement

from ctrlab_api.metrics import Direction
from ctrlab_study.slots import trial_leases, trial_slots

slots = trial_slots.c
leases = trial_leases.c


@dataclass(frozen=True)
class StudyProgress:
    """Progress of one variant's studies."""

    budget: int
    done: int = 0
    """Slots with a counted trial, whatever its outcome."""
    failed: int = 0
    """Done slots whose trial failed."""
    leased: int = 0
    """Running trials."""
    best_value: float | None = None
    """Best validation value of the complete trials."""
    last_failure: str | None = None
    lost: int = 0
    """Workers that were lost during a trial; their slots are run again."""
    skipped: int = 0
    """Slots that a rule of `tuning.stop` left out."""

    @property
    def is_over(self) -> bool:
        """Whether no slot will be run any more."""
        return self.done + self.skipped >= self.budget


@dataclass(frozen=True)
class SlotCounts:
    """Number of slots of one study, by state."""

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


@dataclass(frozen=True)
class FinishedSlot:
    """A slot that is done, with its value; None unless its trial is complete."""

    slot: int
    value: float | None


def progress_by_variant(
    connection: Connection, experiment: str, budgets: dict[str, int], direction: Direction
) -> dict[str, StudyProgress]:
    """Return the progress over all studies of each variant in `budgets`; zeros where no trial has started.

    One grouped query. The budget is the planned one, or the number of slots where slots were added.
    """
    best = func.max(slots.value) if direction == "maximize" else func.min(slots.value)
    is_failed = and_(slots.state == "DONE", slots.outcome == "FAIL")
    counts = connection.execute(
        select(
            slots.variant,
            func.count().filter(slots.state == "DONE"),
            func.count().filter(is_failed),
            func.count().filter(slots.state == "LEASED"),
            best,
            func.sum(slots.losses),
            func.count(),
            func.count().filter(slots.state == "SKIPPED"),
        )
        .where(slots.experiment == experiment)
        .group_by(slots.variant)
    ).all()
    reasons: dict[str, str | None] = {}
    if any(failed for _, _, failed, *_ in counts):
        query = select(slots.variant, slots.reason).where(slots.experiment == experiment, is_failed)
        reasons = {row.variant: row.reason for row in connection.execute(query.order_by(slots.ended, slots.slot))}
    started = {
        variant: StudyProgress(
            max(budgets[variant], slot_count), done, failed, leased, value, reasons.get(variant), lost, skipped
        )
        for variant, done, failed, leased, value, lost, slot_count, skipped in counts
        if variant in budgets
    }
    return {variant: started.get(variant, StudyProgress(budget)) for variant, budget in budgets.items()}


def count_by_state(connection: Connection, study: str, now: ColumnElement[float]) -> SlotCounts:
    """Count the slots of one study; a skipped slot is over, but has no trial."""
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


def count_slots(connection: Connection, study: str) -> int:
    """Return the number of slots of one study."""
    return connection.execute(select(func.count()).where(slots.study == study)).scalar_one()


def first_open_slot(connection: Connection, study: str) -> int | None:
    """Return the lowest slot that is not over; None if all are."""
    query = select(func.min(slots.slot)).where(slots.study == study, slots.state.not_in(("DONE", "SKIPPED")))
    lowest: int | None = connection.execute(query).scalar_one()
    return lowest


def trial_of_slot(connection: Connection, study: str) -> dict[int, int | None]:
    """Return the Optuna trial number of every done slot; None for a slot that was lost before it had a trial."""
    query = select(slots.slot, slots.trial_number).where(slots.study == study, slots.state == "DONE")
    return {row.slot: row.trial_number for row in connection.execute(query.order_by(slots.slot))}


def finished_slots(connection: Connection, study: str, below: int | None = None) -> list[FinishedSlot]:
    """Return the done slots in the order in which they ended; with `below`, those under it by number."""
    query = select(slots.slot, slots.value).where(slots.study == study, slots.state == "DONE")
    if below is not None:
        query = query.where(slots.slot < below).order_by(slots.slot)
    else:
        query = query.order_by(slots.ended, slots.slot)
    return [FinishedSlot(row.slot, row.value) for row in connection.execute(query)]


def gpu_seconds(connection: Connection, study: str) -> float:
    """Return how long workers held GPUs for this study, until the last sign of life of each."""
    total = func.sum(leases.gpus * (leases.until - leases.since))
    return float(connection.execute(select(total).where(leases.study == study)).scalar_one() or 0.0)
