"""All jobs of one experiment as processes: started first come first served, never more than there are slots."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterable

from ctrlab.local.indexed_job import LocalJob
from ctrlab.local.worker_process import Launcher, Worker
from ctrlab_control.planner import JobFacts, JobRequest

GRACE_SECONDS = 30.0
"""How long a worker may take to give its trial back before it is killed, as terminationGracePeriodSeconds."""


class Processes:
    """The process table; only the engine's own thread calls it."""

    def __init__(self, launcher: Launcher, slots: int) -> None:
        self._launcher = launcher
        self._slots = slots
        self._jobs: dict[str, LocalJob] = {}
        self._began: dict[str, float] = {}
        self._lasted: dict[str, float] = {}
        self._workers: list[Worker] = []

    def create(self, request: JobRequest, done: Iterable[int] = ()) -> None:
        """Make the job unless it exists."""
        self._jobs.setdefault(request.name, LocalJob.of(request, done))

    def scale(self, name: str, completions: int, parallelism: int) -> None:
        """Change the size of a job."""
        self._jobs[name].scale(completions, parallelism)

    def delete(self, name: str) -> None:
        """Tell the job's workers to stop; its name is free once they are gone."""
        if name in self._jobs:
            self._jobs[name].delete()
            self._terminate(name)

    def step(self) -> bool:
        """Collect the processes that ended and start what may start; true if a worker ended other than well."""
        broken = False
        for worker in [w for w in self._workers if w.process.poll() is not None]:
            self._workers.remove(worker)
            code = worker.process.returncode
            broken = broken or code != 0
            job = self._jobs[worker.job]
            job.end(worker.index, code, worker.last_words(code))
            if job.hopeless is not None:
                self._terminate(worker.job)
        self._lose_patience()
        for name in [name for name, job in self._jobs.items() if job.deleting and job.ended]:
            del self._jobs[name]
            self._began.pop(name, None)
            self._lasted.pop(name, None)
        self._start_waiting()
        return broken

    def facts(self) -> dict[str, JobFacts]:
        """Every job as the planner sees it."""
        now = time.monotonic()
        for name, job in self._jobs.items():
            if not job.ended and name in self._began:
                self._lasted[name] = now - self._began[name]
        return {name: job.facts(self._lasted.get(name, 0.0)) for name, job in self._jobs.items()}

    def is_alive(self, worker: str) -> bool:
        """Whether a worker of this name runs."""
        return any(running.name == worker for running in self._workers)

    @property
    def running(self) -> tuple[Worker, ...]:
        """The workers now."""
        return tuple(self._workers)

    def stop(self) -> None:
        """SIGTERM to every worker, then wait; `kill` ends the patience at once."""
        for name, job in self._jobs.items():
            job.delete()
            self._terminate(name)
        while self._workers:
            self._lose_patience()
            self._workers = [worker for worker in self._workers if worker.process.poll() is None]
            if self._workers:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._workers[0].process.wait(timeout=0.2)

    def kill(self) -> None:
        """No more patience with workers that were told to stop."""
        for worker in self._workers:
            worker.kill_at = 0.0

    def _start_waiting(self) -> None:
        for name, job in self._jobs.items():
            while job.startable() and len(self._workers) < self._slots:
                self._began.setdefault(name, time.monotonic())
                self._workers.append(self._launcher.start(job.request, job.start()))

    def _terminate(self, name: str) -> None:
        for worker in self._workers:
            if worker.job == name and worker.kill_at is None:
                worker.kill_at = time.monotonic() + GRACE_SECONDS
                _signal(worker, signal.SIGTERM)

    def _lose_patience(self) -> None:
        for worker in self._workers:
            if worker.kill_at is not None and time.monotonic() >= worker.kill_at:
                _signal(worker, signal.SIGKILL)


def _signal(worker: Worker, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        worker.process.send_signal(number)
