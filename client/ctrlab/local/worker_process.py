"""Starts one worker process: its command line, environment and log, and the message that explains its end."""

import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ctrlab.local.errors import WorkspaceError
from ctrlab.local.workspace import Workspace
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import Variable
from ctrlab_control.planner import JobRequest

PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "trainer": (sys.executable, "-m", "ctrlab_trainer"),
    "report": (sys.executable, "-m", "ctrlab_report"),
}
"""Command line of each program; they are separate packages and run in separate processes."""

SINGLE_THREAD_ENV = {
    name: "1" for name in (Variable.THREADS, "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
}
"""Workers run in parallel, one per core."""

LOG_TAIL_BYTES = 4096

SIGNAL_HINTS = {"SIGKILL": " (out of memory?)", "SIGBUS": " (disk full? Files in memory maps have no other error)"}
"""Probable cause of the signals that kill a worker without a message."""


@dataclass
class WorkerProcess:
    """A process that works on one index of a job."""

    name: str
    job: str
    index: int
    process: subprocess.Popen[bytes]
    log: Path
    termination_log: Path
    """File to which the worker writes why it failed."""
    kill_at: float | None = None
    """End of the grace period of a worker that was asked to stop (monotonic seconds)."""

    def termination_message(self, code: int) -> str:
        """Return why the worker ended in one line: its own message, or signal or exit code with the last log line."""
        own_message = "; ".join(_last_lines(self.termination_log))
        if own_message:
            return own_message
        if code < 0:
            name = signal.Signals(-code).name
            hint = SIGNAL_HINTS.get(name, "")
            return f"killed by {name}{hint}; log: {self.log}"
        last_line = _last_lines(self.log)[-1:]
        return ": ".join([f"exit code {code}", *last_line]) + f"; log: {self.log}"


@dataclass(frozen=True)
class Launcher:
    """Starts workers of one experiment."""

    workspace: Workspace
    key: ExperimentKey
    lock: int
    """Descriptor of the lock that every worker inherits."""
    on_end: Callable[[], None]
    """Called from another thread when a worker has ended."""
    programs: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: PROGRAMS)
    env: Mapping[str, str] = field(default_factory=dict)
    """spec.runtime.env."""
    source_folder: str | None = None
    """Folder to which the paths of the experiment's sources are relative."""

    def start(self, request: JobRequest, index: int) -> WorkerProcess:
        """Start one index in a new session, so that Ctrl-C reaches the engine only."""
        name = f"{request.name}-{index}-{uuid.uuid4().hex[:5]}"
        logs = self.workspace.logs(self.key.namespace, self.key.name)
        log, termination_log = logs / f"{request.name}-{index}.log", logs / f"{request.name}-{index}.message"
        try:
            logs.mkdir(parents=True, exist_ok=True)
            termination_log.unlink(missing_ok=True)
            with log.open("ab") as output:
                process = subprocess.Popen(
                    self.command(request),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=self._environment(name, index, termination_log),
                    pass_fds=(self.lock,),
                    start_new_session=True,
                )
        except OSError as error:
            raise WorkspaceError.at(error.filename or logs, f"cannot start a worker: {error.strerror}") from None
        threading.Thread(target=self._watch, args=(process,), daemon=True).start()
        return WorkerProcess(name, request.name, index, process, log, termination_log)

    def command(self, request: JobRequest) -> list[str]:
        """Return the command line of a job's workers."""
        location = ("--store", self.workspace.store.uri, "--experiment", self.key.prefix)
        return [*self.programs[request.program], *request.arguments, *location]

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        self.on_end()

    def _environment(self, worker: str, index: int, termination_log: Path) -> dict[str, str]:
        return {
            **os.environ,
            **SINGLE_THREAD_ENV,
            **self.env,
            **source_folder_environment(self.source_folder),
            Variable.DATABASE_URL: self.workspace.database_url,
            Variable.PARENT_PID: str(os.getpid()),
            Variable.TERMINATION_LOG: str(termination_log),
            Variable.WORKER: worker,
            "JOB_COMPLETION_INDEX": str(index),
        }


def source_folder_environment(folder: str | None) -> dict[str, str]:
    """Return the variable that tells a trainer process to which folder the paths of sources are relative."""
    return {} if folder is None else {Variable.SOURCE_FOLDER: folder}


def _last_lines(path: Path) -> list[str]:
    """Return the non-empty lines in the last LOG_TAIL_BYTES of a file; none if it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LOG_TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    return [line.strip() for line in lines if line.strip()]
