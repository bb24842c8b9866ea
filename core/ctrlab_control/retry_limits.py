"""Number of restarts of one index of a job after failures, the same on Kubernetes and on one machine."""

from typing import Final

from ctrlab_control.planner.actions import Phase

TUNING_RETRIES: Final = 6
"""A tuning worker that fails loses only the trial in progress, so it may fail more often."""

DEFAULT_RETRIES: Final = 2
"""All other phases."""


def retry_limit(phase: Phase) -> int:
    """Return the retries of one index of a job of this phase; exit codes 42, 43, 75 and 143 have other rules."""
    return TUNING_RETRIES if phase == "tune" else DEFAULT_RETRIES
