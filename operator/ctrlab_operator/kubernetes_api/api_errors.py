"""What can go wrong between the operator and what it talks to, told apart by what to do next."""

from dataclasses import dataclass


class ApiError(Exception):
    """The API server refused or could not be reached; `status` is 0 in the latter case."""

    def __init__(self, status: int, reason: str, message: str, retry_after: float | None = None) -> None:
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        super().__init__(f"{status} {reason}: {message}" if status else message)

    @property
    def is_absent(self) -> bool:
        """There is no such object."""
        return self.status == 404

    @property
    def is_conflict(self) -> bool:
        """Somebody else changed or owns it, or the name is taken."""
        return self.status == 409

    @property
    def is_refusal(self) -> bool:
        """The request will be refused again until a person changes something."""
        return self.status in (400, 403, 422)


@dataclass
class Blocked(Exception):
    """An experiment cannot be looked at or brought forward now; it is tried again, ever more rarely."""

    reason: str
    """For the condition, in CamelCase."""
    message: str
    """What is wrong and what to do, without secrets."""
    patience: int = 0
    """How many times in a row it may happen before the status tells of it."""

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"
