"""One indexed job on one machine: which indexes wait, run, are done or have failed. Knows no processes.

Follows a Kubernetes Job: retries by index, exit code 42 fails the whole job, 43 fails the index, and a worker that
was told to stop (143) is started again without using up a retry.
"""

import signal
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from ctrlab_api.names import ExitCode
from ctrlab_control.planner import JobFacts, JobRequest
from ctrlab_control.retry_limits import retry_limit

DISRUPTIONS = 20
"""How often an index is started again after somebody stopped it; a limit, lest a broken worker spins for ever."""


@dataclass
class LocalJob:
    """The state of one job, driven by `start` and `end`."""

    request: JobRequest
    parallelism: int
    pending: deque[int]
    running: set[int] = field(default_factory=set)
    failures: Counter[int] = field(default_factory=Counter)
    disruptions: Counter[int] = field(default_factory=Counter)
    failed: dict[int, str] = field(default_factory=dict)
    hopeless: str | None = None
    deleting: bool = False

    @classmethod
    def of(cls, request: JobRequest, done: Iterable[int] = ()) -> "LocalJob":
        """A new job; indexes in `done` need no process because their record exists."""
        skipped = frozenset(done)
        waiting = deque(index for index in range(request.completions) if index not in skipped)
        return cls(request=request, parallelism=request.parallelism, pending=waiting)

    def scale(self, completions: int, parallelism: int) -> None:
        """Change the size; new indexes wait, surplus waiting ones are dropped, running ones end by themselves."""
        known = max((*self.pending, *self.running, *self.failed, self.request.completions - 1)) + 1
        self.pending = deque(index for index in self.pending if index < completions)
        self.pending.extend(range(known, completions))
        self.parallelism = parallelism

    def startable(self) -> bool:
        """Whether an index may be started now."""
        return bool(self.pending) and not self.deleting and len(self.running) < self.parallelism

    def start(self) -> int:
        """Take the next index."""
        index = self.pending.popleft()
        self.running.add(index)
        return index

    def end(self, index: int, code: int, message: str) -> None:
        """The process of an index ended with this exit code (negative: the signal that killed it)."""
        self.running.discard(index)
        if self.deleting or self.hopeless is not None or code == ExitCode.SUCCESS:
            return
        if code == ExitCode.BAD_SPEC_OR_DATA:
            self.hopeless = message
            self.pending.clear()
        elif code == ExitCode.RUN_FAILED:
            self.failed[index] = message
        elif code in (ExitCode.TERMINATED, -signal.SIGTERM):
            self.disruptions[index] += 1
            self._again(index, self.disruptions[index] <= DISRUPTIONS, message)
        else:
            self.failures[index] += 1
            self._again(index, self.failures[index] <= retry_limit(self.request.phase), message)

    def delete(self) -> None:
        """Start nothing more."""
        self.deleting = True
        self.pending.clear()

    @property
    def ended(self) -> bool:
        """Whether nothing of it waits or runs."""
        return not self.pending and not self.running

    def facts(self, active_seconds: float) -> JobFacts:
        """As the planner sees it."""
        if self.deleting:
            return JobFacts(state="Deleting")
        lost = self.hopeless is not None or bool(self.failed)
        message = self.hopeless or next((self.failed[index] for index in sorted(self.failed)), "")
        return JobFacts(
            state="Active" if not self.ended else "Failed" if lost else "Complete",
            parallelism=self.parallelism,
            active_seconds=active_seconds,
            failed_indexes=frozenset(self.failed),
            hopeless=self.hopeless is not None,
            message=message,
        )

    def _again(self, index: int, allowed: bool, message: str) -> None:
        if allowed:
            self.pending.appendleft(index)
        else:
            self.failed[index] = message
