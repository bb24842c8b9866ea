"""What the planner can ask of a backend. Actions are carried out in order; each may be repeated without harm.

Suspending deletes active jobs instead of suspending them: everything a worker finishes is kept outside of its job, and
on a cluster `spec.suspend` of a Job belongs to the queueing system.
"""

from dataclasses import dataclass
from typing import Literal

from ctrlab_api.canonical_json import digest
from ctrlab_api.plan import Plan, RunGroup

Program = Literal["trainer", "report"]
Phase = Literal["prepare", "tune", "evaluate", "decide", "report"]


@dataclass(frozen=True)
class JobRequest:
    """A job as the planner wants it; the backend adds store, experiment key and credentials."""

    name: str
    """Unique and fixed within the experiment."""
    phase: Phase
    program: Program
    """Which package is run: `python -m ctrlab_<program>`."""
    arguments: tuple[str, ...]
    completions: int = 1
    parallelism: int = 1
    groups: tuple[RunGroup, ...] = ()
    """For final runs: which ones each index makes."""

    @property
    def digest(self) -> str:
        """Of what the job was made from; its size may change and is left out."""
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
    """Freeze the plan: put it into the store, where it never changes again."""

    plan: Plan


@dataclass(frozen=True)
class RaiseTrials:
    """Give every search so many trials, if none that would grow is over."""

    trials: int


@dataclass(frozen=True)
class FreezeUnsearched:
    """Write the record of a search that needs no trials."""

    variant: str


@dataclass(frozen=True)
class EnsureJob:
    """Create the job unless one of its name exists."""

    request: JobRequest


@dataclass(frozen=True)
class ScaleJob:
    """Change the size of an active job."""

    name: str
    completions: int
    parallelism: int


@dataclass(frozen=True)
class DeleteJob:
    """Stop the job's workers (SIGTERM first) and forget the job."""

    name: str


SharedAction = WritePlan | RaiseTrials | FreezeUnsearched
"""Actions on store and study, which `ctrlab_control.executing` executes for every backend."""

JobAction = EnsureJob | ScaleJob | DeleteJob
"""Actions on jobs, which each backend executes in its own way."""

Action = SharedAction | JobAction
