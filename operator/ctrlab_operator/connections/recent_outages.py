"""Memory of stores and databases that did not respond a moment ago.

A service that hangs occupies a reconcile thread until a timeout. Without this memory, the experiments that use it would
occupy all threads in turn, and delay experiments that use other services or none.
"""

import threading
import time
from collections.abc import Callable

RETRY_SECONDS = 10.0
"""Seconds after a failure for which the service is not asked again."""


class RecentOutages:
    """The last failure of each service; safe for threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[str, tuple[float, Exception]] = {}
        self._lock = threading.Lock()

    def add(self, service: str, error: Exception) -> None:
        """Record a failure; one that `raise_recent` raised is already known, and does not extend the pause."""
        with self._lock:
            known = self._failures.get(service)
            if known is None or known[1] is not error:
                self._failures[service] = (self._clock(), error)

    def raise_recent(self, service: str) -> None:
        """Raise the error of a service that failed less than RETRY_SECONDS ago."""
        with self._lock:
            failed = self._failures.get(service)
            if failed is None:
                return
            if self._clock() - failed[0] >= RETRY_SECONDS:
                del self._failures[service]
                return
        raise failed[1].with_traceback(None)
