"""Errors in what a user provides, as types with one clear message each.

Whoever catches `InvalidInput` prints `str(error)` without traceback and exits with code 2 (`ctrlab`) or 42 (worker).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One problem: where it is, what was given and what is allowed."""

    where: str
    """The path of a field (`spec.models[0].search`) or a position in a file (`ratings.tsv, row 7, column price`)."""
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class InvalidInput(Exception):
    """The user's input cannot be used; the message lists every problem, one per line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))

    def __reduce__(self) -> tuple[type["InvalidInput"], tuple[tuple[Problem, ...]]]:
        """Keep the problems when the error is pickled between processes."""
        return type(self), (self.problems,)


class InvalidSpec(InvalidInput):
    """A resource violates the schema or its rules."""


class InvalidData(InvalidInput):
    """The data contradict the specification."""

    @classmethod
    def at(cls, where: str, message: str) -> "InvalidData":
        """Return the error for a single problem."""
        return cls([Problem(where, message)])


class FinalRunFailed(Exception):
    """One run cannot succeed, whatever the number of retries; other runs are not affected."""


class RequestFailed(Exception):
    """A service rejected a request of this process; the message is complete without a traceback."""


class ServiceUnavailable(RequestFailed):
    """Something that no run is responsible for cannot be used now: a store, a database, a network, a full disk."""

    longest_wait: float = math.inf
    """Seconds after which waiting inside the process is useless, although a new process may succeed."""

    def __init__(self, message: str, *, longest_wait: float = math.inf) -> None:
        super().__init__(message)
        self.longest_wait = longest_wait
