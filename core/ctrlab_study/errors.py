"""How a search can go wrong for a worker, told apart by what the worker has to do next."""

from ctrlab_api.errors import InvalidInput, Problem


class StudyFailed(InvalidInput):
    """The search of one variant is over without a result; no retry can help (exit code 42 of a worker)."""

    def __init__(self, variant: str, reason: str) -> None:
        self.variant = variant
        self.reason = reason
        super().__init__([Problem(f"search of {variant}", reason)])


class LeaseLost(Exception):
    """The slot belongs to another worker now; what this one has computed for it must not count."""


class StudyUnavailable(Exception):
    """The study database cannot be used; names it without its password."""


class TrialFailed(Exception):
    """An objective cannot give a value for these parameters; the trial counts as failed, and the search goes on."""


class WorkerInterrupted(Exception):
    """The worker was asked to stop; its slot goes back and its trial does not count."""
