"""The state of one indexed job: which indexes are pending, running, done or failed. It starts no processes itself.

It follows a Kubernetes Job: failures are retried per index, exit code 42 fails the whole job, 43 fails the index, and a
worker that was asked to stop (143) is restarted without using up a retry. A worker that ended during an outage (75) is
restarted without limit, each time after a longer delay.
"""

import math
import signal
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from ctrlab_api.names import ExitCode
from ctrlab_control.planner import JobFacts, JobRequest, Outage
from ctrlab_control.retry_limits import retry_limit

FIRST_DELAY_SECONDS = 10.0
"""Delay before the first restart during an outage, as of the Kubernetes Job controller; doubled before each further."""
MAX_DELAY_SECONDS = 600.0

MAX_DISRUPTIONS = 20
"""Number of restarts of an index that was asked to stop; bounded, so that a broken worker ends."""


@dataclass
class LocalJob:
    """The state of one job, changed by `start` and `end`."""

    request: JobRequest
    parallelism: int
    pending: deque[int]
    running: set[int] = field(default_factory=set)
    failures: Counter[int] = field(default_factory=Counter)
    disruptions: Counter[int] = field(default_factory=Counter)
    outages: Counter[int] = field(default_factory=Counter)
    """Consecutive ends of an index because infrastructure was unavailable."""
    start_at: dict[int, float] = field(default_factory=dict)
    """Earliest next start of an index during an outage (monotonic seconds)."""
    outage: Outage | None = None
    """The infrastructure that is unavailable; None once a worker has ended for another reason."""
    failed: dict[int, str] = field(default_factory=dict)
    """Message by index, for the indexes that have used up their retries."""
    non_retriable: str | None = None
    """Message of exit code 42, which fails the whole job."""
    deleting: bool = False

    @classmethod
    def create(cls, request: JobRequest, done: Iterable[int] = ()) -> "LocalJob":
        """Return a new job; indexes in `done` need no process because their record exists."""
        skipped = frozenset(done)
        pending = deque(index for index in range(request.completions) if index not in skipped)
        return cls(request=request, parallelism=request.parallelism, pending=pending)

    def scale(self, completions: int, parallelism: int) -> None:
        """Change the size: new indexes become pending, surplus pending ones are dropped, running ones finish."""
        first_new = max((*self.pending, *self.running, *self.failed, self.request.completions - 1)) + 1
        self.pending = deque(index for index in self.pending if index < completions)
        self.pending.extend(range(first_new, completions))
        self.parallelism = parallelism

    def can_start(self, now: float = math.inf) -> bool:
        """Whether another index may be started now (monotonic seconds)."""
        has_slot = not self.deleting and len(self.running) < self.parallelism
        return has_slot and any(self._is_due(index, now) for index in self.pending)

    def start(self, now: float = math.inf) -> int:
        """Move the next pending index that may start now to running and return it."""
        index = next(index for index in self.pending if self._is_due(index, now))
        self.pending.remove(index)
        self.running.add(index)
        return index

    def end(self, index: int, code: int, message: str, now: float = 0.0, time: str = "") -> None:
        """Record that the process of an index ended with this exit code (negative: the signal that killed it).

        `now` is in monotonic seconds, `time` the same moment in RFC 3339.
        """
        self.running.discard(index)
        if code == ExitCode.UNAVAILABLE and not self.deleting and self.non_retriable is None:
            self._restart_later(index, message, now, time)
            return
        self.outages.pop(index, None)
        self.outage = None
        if self.deleting or self.non_retriable is not None or code == ExitCode.SUCCESS:
            return
        if code == ExitCode.BAD_SPEC_OR_DATA:
            self.non_retriable = message
            self.pending.clear()
        elif code == ExitCode.RUN_FAILED:
            self.failed[index] = message
        elif code in (ExitCode.TERMINATED, -signal.SIGTERM):
            self.disruptions[index] += 1
            self._retry(index, self.disruptions[index] <= MAX_DISRUPTIONS, message)
        else:
            self.failures[index] += 1
            self._retry(index, self.failures[index] <= retry_limit(self.request.phase), message)

    def delete(self) -> None:
        """Start no further index; the job is gone when its running workers have ended."""
        self.deleting = True
        self.pending.clear()

    @property
    def ended(self) -> bool:
        """Whether no index is pending or running."""
        return not self.pending and not self.running

    def facts(self, active_seconds: float) -> JobFacts:
        """Return the job as the planner sees it."""
        if self.deleting:
            return JobFacts(state="Deleting")
        failed = self.non_retriable is not None or bool(self.failed)
        message = self.non_retriable or next((self.failed[index] for index in sorted(self.failed)), "")
        return JobFacts(
            state="Active" if not self.ended else "Failed" if failed else "Complete",
            parallelism=self.parallelism,
            active_seconds=active_seconds,
            failed_indexes=frozenset(self.failed),
            non_retriable=self.non_retriable is not None,
            message=message,
            index_messages=dict(self.failed),
            outage=self.outage,
        )

    def _is_due(self, index: int, now: float) -> bool:
        return self.start_at.get(index, 0.0) <= now

    def _restart_later(self, index: int, message: str, now: float, time: str) -> None:
        delay = min(FIRST_DELAY_SECONDS * 2.0 ** self.outages[index], MAX_DELAY_SECONDS)
        self.outages[index] += 1
        self.start_at[index] = now + delay
        self.outage = Outage(message, self.outage.since if self.outage else time)
        self.pending.appendleft(index)

    def _retry(self, index: int, allowed: bool, message: str) -> None:
        if allowed:
            self.pending.appendleft(index)
        else:
            self.failed[index] = message
