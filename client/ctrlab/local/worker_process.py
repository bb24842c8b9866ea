"""Starting one worker process: its command line, its environment, its log, and what it said when it ended."""

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
"""How the two programs are started; other packages, so other processes."""

ONE_THREAD = {name: "1" for name in (Variable.THREADS, "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
"""Workers run side by side, one on each core."""

LAST_WORDS_BYTES = 4096


@dataclass
class Worker:
    """A process that works on one index of a job."""

    name: str
    job: str
    index: int
    process: subprocess.Popen[bytes]
    log: Path
    said: Path
    """Where it writes why it failed."""
    kill_at: float | None = None
    """When patience with a worker that was told to stop ends (monotonic seconds)."""

    def last_words(self, code: int) -> str:
        """Why it ended, in one line: its own message, or how it was killed and the last line of its log."""
        own = "; ".join(_last_lines(self.said))
        if own:
            return own
        if code < 0:
            name = signal.Signals(-code).name
            hint = " (out of memory?)" if -code == signal.SIGKILL else ""
            return f"killed by {name}{hint}; log: {self.log}"
        last = _last_lines(self.log)[-1:]
        return ": ".join([f"exit code {code}", *last]) + f"; log: {self.log}"


@dataclass(frozen=True)
class Launcher:
    """Starts workers of one experiment."""

    workspace: Workspace
    key: ExperimentKey
    lock: int
    """Descriptor of the lock that every worker inherits."""
    on_end: Callable[[], None]
    """Called from another thread as soon as a worker has ended."""
    programs: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: PROGRAMS)
    env: Mapping[str, str] = field(default_factory=dict)
    """spec.runtime.env."""

    def start(self, request: JobRequest, index: int) -> Worker:
        """Start one index; it leads its own session, so that Ctrl-C reaches the engine alone."""
        name = f"{request.name}-{index}-{uuid.uuid4().hex[:5]}"
        logs = self.workspace.logs(self.key.namespace, self.key.name)
        log, said = logs / f"{request.name}-{index}.log", logs / f"{request.name}-{index}.message"
        try:
            logs.mkdir(parents=True, exist_ok=True)
            said.unlink(missing_ok=True)
            with log.open("ab") as output:
                process = subprocess.Popen(
                    self.command(request),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=self._environment(name, index, said),
                    pass_fds=(self.lock,),
                    start_new_session=True,
                )
        except OSError as error:
            raise WorkspaceError.at(error.filename or logs, f"no worker could be started: {error.strerror}") from None
        worker = Worker(name=name, job=request.name, index=index, process=process, log=log, said=said)
        threading.Thread(target=self._watch, args=(process,), daemon=True).start()
        return worker

    def command(self, request: JobRequest) -> list[str]:
        """The command line of a job's workers."""
        place = ("--store", self.workspace.store.uri, "--experiment", self.key.prefix)
        return [*self.programs[request.program], *request.arguments, *place]

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        self.on_end()

    def _environment(self, worker: str, index: int, said: Path) -> dict[str, str]:
        return {
            **os.environ,
            **ONE_THREAD,
            **self.env,
            Variable.DATABASE_URL: self.workspace.database_url,
            Variable.PARENT_PID: str(os.getpid()),
            Variable.TERMINATION_LOG: str(said),
            Variable.WORKER: worker,
            "JOB_COMPLETION_INDEX": str(index),
        }


def _last_lines(path: Path) -> list[str]:
    """The lines at the end of a file that are not empty."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LAST_WORDS_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    return [line.strip() for line in lines if line.strip()]
