"""Conditions of a status, to build and to read."""

from typing import Literal

from ctrlab_api.resources.status import ExperimentStatus, StatusCondition

EARLY = "2026-01-01T00:00:00Z"


def make_condition(
    condition_type: str, status: Literal["True", "False", "Unknown"] = "True", reason: str = "Done"
) -> StatusCondition:
    """Return a condition that has this status since the start of 2026."""
    return StatusCondition(type=condition_type, status=status, last_transition_time=EARLY, reason=reason)


def condition_of(status: ExperimentStatus, condition_type: str) -> StatusCondition:
    """Return the condition of a status; it must exist."""
    condition = status.condition(condition_type)
    assert condition is not None, condition_type
    return condition
