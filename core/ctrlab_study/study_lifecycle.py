"""Create, stop, close and extend a study: its row in the table of studies, and the rules of `tuning.stop`.

A process that closes a study or adds to its budget locks the study's row first. When a worker closes a study while a
user raises `tuning.trials`, one of them comes first and the other sees the result. Functions that take a connection run
in the caller's transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement

from ctrlab_api.metrics import Direction
from ctrlab_api.resources.tuning import Stop
from ctrlab_api.schema_types import duration_seconds
from ctrlab_study import slots
from ctrlab_study.slots import trial_searches
from ctrlab_study.study_progress import FinishedSlot, count_by_state, count_slots

StopRule = Literal["after", "gpuTime", "noImprovement"]

studies = trial_searches.c


@dataclass(frozen=True)
class StudyStop:
    """Why a study ended before its budget was used."""

    rule: StopRule
    """Field of `tuning.stop`."""
    reason: str


@dataclass(frozen=True)
class StudyUsage:
    """Time and trials that a study has used so far."""

    elapsed: float
    """Seconds since the first trial began."""
    gpu_seconds: float
    finished: Sequence[FinishedSlot]
    """Done slots, in the order in which they count."""


def create(connection: Connection, study: str, experiment: str, variant: str, budget: int) -> None:
    """Add the row and the slots that are missing; existing ones do not change."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    row = {"study": study, "experiment": experiment, "variant": variant}
    connection.execute(dialect.insert(trial_searches).on_conflict_do_nothing(), row)
    slots.create_missing(connection, study, experiment, variant, budget)


def recorded_stop(connection: Connection, study: str) -> StudyStop | None:
    """Return the rule that stopped the study, if one did; lock the study's row until the transaction ends."""
    query = select(studies.stop_rule, studies.stop_reason).where(studies.study == study).with_for_update()
    row = connection.execute(query).one()
    return StudyStop(row.stop_rule, row.stop_reason) if row.stop_rule is not None else None


def record_stop(connection: Connection, study: str, stop: StudyStop) -> None:
    """Record that the study is stopped; the caller holds the lock of its row."""
    values = {"stop_rule": stop.rule, "stop_reason": stop.reason}
    connection.execute(update(trial_searches).where(studies.study == study).values(values))


def close(connection: Connection, study: str, now: ColumnElement[float]) -> bool:
    """Close the study if every slot is over, and return whether it is closed; no slots can be added to it then."""
    row = connection.execute(select(studies.closed).where(studies.study == study).with_for_update()).one()
    if row.closed is not None:
        return True
    if not count_by_state(connection, study, now).is_over:
        return False
    connection.execute(update(trial_searches).where(studies.study == study).values(closed=now))
    return True


def raise_budgets(connection: Connection, experiment: str, budgets: Mapping[str, tuple[str, int]]) -> bool:
    """Raise every study of an experiment to its new budget; if one of them is closed, change nothing and return False.

    `budgets`: variant and number of slots by the name of the study.
    """
    for study, (variant, budget) in sorted(budgets.items()):
        create(connection, study, experiment, variant, budget=0)
        row = connection.execute(select(studies.closed).where(studies.study == study).with_for_update()).one()
        if row.closed is not None and count_slots(connection, study) < budget:
            return False
    for study, (variant, budget) in sorted(budgets.items()):
        slots.create_missing(connection, study, experiment, variant, budget)
    return True


def reason_to_stop(rules: Stop, usage: StudyUsage, budget: int, direction: Direction) -> StudyStop | None:
    """Return the first rule of `tuning.stop` that applies; None if none does or the whole budget is used. Pure."""
    done = len(usage.finished)
    if done >= budget:
        return None
    progress = f"after {done} of {budget} trials"
    if rules.after is not None and usage.elapsed >= duration_seconds(rules.after):
        return StudyStop("after", f"{progress}: the study has run for {rules.after}")
    if rules.gpu_time is not None and usage.gpu_seconds >= duration_seconds(rules.gpu_time):
        return StudyStop("gpuTime", f"{progress}: its trials have used GPUs for {rules.gpu_time}")
    if rules.no_improvement is not None and _trials_since_best(usage.finished, direction) >= rules.no_improvement:
        return StudyStop("noImprovement", f"{progress}: no new best value in the last {rules.no_improvement} trials")
    return None


def _trials_since_best(finished: Sequence[FinishedSlot], direction: Direction) -> int:
    """Count the trials after the one with the best value; 0 before the first complete trial."""
    best: float | None = None
    since = 0
    for trial in finished:
        is_better = trial.value is not None and (
            best is None or (trial.value > best if direction == "maximize" else trial.value < best)
        )
        if is_better:
            best, since = trial.value, 0
        elif best is not None:
            since += 1
    return since
