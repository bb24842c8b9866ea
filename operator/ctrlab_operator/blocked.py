"""The error that stops a reconcile until the user or the cluster changes something."""

from dataclasses import dataclass


@dataclass
class Blocked(Exception):
    """A resource cannot be reconciled now; the queue retries it with growing delays."""

    reason: str
    """Reason of the condition, in CamelCase."""
    message: str
    """The problem and the remedy; never contains a secret."""
    tolerated_failures: int = 0
    """Consecutive failures that are not reported in the status."""

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"
