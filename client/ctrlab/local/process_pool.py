"""The jobs of one experiment as processes: started in order of creation, never more at once than `slots`."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from ctrlab.local.indexed_job import LocalJob
from ctrlab.local.worker_process import Launcher, WorkerProcess
from ctrlab_control.planner import JobFacts, JobRequest

GRACE_SECONDS = 30.0
"""Time for a worker to release its slot before it is killed, as terminationGracePeriodSeconds on a cluster."""


class ProcessPool:
    """Jobs and their worker processes; called from the engine's thread only."""

    def __init__(self, launcher: Launcher, slots: int) -> None:
        """`slots`: maximum number of processes at the same time."""
        self._launcher = launcher
        self._slots = slots
        self._jobs: dict[str, LocalJob] = {}
        self._started_at: dict[str, float] = {}
        self._active_seconds: dict[str, float] = {}
        self._workers: list[WorkerProcess] = []

    def create(self, request: JobRequest, done: Iterable[int] = ()) -> None:
        """Create the job unless it exists; indexes in `done` are not started."""
        self._jobs.setdefault(request.name, LocalJob.create(request, done))

    def scale(self, name: str, completions: int, parallelism: int) -> None:
        """Change the size of a job."""
        self._jobs[name].scale(completions, parallelism)

    def delete(self, name: str) -> None:
        """Ask the job's workers to stop; the name is free again once they have ended."""
        if name in self._jobs:
            self._jobs[name].delete()
            self._terminate(name)

    def step(self) -> bool:
        """Collect ended processes and start pending indexes; true if a process ended with an exit code other than 0."""
        any_failed = False
        for worker in [w for w in self._workers if w.process.poll() is not None]:
            self._workers.remove(worker)
            code = worker.process.returncode
            any_failed = any_failed or code != 0
            job = self._jobs[worker.job]
            time_now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            job.end(worker.index, code, worker.termination_message(code), time.monotonic(), time_now)
            if job.non_retriable is not None:
                self._terminate(worker.job)
        self._kill_overdue()
        for name in [name for name, job in self._jobs.items() if job.deleting and job.ended]:
            del self._jobs[name]
            self._started_at.pop(name, None)
            self._active_seconds.pop(name, None)
        self._start_pending()
        return any_failed

    def facts(self) -> dict[str, JobFacts]:
        """Return every job as the planner sees it."""
        now = time.monotonic()
        for name, job in self._jobs.items():
            if not job.ended and name in self._started_at:
                self._active_seconds[name] = now - self._started_at[name]
        return {name: job.facts(self._active_seconds.get(name, 0.0)) for name, job in self._jobs.items()}

    def is_alive(self, worker: str) -> bool:
        """Whether a worker of this name is running."""
        return any(running.name == worker for running in self._workers)

    @property
    def running(self) -> tuple[WorkerProcess, ...]:
        """The running workers."""
        return tuple(self._workers)

    def stop(self) -> None:
        """Send SIGTERM to every worker and wait for them; `kill` ends the wait at once."""
        for name, job in self._jobs.items():
            job.delete()
            self._terminate(name)
        while self._workers:
            self._kill_overdue()
            self._workers = [worker for worker in self._workers if worker.process.poll() is None]
            if self._workers:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._workers[0].process.wait(timeout=0.2)

    def kill(self) -> None:
        """End the grace period of every worker now."""
        for worker in self._workers:
            worker.kill_at = 0.0

    def _start_pending(self) -> None:
        for name, job in self._jobs.items():
            now = time.monotonic()
            while job.can_start(now) and len(self._workers) < self._slots:
                self._started_at.setdefault(name, now)
                self._workers.append(self._launcher.start(job.request, job.start(now)))

    def _terminate(self, name: str) -> None:
        for worker in self._workers:
            if worker.job == name and worker.kill_at is None:
                worker.kill_at = time.monotonic() + GRACE_SECONDS
                _signal(worker, signal.SIGTERM)

    def _kill_overdue(self) -> None:
        for worker in self._workers:
            if worker.kill_at is not None and time.monotonic() >= worker.kill_at:
                _signal(worker, signal.SIGKILL)


def _signal(worker: WorkerProcess, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        worker.process.send_signal(number)
