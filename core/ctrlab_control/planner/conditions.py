"""`status.conditions`: all ten, always, sorted; a time moves only when a condition changes its status."""

from typing import Literal

from ctrlab_api.names import ConditionType
from ctrlab_api.resources.status import ExperimentStatus, StatusCondition
from ctrlab_control.planner.check_results import CheckResult, Fail, Pause, Stall, Success, Wait, Work

Claim = tuple[Literal["True", "False"], str, str]
"""Status, reason and message of one condition."""


def conditions_of(
    previous: ExperimentStatus | None, generation: int, now: str, verdict: CheckResult, milestones: dict[str, bool]
) -> tuple[StatusCondition, ...]:
    """Every condition for this verdict; `milestones` tells which phases are over, `now` is RFC 3339."""
    claims: dict[str, Claim] = {
        ConditionType.RECONCILING: ("False", "UpToDate", ""),
        ConditionType.SUSPENDED: _claim(isinstance(verdict, Pause), "Suspended", "Running"),
        ConditionType.SUCCEEDED: _claim(isinstance(verdict, Success), "ReportPublished", "NotYet"),
        ConditionType.FAILED: _claim(False, "", "NoFailure"),
        ConditionType.STALLED: _claim(False, "", "Moving"),
        ConditionType.READY: ("True", _stage(verdict), verdict.message if isinstance(verdict, Work | Wait) else ""),
    }
    claims |= {name: _claim(reached, "Done", "NotYet") for name, reached in milestones.items()}
    if isinstance(verdict, Stall | Fail):
        claims[ConditionType.STALLED] = ("True", verdict.reason, verdict.message)
        claims[ConditionType.READY] = ("False", verdict.reason, verdict.message)
    if isinstance(verdict, Fail):
        claims[ConditionType.FAILED] = ("True", verdict.reason, verdict.message)
    return tuple(_condition(previous, generation, now, name, claims[name]) for name in sorted(claims))


def _claim(holds: bool, reason: str, otherwise: str) -> Claim:
    return ("True", reason, "") if holds else ("False", otherwise, "")


def _stage(verdict: CheckResult) -> str:
    if isinstance(verdict, Work):
        return verdict.stage
    if isinstance(verdict, Wait):
        return "WaitingForExperiment"
    return "Suspended" if isinstance(verdict, Pause) else "Succeeded"


def _condition(
    previous: ExperimentStatus | None, generation: int, now: str, name: str, claim: Claim
) -> StatusCondition:
    status, reason, message = claim
    before = previous.condition(name) if previous else None
    unchanged = before is not None and before.status == status
    return StatusCondition(
        type=name,
        status=status,
        observed_generation=generation,
        last_transition_time=before.last_transition_time if before and unchanged else now,
        reason=reason,
        message=message,
    )
