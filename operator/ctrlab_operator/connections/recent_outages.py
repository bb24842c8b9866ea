"""Memory of stores and databases that did not respond a moment ago.

A service that hangs occupies a reconcile thread until a timeout. Without this memory, the experiments that use it would
occupy all threads in turn, and delay experiments that use other services or none.
"""

import copy
import threading
import time
from collections.abc import Callable

RETRY_SECONDS = 10.0
"""Seconds after a failure for which the service is not asked again."""


class RecentOutages:
    """The last failure of each service; safe for threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[str, tuple[float, Exception, str]] = {}
        self._lock = threading.Lock()

    def add(self, service: str, error: Exception, prefix: str) -> None:
        """Record the failure of an experiment with this key prefix; one that `raise_recent` raised extends no pause."""
        with self._lock:
            known = self._failures.get(service)
            if known is None or error.__cause__ is not known[1]:
                self._failures[service] = (self._clock(), error, prefix)

    def raise_recent(self, service: str, prefix: str) -> None:
        """Raise the error of a service that failed less than RETRY_SECONDS ago.

        Its message has the key prefix of this experiment instead of the one that met the failure: a status must not
        name experiments of other namespaces.
        """
        with self._lock:
            failed = self._failures.get(service)
            if failed is None:
                return
            since, error, failed_prefix = failed
            if self._clock() - since >= RETRY_SECONDS:
                del self._failures[service]
                return
        repeated = copy.copy(error)
        repeated.args = tuple(str(part).replace(failed_prefix, prefix) for part in error.args)
        raise repeated from error.with_traceback(None)
