"""The status of a blocked resource: unchanged, except that it is Stalled with the reason.

The next reconcile that is not blocked clears the condition, because it writes the planner's status again.
"""

from ctrlab_api.names import ConditionType
from ctrlab_api.resources.status import ExperimentStatus, StatusCondition

MAX_MESSAGE_LENGTH = 2000


def blocked_status(
    base: ExperimentStatus, previous: ExperimentStatus | None, generation: int, now: str, reason: str, message: str
) -> ExperimentStatus:
    """Return `base` with Stalled instead of Ready.

    Transition times change only where a condition differs from the `previous` status; `now` is in RFC 3339.
    """
    previous_conditions = {condition.type: condition for condition in previous.conditions} if previous else {}

    def condition(condition_type: str, status: str) -> StatusCondition:
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
    conditions[ConditionType.READY] = condition(ConditionType.READY, "False")
    conditions[ConditionType.STALLED] = condition(ConditionType.STALLED, "True")
    return base.model_copy(
        update={
            "observed_generation": generation,
            "conditions": tuple(conditions[name] for name in sorted(conditions)),
        }
    )
