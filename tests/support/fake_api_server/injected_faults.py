"""Faults that a healthy server does not have: throttling, errors, slow responses."""

import threading
from dataclasses import dataclass


@dataclass
class Fault:
    """A fault of the next `times` requests that match."""

    status: int = 500
    """HTTP code; 0 answers correctly but late."""
    verb: str = ""
    """HTTP verb; empty matches all."""
    plural: str = ""
    """Kind of object; empty matches all."""
    times: int = 1
    seconds: float = 0.0
    """Delay before the response."""
    retry_after: int | None = None


class Faults:
    """The faults that have not happened yet."""

    def __init__(self) -> None:
        self._pending: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._pending.append(fault)

    def take(self, verb: str, plural: str) -> Fault | None:
        """Return the fault of this request, if it has one, and count it."""
        with self._lock:
            for fault in self._pending:
                if fault.verb in ("", verb) and fault.plural in ("", plural):
                    fault.times -= 1
                    if fault.times <= 0:
                        self._pending.remove(fault)
                    return fault
        return None
