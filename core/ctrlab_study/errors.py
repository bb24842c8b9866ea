"""Errors of a study, one class for each way in which a worker handles them."""

from ctrlab_api.errors import InvalidInput, Problem, ServiceUnavailable


class StudyFailed(InvalidInput):
    """The study of one variant ended without a result; no retry can help (exit code 42 of a worker)."""

    def __init__(self, variant: str, reason: str) -> None:
        self.variant = variant
        self.reason = reason
        super().__init__([Problem(f"study of {variant}", reason)])


class LeaseLost(Exception):
    """Another worker has leased the slot; nothing that this worker computed for it may count."""


class StudyUnavailable(ServiceUnavailable):
    """The study database cannot be used; the message names it without its password."""


class TrialFailed(Exception):
    """An objective has no value for these parameters; the trial counts as failed, and the study continues."""


class WorkerInterrupted(Exception):
    """The worker was told to stop; its slot is released, and its trial does not count."""
