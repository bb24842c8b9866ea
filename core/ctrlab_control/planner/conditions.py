"""Build `status.conditions`: all eleven, sorted; a transition time changes only when the condition's status changes."""

from typing import Literal

from ctrlab_api.names import ConditionType
from ctrlab_api.resources.status import ExperimentStatus, StatusCondition
from ctrlab_api.status_reasons import waits
from ctrlab_control.planner.check_results import CheckResult, Fail, Incomplete, Pause, Stall, Success, Wait, Work

ConditionValue = tuple[Literal["True", "False"], str, str]
"""Status, reason and message of one condition."""


def conditions_of(
    previous: ExperimentStatus | None,
    generation: int,
    now: str,
    result: CheckResult,
    milestones: dict[str, bool],
    reconciling: tuple[str, str] | None = None,
    runs_lost: str = "",
) -> tuple[StatusCondition, ...]:
    """Return every condition for this result; `milestones` are the phases that are over, `now` is RFC 3339.

    `reconciling` is reason and message of what clears by itself: an outage, or a change that has not reached all jobs.
    `runs_lost` names the lost runs; empty if there are none.
    """
    values: dict[str, ConditionValue] = {
        ConditionType.RECONCILING: ("True", *reconciling) if reconciling else ("False", "UpToDate", ""),
        ConditionType.RUNS_LOST: _value(bool(runs_lost), "RunsFailed", "NoneLost", runs_lost),
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
    if reconciling is not None and waits(reconciling[0]):
        values[ConditionType.READY] = ("False", *reconciling)
    if isinstance(result, Stall | Fail | Incomplete):
        reason = ConditionType.RUNS_LOST if isinstance(result, Incomplete) else result.reason
        values[ConditionType.STALLED] = ("True", reason, result.message)
        values[ConditionType.READY] = ("False", reason, result.message)
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
