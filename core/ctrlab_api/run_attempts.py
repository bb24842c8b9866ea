"""The attempts of final runs in a listing of object keys: `runs/<variant>/<seed>/<attempt>/<file>`.

The attempt with the lowest number that has a record counts. Trainer, report and both backends order attempts with these
functions, by number: 2 comes before 10.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from ctrlab_api.names import ObjectKey

RUNS_PREFIX: Final = "runs/"
"""Prefix of every final run in the folder of an experiment."""


class AttemptFile(NamedTuple):
    """A file of one attempt of a final run."""

    variant: str
    seed: int
    attempt: int
    file: str

    @property
    def key(self) -> str:
        """The object's key in the folder of the experiment."""
        return ObjectKey.run(self.variant, self.seed, self.attempt, self.file)


def parse_attempt_file(key: str) -> AttemptFile | None:
    """Return the attempt that an object belongs to; None for any other object, such as an entry of a start log."""
    match key.split("/"):
        case ["runs", variant, seed, attempt, file] if seed.isdecimal() and attempt.isdecimal():
            parsed = AttemptFile(variant, int(seed), int(attempt), file)
            return parsed if parsed.key == key else None
    return None


def attempts_with(keys: Iterable[str], file: str) -> dict[tuple[str, int], tuple[int, ...]]:
    """Return the numbers of the attempts that have this file, in ascending order, by (variant, seed)."""
    attempts: dict[tuple[str, int], set[int]] = {}
    for key in keys:
        parsed = parse_attempt_file(key)
        if parsed is not None and parsed.file == file:
            attempts.setdefault((parsed.variant, parsed.seed), set()).add(parsed.attempt)
    return {run: tuple(sorted(numbers)) for run, numbers in attempts.items()}
