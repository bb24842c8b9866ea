"""The result of one check of the planner; the first check that returns one decides."""

from collections.abc import Callable
from dataclasses import dataclass

from ctrlab_api.resources.status import Stage
from ctrlab_control.planner.actions import Action, DeleteJob, EnsureJob, JobRequest, ScaleJob
from ctrlab_control.planner.facts import Facts, JobFacts


@dataclass(frozen=True)
class Work:
    """The phase is in progress, and these actions advance it."""

    stage: Stage
    actions: tuple[Action, ...]
    message: str
    retry: str | None = None
    """Token of the request to retry that this decision acts on: phases that were over are in progress again."""


@dataclass(frozen=True)
class Pause:
    """The user suspended the experiment."""

    message: str = "suspended; set spec.suspend to false to continue"


@dataclass(frozen=True)
class Wait:
    """An ablation waits for its experiment to succeed, and then continues automatically."""

    message: str


@dataclass(frozen=True)
class Stall:
    """Nothing happens until the user acts; then the experiment continues."""

    reason: str
    message: str


@dataclass(frozen=True)
class Fail:
    """The experiment ends without a report."""

    reason: str
    message: str


@dataclass(frozen=True)
class Incomplete:
    """Every phase has ended, but planned runs are lost; somebody must have them run again, or do without them."""

    message: str


@dataclass(frozen=True)
class Success:
    """The report is published."""

    message: str = ""
    """Its conclusion and its address."""


@dataclass(frozen=True)
class Ended:
    """The experiment ended before, according to its status; nothing changes any more."""


CheckResult = Work | Pause | Wait | Stall | Fail | Incomplete | Success | Ended

Check = Callable[[Facts], CheckResult | None]
"""One check of the chain; None means that the next check decides."""


def ensure_job(facts: Facts, request: JobRequest) -> tuple[Action, ...]:
    """Return the action that creates, replaces or resizes the job; nothing if it is as requested or has ended."""
    job = facts.jobs.get(request.name)
    if job is None:
        return (EnsureJob(request),)
    if job.state == "Active" and job.is_outdated:
        return replace_outdated(job, request)
    if job.state == "Active" and job.parallelism != request.parallelism:
        return (ScaleJob(request.name, request.completions, request.parallelism),)
    return ()


def replace_outdated(job: JobFacts, request: JobRequest) -> tuple[Action, ...]:
    """Return the action that brings a changed specification to the workers of an active job without losing a result.

    A job whose workers have not started is deleted, and created again by the next decision. Otherwise, no worker starts
    with the old specification: a tuning worker can return its slot at any time, so its job is replaced as soon as it is
    about to start a worker; other jobs are reduced to the workers that run, and replaced when these have ended. Final
    runs with a record are not repeated.
    """
    if job.running == 0 or (request.phase == "tune" and (job.waiting or request.parallelism > job.parallelism)):
        return (DeleteJob(request.name, unless_changed=True),)
    if job.waiting and job.running < job.parallelism:
        return (ScaleJob(request.name, request.completions, job.running),)
    return ()
