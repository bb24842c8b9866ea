"""Build `status.conditions`: all ten, sorted; a transition time changes only when the condition's status changes."""

from typing import Literal

from ctrlab_api.names import ConditionType
from ctrlab_api.resources.status import ExperimentStatus, StatusCondition
from ctrlab_control.planner.check_results import CheckResult, Fail, Pause, Stall, Success, Wait, Work

ConditionValue = tuple[Literal["True", "False"], str, str]
"""Status, reason and message of one condition."""


def conditions_of(
    previous: ExperimentStatus | None,
    generation: int,
    now: str,
    result: CheckResult,
    milestones: dict[str, bool],
    pending_change: str = "",
) -> tuple[StatusCondition, ...]:
    """Return every condition for this result; `milestones` are the phases that are over, `now` is RFC 3339.

    `pending_change` says which change of the specification has not reached all jobs; empty if there is none.
    """
    values: dict[str, ConditionValue] = {
        ConditionType.RECONCILING: _value(bool(pending_change), "ApplyingChange", "UpToDate", pending_change),
        ConditionType.SUSPENDED: _value(
            isinstance(result, Pause), "Suspended", "Running", result.message if isinstance(result, Pause) else ""
        ),
        ConditionType.SUCCEEDED: _value(isinstance(result, Success), "ReportPublished", "NotYet"),
        ConditionType.FAILED: _value(False, "", "NoFailure"),
        ConditionType.STALLED: _value(False, "", "Moving"),
        ConditionType.READY: (
            "True",
            _reason(result),
            result.message if isinstance(result, Work | Wait | Pause | Success) else "",
        ),
    }
    values |= {name: _value(is_reached, "Done", "NotYet") for name, is_reached in milestones.items()}
    if isinstance(result, Stall | Fail):
        values[ConditionType.STALLED] = ("True", result.reason, result.message)
        values[ConditionType.READY] = ("False", result.reason, result.message)
    if isinstance(result, Fail):
        values[ConditionType.FAILED] = ("True", result.reason, result.message)
    return tuple(_condition(previous, generation, now, name, values[name]) for name in sorted(values))


def _value(is_true: bool, reason_if_true: str, reason_if_false: str, message: str = "") -> ConditionValue:
    return ("True", reason_if_true, message) if is_true else ("False", reason_if_false, "")


def _reason(result: CheckResult) -> str:
    if isinstance(result, Work):
        return result.stage
    if isinstance(result, Wait):
        return "WaitingForExperiment"
    return "Suspended" if isinstance(result, Pause) else "Succeeded"


def _condition(
    previous: ExperimentStatus | None, generation: int, now: str, name: str, value: ConditionValue
) -> StatusCondition:
    status, reason, message = value
    before = previous.condition(name) if previous else None
    is_unchanged = before is not None and before.status == status
    return StatusCondition(
        type=name,
        status=status,
        observed_generation=generation,
        last_transition_time=before.last_transition_time if before and is_unchanged else now,
        reason=reason,
        message=message,
    )
