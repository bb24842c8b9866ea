"""What one phase says of the facts; the first phase that says something decides."""

from collections.abc import Callable
from dataclasses import dataclass

from ctrlab_api.resources.status import Stage
from ctrlab_control.planner.actions import Action, EnsureJob, JobRequest, ScaleJob
from ctrlab_control.planner.facts import Facts


@dataclass(frozen=True)
class Work:
    """The phase is going on; these actions bring it forward."""

    stage: Stage
    actions: tuple[Action, ...]
    message: str


@dataclass(frozen=True)
class Pause:
    """The user asked to stop for now."""


@dataclass(frozen=True)
class Wait:
    """An ablation's turn has not come yet; it goes on by itself when its experiment has succeeded."""

    message: str


@dataclass(frozen=True)
class Stall:
    """Nothing will move until the user acts, and then it goes on."""

    reason: str
    message: str


@dataclass(frozen=True)
class Fail:
    """The experiment ends without a report."""

    reason: str
    message: str


@dataclass(frozen=True)
class Success:
    """The report is published."""


@dataclass(frozen=True)
class Ended:
    """It had ended before, as its status says; nothing changes any more."""


CheckResult = Work | Pause | Wait | Stall | Fail | Success | Ended

Check = Callable[[Facts], CheckResult | None]
"""One link of the chain; None means that it has nothing to say and the next one is asked."""


def ensure_job(facts: Facts, request: JobRequest) -> tuple[Action, ...]:
    """What makes a job of this name and size exist; nothing where it does, or where it has ended."""
    job = facts.jobs.get(request.name)
    if job is None:
        return (EnsureJob(request),)
    if job.state == "Active" and job.parallelism != request.parallelism:
        return (ScaleJob(request.name, request.completions, request.parallelism),)
    return ()
