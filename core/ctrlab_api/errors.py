"""What can be wrong with what a user hands in, as types with one clear message each.

Whoever catches `InvalidInput` prints `str(error)` and ends with exit code 2 (`ctrlab`) or 42 (a worker): no traceback.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where it is, and what was found and is allowed there."""

    where: str
    """A field's path (`spec.models[0].search`) or a place in a file (`ratings.tsv, row 7, column price`)."""
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class InvalidInput(Exception):
    """The user's input cannot be used; lists every problem found, one a line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))

    def __reduce__(self) -> tuple[type["InvalidInput"], tuple[tuple[Problem, ...]]]:
        """So that it comes whole from another process."""
        return type(self), (self.problems,)


class InvalidSpec(InvalidInput):
    """A resource breaks the schema or its rules."""


class InvalidData(InvalidInput):
    """The data breaks what the specification says of it."""

    @classmethod
    def at(cls, where: str, message: str) -> "InvalidData":
        """The common case of a single problem."""
        return cls([Problem(where, message)])
