"""How far the searches of an experiment are, from the slots alone: one grouped query, cheap enough to be polled."""

from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, select

from ctrlab_study.direction import Direction
from ctrlab_study.slot_tables import trial_slots

slots = trial_slots.c


@dataclass(frozen=True)
class StudyProgress:
    """One variant's search."""

    budget: int
    done: int = 0
    """Slots with a counted trial, whatever its outcome."""
    failed: int = 0
    """Those of them whose trial failed."""
    leased: int = 0
    """Trials that are running."""
    best_value: float | None = None
    """Best validation value of the complete trials."""
    last_failure: str | None = None
    lost: int = 0
    """Workers that were lost in mid-trial; their slots are run again."""
    skipped: int = 0
    """Slots that a rule of `tuning.stop` has left out."""

    @property
    def is_over(self) -> bool:
        """Whether no slot will be run any more."""
        return self.done + self.skipped >= self.budget


def progress(
    connection: Connection, experiment: str, budgets: dict[str, int], direction: Direction
) -> dict[str, StudyProgress]:
    """Progress by variant over all its searches, for all that `budgets` names; zeros where nothing has begun.

    The budget is the planned one or, where slots were added, their number.
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
    found = {
        variant: StudyProgress(
            max(budgets[variant], slots_made), done, failed, leased, value, reasons.get(variant), lost, skipped
        )
        for variant, done, failed, leased, value, lost, slots_made, skipped in counts
        if variant in budgets
    }
    return {variant: found.get(variant, StudyProgress(budget)) for variant, budget in budgets.items()}
