"""Early termination of a worker: by SIGTERM, or because its parent process is gone.

A worker that outlives its engine would compute for nobody. It therefore watches its parent and treats its disappearance
as SIGTERM.
"""

import os
import signal
import threading
from types import FrameType

from ctrlab_api.names import ExitCode, Variable

SECONDS_BETWEEN_PARENT_CHECKS = 1.0


class Termination:
    """The handler of SIGTERM; created once, in the main thread, before work starts."""

    def __init__(self) -> None:
        self._requested = threading.Event()
        self._graceful = False
        signal.signal(signal.SIGTERM, self._handle)
        parent = os.environ.get(Variable.PARENT_PID)
        if parent:
            threading.Thread(target=_watch_parent, args=(int(parent),), daemon=True).start()

    def make_graceful(self) -> None:
        """Let the first SIGTERM from now on only set `requested`, which the work checks to end by itself."""
        self._graceful = True

    def requested(self) -> bool:
        """Whether the worker was told to stop."""
        return self._requested.is_set()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._graceful and not self._requested.is_set():
            self._requested.set()
            return
        raise SystemExit(ExitCode.TERMINATED)


def _watch_parent(parent: int) -> None:
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(SECONDS_BETWEEN_PARENT_CHECKS)
    os.kill(os.getpid(), signal.SIGTERM)
