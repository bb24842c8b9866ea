"""How a worker ends early: by SIGTERM, or because the process that started it is gone.

A worker that outlived its engine would go on computing for nobody, so it watches its parent and treats its
disappearance as SIGTERM.
"""

import os
import signal
import threading
from types import FrameType

from ctrlab_api.names import ExitCode, Variable

SECONDS_BETWEEN_LOOKS = 1.0


class Termination:
    """Installed once, in the main thread, before work starts."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._patient = False
        signal.signal(signal.SIGTERM, self._handle)
        parent = os.environ.get(Variable.PARENT_PID)
        if parent:
            threading.Thread(target=_watch_parent, args=(int(parent),), daemon=True).start()

    def wait_for_work(self) -> None:
        """From now on the first SIGTERM only makes `asked` true: the work looks there, and ends by itself."""
        self._patient = True

    def asked(self) -> bool:
        """Whether the worker was told to stop."""
        return self._asked.is_set()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._patient and not self._asked.is_set():
            self._asked.set()
            return
        raise SystemExit(ExitCode.TERMINATED)


def _watch_parent(parent: int) -> None:
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(SECONDS_BETWEEN_LOOKS)
    os.kill(os.getpid(), signal.SIGTERM)
