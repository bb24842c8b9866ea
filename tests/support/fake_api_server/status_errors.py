"""Errors of the API server, as `Status` objects."""

from typing import Any


class StatusError(Exception):
    """A `Status` object with an HTTP code."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        self.code = code
        self.reason = reason
        self.message = message
        super().__init__(f"{code} {reason}: {message}")

    @property
    def body(self) -> dict[str, Any]:
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "code": self.code,
            "reason": self.reason,
            "message": self.message,
        }


def not_found(plural: str, name: str) -> StatusError:
    return StatusError(404, "NotFound", f'{plural} "{name}" not found')


def conflict(message: str) -> StatusError:
    return StatusError(409, "Conflict", message)


def invalid(kind: str, name: str, problems: list[str]) -> StatusError:
    return StatusError(422, "Invalid", f'{kind} "{name}" is invalid: {"; ".join(problems)}')
