"""Start many short processes of one Python script without importing its modules again each time.

A fake worker computes next to nothing, but its imports take most of a second of CPU, and a story on the fake cluster
starts about fifteen of them. The fork server imports the script and calls its `preload()` once; each start is a `fork`
that runs `main()` in a session of its own, with separate environment, folder and log. Signals and exit codes are those
of real processes.

Run as a program, this module is the server: JSON lines on its standard input and output.
"""

import contextlib
import json
import os
import runpy
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


class Process(Protocol):
    """Methods of a process that the kubelet needs; `subprocess.Popen` has them as well."""

    @property
    def pid(self) -> int:
        """Its process id, which is also the id of its process group."""

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""

    def wait(self) -> int:
        """The exit code, as soon as the process has ended."""

    def kill(self) -> None:
        """Send SIGKILL."""


class ForkServer:
    """A process that has imported `script` and forks itself for every `start`."""

    def __init__(self, script: Path) -> None:
        self._lock = threading.Lock()
        self._server = subprocess.Popen(
            [sys.executable, __file__, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path) -> Process:
        """Run `main()` with these arguments; standard output and error are appended to `log`."""
        request = {"arguments": [*arguments], "environment": {**environment}, "folder": str(folder), "log": str(log)}
        return ForkedProcess(int(self.ask(request)), self)

    def stop(self) -> None:
        """End the server; its processes notice that their parent is gone."""
        self._server.kill()
        self._server.communicate()

    def ask(self, request: Mapping[str, Any]) -> Any:
        """Send one request and return the answer."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        with self._lock:
            self._server.stdin.write(json.dumps(request) + "\n")
            self._server.stdin.flush()
            return json.loads(self._server.stdout.readline())


@dataclass
class ForkedProcess:
    """A child of the fork server."""

    pid: int
    server: ForkServer
    code: int | None = None

    def poll(self) -> int | None:
        if self.code is None:
            self.code = self.server.ask({"poll": self.pid})
        return self.code

    def wait(self) -> int:
        if self.code is None:
            self.code = int(self.server.ask({"wait": self.pid}))
        return self.code

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, 9)


def _serve(main: Callable[[], int]) -> None:
    for line in sys.stdin:
        request = json.loads(line)
        if "arguments" in request:
            answer: int | None = os.fork()
            if answer == 0:
                _run(main, request)
        else:
            pid, status = os.waitpid(request.get("wait", request.get("poll")), 0 if "wait" in request else os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _run(main: Callable[[], int], request: Mapping[str, Any]) -> None:
    """Become the process that was asked for; does not return."""
    os.setsid()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"], CTRLAB_PARENT_PID=str(os.getppid()))
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    null = os.open(os.devnull, os.O_RDONLY)
    for target, descriptor in ((0, null), (1, log), (2, log)):
        os.dup2(descriptor, target)
    sys.argv[1:] = request["arguments"]
    code = 1
    try:
        code = main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    script = runpy.run_path(sys.argv[1], run_name="fork_server_script")
    script["preload"]()
    _serve(script["main"])
