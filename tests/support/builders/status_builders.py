"""Conditions of a status, to build and to read."""

from typing import Literal

from ctrlab_api.resources.status import ExperimentStatus, StatusCondition

EARLY = "2026-01-01T00:00:00Z"


def make_condition(
    condition_type: str, status: Literal["True", "False", "Unknown"] = "True", time: str = EARLY
) -> StatusCondition:
    """Return a condition whose reason is `Done`."""
    return StatusCondition(type=condition_type, status=status, last_transition_time=time, reason="Done")


def condition_of(status: ExperimentStatus, condition_type: str) -> StatusCondition:
    """Return the condition of a status; it must exist."""
    condition = status.condition(condition_type)
    assert condition is not None, condition_type
    return condition
