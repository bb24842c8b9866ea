"""The status of an experiment that cannot be brought forward now: everything as it was, but Stalled, with the reason.

It clears by itself: the next look that finds nothing in the way writes the planner's status again.
"""

from ctrlab_api.names import ConditionType
from ctrlab_api.resources.status import ExperimentStatus, StatusCondition

LONGEST_MESSAGE = 2000


def blocked_status(
    base: ExperimentStatus, before: ExperimentStatus | None, generation: int, now: str, reason: str, message: str
) -> ExperimentStatus:
    """`base` with Stalled instead of Ready; times move only where a condition differs from what was written `before`.

    `now` as RFC 3339.
    """
    written = {condition.type: condition for condition in before.conditions} if before else {}

    def condition(kind: str, status: str) -> StatusCondition:
        old = written.get(kind)
        return StatusCondition.model_validate(
            {
                "type": kind,
                "status": status,
                "observed_generation": generation,
                "last_transition_time": old.last_transition_time if old and old.status == status else now,
                "reason": reason,
                "message": message[:LONGEST_MESSAGE],
            }
        )

    conditions = {found.type: found for found in base.conditions}
    conditions[ConditionType.READY] = condition(ConditionType.READY, "False")
    conditions[ConditionType.STALLED] = condition(ConditionType.STALLED, "True")
    return base.model_copy(
        update={
            "observed_generation": generation,
            "conditions": tuple(conditions[kind] for kind in sorted(conditions)),
        }
    )
