"""Waiting for a service that is unavailable: with growing pauses, a log line once in a while, and a limit.

The limit is minutes, not hours, because a new process may run on a healthy node and reads rotated credentials.
"""

import os
import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

from ctrlab_api.errors import InvalidSpec, Problem, ServiceUnavailable
from ctrlab_api.names import Variable

T = TypeVar("T")

DEFAULT_OUTAGE_SECONDS: Final = 600.0
DENIED_SECONDS: Final = 60.0
"""Wait after a rejected credential: it is read at the start of a process, so only a new process sees a rotated one."""
FIRST_PAUSE_SECONDS: Final = 0.1
MAX_PAUSE_SECONDS: Final = 15.0
QUIET_SECONDS: Final = 5.0
"""Outages up to this length are not logged."""
LOG_SECONDS: Final = 60.0
"""Time between two log lines during one outage."""


@dataclass(frozen=True)
class OutagePatience:
    """The time that a process waits for a service, with its clock, sleep and log."""

    seconds: float = DEFAULT_OUTAGE_SECONDS
    stop: Callable[[], bool] = lambda: False
    """Polled between two attempts: a process that was told to stop does not wait."""
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    log: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True)

    @classmethod
    def from_environment(
        cls, stop: Callable[[], bool] = lambda: False, environment: Mapping[str, str] = os.environ
    ) -> "OutagePatience":
        """Return the patience that CTRLAB_OUTAGE_SECONDS sets; InvalidSpec if it is not a number of seconds."""
        text = environment.get(Variable.OUTAGE_SECONDS)
        if text is None:
            return cls(stop=stop)
        try:
            seconds = float(text)
        except ValueError:
            seconds = -1.0
        if not 0 <= seconds < float("inf"):
            message = f"expected a number of seconds from 0, not {text!r}"
            raise InvalidSpec([Problem(Variable.OUTAGE_SECONDS, message)])
        return cls(seconds=seconds, stop=stop)

    def wait_out(self, work: Callable[[], T]) -> T:
        """Return the result of `work`, repeated while it raises ServiceUnavailable; it must be idempotent.

        Raises the last ServiceUnavailable, with the time of the first one, when the patience or the error's
        `longest_wait` is used up.
        """
        start: float | None = None
        began = ""
        pause, next_log = FIRST_PAUSE_SECONDS, QUIET_SECONDS
        while True:
            try:
                return work()
            except ServiceUnavailable as error:
                now = self.clock()
                if start is None:
                    start, began = now, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                elapsed = now - start
                remaining = min(self.seconds, error.longest_wait) - elapsed
                if remaining <= 0 or self.stop():
                    if not elapsed:
                        raise
                    raise type(error)(f"{error} (unavailable since {began})", longest_wait=0.0) from error
                if elapsed >= next_log:
                    self.log(f"waiting for a service that is unavailable since {began}: {error}")
                    next_log = elapsed + LOG_SECONDS
                self.sleep(min(pause * random.uniform(0.5, 1.0), remaining))
                pause = min(2 * pause, MAX_PAUSE_SECONDS)
