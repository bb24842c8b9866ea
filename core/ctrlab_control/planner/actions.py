"""Actions that the planner requests from a backend, which executes them in order; each is idempotent.

Suspending deletes active jobs instead of suspending them: the results of a worker are stored outside of its job, and on
a cluster `spec.suspend` of a Job belongs to the queueing system.
"""

from dataclasses import dataclass
from typing import Literal

from ctrlab_api.canonical_json import digest
from ctrlab_api.plan import Plan, RunGroup
from ctrlab_api.records import RetryRecord

Program = Literal["trainer", "report"]
Phase = Literal["prepare", "tune", "evaluate", "decide", "report"]


@dataclass(frozen=True)
class JobRequest:
    """A job that the planner requests; the backend adds store, experiment key and credentials."""

    name: str
    """Unique within the experiment, and never reused for another job."""
    phase: Phase
    program: Program
    """Package to run: `python -m ctrlab_<program>`."""
    arguments: tuple[str, ...]
    completions: int = 1
    parallelism: int = 1
    groups: tuple[RunGroup, ...] = ()
    """Final runs of each index; empty for other jobs."""

    @property
    def digest(self) -> str:
        """Digest of the job's content without its size, which may change."""
        return digest(
            {
                "name": self.name,
                "program": self.program,
                "arguments": list(self.arguments),
                "runs": [[group[0].variant, *(run.seed for run in group)] for group in self.groups],
            }
        )


@dataclass(frozen=True)
class WritePlan:
    """Freeze the plan: write it to the store, where it never changes."""

    plan: Plan


@dataclass(frozen=True)
class RaiseTrials:
    """Raise every study to this number of trials, unless one that would grow is closed."""

    trials: int


@dataclass(frozen=True)
class FreezeUnsearched:
    """Write the record of a study that needs no trials."""

    variant: str


@dataclass(frozen=True)
class RecordRetry:
    """Write the record of a retry."""

    record: RetryRecord


@dataclass(frozen=True)
class EnsureJob:
    """Create the job unless a job of this name exists."""

    request: JobRequest


@dataclass(frozen=True)
class ScaleJob:
    """Change the size of an active job."""

    name: str
    completions: int
    parallelism: int


@dataclass(frozen=True)
class DeleteJob:
    """Stop the job's workers (SIGTERM first) and delete the job."""

    name: str
    unless_changed: bool = False
    """Whether the job must stay if it changed since it was observed, for example because a worker has started."""


SharedAction = WritePlan | RaiseTrials | FreezeUnsearched | RecordRetry
"""Actions on store and study, which `ctrlab_control.executing` executes for every backend."""

JobAction = EnsureJob | ScaleJob | DeleteJob
"""Actions on jobs, which each backend executes in its own way."""

Action = SharedAction | JobAction
