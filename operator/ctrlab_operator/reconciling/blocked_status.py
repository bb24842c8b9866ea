"""The status of a blocked resource: unchanged, except that it is not Ready, with the reason.

It is Stalled if somebody must act, and Reconciling if the cause ends by itself, as kstatus defines the two.
The next reconcile that is not blocked clears the condition, because it writes the planner's status again.
"""

from ctrlab_api.names import ConditionType
from ctrlab_api.resources.status import ExperimentStatus, StatusCondition
from ctrlab_api.status_reasons import waits

MAX_MESSAGE_LENGTH = 2000


def blocked_status(
    base: ExperimentStatus, previous: ExperimentStatus | None, generation: int, now: str, reason: str, message: str
) -> ExperimentStatus:
    """Return `base` with Stalled or Reconciling instead of Ready.

    Transition times change only where a condition differs from the `previous` status; `now` is in RFC 3339.
    """
    previous_conditions = {condition.type: condition for condition in previous.conditions} if previous else {}

    def condition(condition_type: str, status: str, reason: str, message: str) -> StatusCondition:
        old = previous_conditions.get(condition_type)
        return StatusCondition.model_validate(
            {
                "type": condition_type,
                "status": status,
                "observed_generation": generation,
                "last_transition_time": old.last_transition_time if old and old.status == status else now,
                "reason": reason,
                "message": message[:MAX_MESSAGE_LENGTH],
            }
        )

    conditions = {condition.type: condition for condition in base.conditions}
    conditions[ConditionType.READY] = condition(ConditionType.READY, "False", reason, message)
    if waits(reason):
        conditions[ConditionType.RECONCILING] = condition(ConditionType.RECONCILING, "True", reason, message)
        conditions[ConditionType.STALLED] = condition(ConditionType.STALLED, "False", "Moving", "")
    else:
        conditions[ConditionType.STALLED] = condition(ConditionType.STALLED, "True", reason, message)
        if base.is_true(ConditionType.RECONCILING) and _waits_in(base):
            conditions[ConditionType.RECONCILING] = condition(ConditionType.RECONCILING, "False", "UpToDate", "")
    return base.model_copy(
        update={
            "observed_generation": generation,
            "conditions": tuple(conditions[name] for name in sorted(conditions)),
        }
    )


def status_with_note(base: ExperimentStatus, note: str) -> ExperimentStatus:
    """Return `base` with the note added to the message of Ready."""

    def noted(condition: StatusCondition) -> StatusCondition:
        message = f"{condition.message}; {note}" if condition.message else note
        return condition.model_copy(update={"message": message[:MAX_MESSAGE_LENGTH]})

    conditions = (noted(c) if c.type == ConditionType.READY else c for c in base.conditions)
    return base.model_copy(update={"conditions": tuple(conditions)})


def _waits_in(status: ExperimentStatus) -> bool:
    reconciling = status.condition(ConditionType.RECONCILING)
    return reconciling is not None and waits(reconciling.reason)
