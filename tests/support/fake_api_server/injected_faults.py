"""What a healthy server does not do: throttle, fail, answer late."""

import threading
from dataclasses import dataclass


@dataclass
class Fault:
    """The next `times` requests that fit are answered wrongly."""

    status: int = 500
    """0: answered rightly, but late."""
    verb: str = ""
    """HTTP verb; empty fits all."""
    plural: str = ""
    """Resource; empty fits all."""
    times: int = 1
    seconds: float = 0.0
    """Delay before the answer."""
    retry_after: int | None = None


class Faults:
    """Those that are still to come."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._waiting.append(fault)

    def take(self, verb: str, plural: str) -> Fault | None:
        """The fault of this request, if it has one."""
        with self._lock:
            for fault in self._waiting:
                if fault.verb in ("", verb) and fault.plural in ("", plural):
                    fault.times -= 1
                    if fault.times <= 0:
                        self._waiting.remove(fault)
                    return fault
        return None
