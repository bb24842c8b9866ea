"""The error of a request to the API server, classified by what the caller can do next."""


class ApiError(Exception):
    """The API server rejected a request, or could not be reached (`status` is then 0)."""

    def __init__(self, status: int, reason: str, message: str, retry_after: float | None = None) -> None:
        """`status` is the HTTP code; `retry_after` the value of Retry-After in seconds."""
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        super().__init__(f"{status} {reason}: {message}" if status else message)

    @property
    def is_not_found(self) -> bool:
        """Whether the object does not exist."""
        return self.status == 404

    @property
    def is_conflict(self) -> bool:
        """Whether another client changed or owns the object, or the name is in use."""
        return self.status == 409

    @property
    def is_rejected(self) -> bool:
        """Whether the same request fails again until a person changes something."""
        return self.status in (400, 403, 422)
