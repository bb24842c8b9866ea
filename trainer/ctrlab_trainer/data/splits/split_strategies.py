"""Divides rows into train, validation and test.

A split reads times, users or one column, never labels or features, so that no value can move a row between parts.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final, assert_never

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData, Problem
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.dataset_splits import PredefinedFiles, Split
from ctrlab_trainer.data.readers.column_values import time_values
from ctrlab_trainer.data.readers.source_tables import SourceTable, factorize

SPLIT_NAMES: Final = ("train", "valid", "test")
"""The parts in the order in which information may flow."""
TRAIN, VALID, TEST = range(3)

Timestamps = NDArray[np.int64] | NDArray[np.float64]


def assign_splits(
    table: SourceTable, dataset: Dataset, when: Timestamps | None, users: NDArray[np.int32] | None
) -> NDArray[np.int8]:
    """[rows] the part of each row, as its position in `PARTS`."""
    split = dataset.split
    match split.strategy:
        case "Temporal":
            assert when is not None
            return split_by_time(when, split.shares)
        case "Random" if split.by == "User":
            assert users is not None
            return split_at_random(int(users.max()) + 1, split.shares, split.seed)[users]
        case "Random":
            return split_at_random(table.rows, split.shares, split.seed)
        case "LeaveLastOut":
            assert when is not None
            assert users is not None
            return leave_last_out(when, users)
        case "UserColdStart":
            assert when is not None
            assert users is not None
            return split_by_user_arrival(when, users, split.shares)
        case "Predefined":
            return split_by_column(table, split) if split.files is None else split_by_files(table.files, split.files)
        case unknown:
            assert_never(unknown)


def row_times(table: SourceTable, dataset: Dataset) -> Timestamps | None:
    """[rows] when each row happened: its time, or its number where the source's order says so; None without either."""
    if dataset.time is not None:
        return time_values(table, dataset.time)
    return None if dataset.order is None else np.arange(table.rows, dtype=np.int64)


def split_by_time(when: Timestamps, shares: tuple[float, float, float]) -> NDArray[np.int8]:
    """By global time: the earliest rows are train, the latest test.

    Rows of one time are never parted; where a boundary falls among them they all go to the later part.
    """
    ordered = np.sort(when)
    first_valid, first_test = _boundaries(len(when), shares)
    parts = np.full(len(when), TRAIN, np.int8)
    parts[when >= ordered[min(first_valid, len(when) - 1)]] = VALID
    parts[when >= ordered[min(first_test, len(when) - 1)]] = TEST
    return parts


def split_at_random(rows: int, shares: tuple[float, float, float], seed: int) -> NDArray[np.int8]:
    """By a permutation of the row numbers, or of the users' numbers."""
    order = np.random.default_rng(seed).permutation(rows)
    first_valid, first_test = _boundaries(rows, shares)
    parts = np.full(rows, TRAIN, np.int8)
    parts[order[first_valid:first_test]] = VALID
    parts[order[first_test:]] = TEST
    return parts


def leave_last_out(when: Timestamps, users: NDArray[np.int32]) -> NDArray[np.int8]:
    """Each user's latest row is test and the one before it validation; users with fewer than three rows are train.

    Among rows of one user and time, the later in the source counts as the later.
    """
    order = np.lexsort((np.arange(len(when)), when, users))
    ordered = users[order]
    last = np.searchsorted(ordered, ordered, side="right") - 1
    first = np.searchsorted(ordered, ordered, side="left")
    from_end = last - np.arange(len(order))
    enough = last - first >= 2
    parts = np.full(len(when), TRAIN, np.int8)
    parts[order[enough & (from_end == 1)]] = VALID
    parts[order[enough & (from_end == 0)]] = TEST
    return parts


def split_by_user_arrival(
    when: Timestamps, users: NDArray[np.int32], shares: tuple[float, float, float]
) -> NDArray[np.int8]:
    """By users, in the order of each one's earliest row: the first to arrive are train, the last test.

    `shares` are of users. Among users who arrive at one time the one whose rows begin earlier in the source is earlier.
    """
    first_row = np.unique(users, return_index=True)[1]
    arrival = when[first_row].copy()
    np.minimum.at(arrival, users, when)
    order = np.lexsort((first_row, arrival))
    first_valid, first_test = _boundaries(len(order), shares)
    parts = np.full(len(order), TRAIN, np.int8)
    parts[order[first_valid:first_test]] = VALID
    parts[order[first_test:]] = TEST
    return parts[users]


def split_by_files(files: Sequence[tuple[str, int]], wanted: PredefinedFiles) -> NDArray[np.int8]:
    """By the file that a row stands in (name and number of rows of each, in order); InvalidData where a file belongs
    to no part or to several, or a part has none."""
    patterns = (wanted.train, wanted.valid, wanted.test)
    found = [[part for part in range(len(SPLIT_NAMES)) if fnmatchcase(name, patterns[part])] for name, _ in files]
    names = ", ".join(name for name, _ in files)
    problems = [
        Problem(
            f"spec.dataset.split.files.{SPLIT_NAMES[part]}", f"no file is called {pattern}; the source holds {names}"
        )
        for part, pattern in enumerate(patterns)
        if not any(part in several for several in found)
    ]
    for (name, _), several in zip(files, found, strict=True):
        if len(several) != 1:
            which = " and ".join(SPLIT_NAMES[part] for part in several) or "no part"
            problems.append(
                Problem("spec.dataset.split.files", f"the file {name} belongs to {which}; it must belong to one")
            )
    if problems:
        raise InvalidData(problems)
    return np.repeat(np.array([several[0] for several in found], np.int8), [rows for _, rows in files])


def split_by_column(table: SourceTable, split: Split) -> NDArray[np.int8]:
    """By what a column says; InvalidData for any value that stands for no part."""
    assert split.column is not None
    distinct = factorize(table.data[split.column])
    meaning = {split.values.train: TRAIN, split.values.valid: VALID, split.values.test: TEST}
    part_of_value = np.array([meaning.get(text, -1) for text in distinct.texts()], np.int8)
    parts = np.asarray(part_of_value[distinct.codes], np.int8)
    if (parts < 0).any():
        row = int(np.argmax(parts < 0))
        value = distinct.texts()[int(distinct.codes[row])]
        raise InvalidData.at(
            table.place(row, split.column),
            f"found {value!r}; allowed are {', '.join(map(repr, meaning))} (spec.dataset.split.values)",
        )
    return parts


def require_both_classes(labels: Sequence[NDArray[np.uint8]]) -> None:
    """InvalidData for parts (the labels of each, in order) that have no rows, or rows of one class alone."""
    counts = np.array([np.bincount(part, minlength=2) for part in labels])
    problems = []
    for name, (negatives, positives) in zip(SPLIT_NAMES, counts.tolist(), strict=True):
        if negatives + positives == 0:
            problems.append(Problem("spec.dataset.split", f"{name} has no rows; change the strategy or the fractions"))
        elif negatives == 0 or positives == 0:
            found = f"all {negatives + positives} rows of {name} have label {int(positives > 0)}"
            advice = (
                "every part needs both classes: change the split or spec.dataset.label.positiveWhen, or draw negatives"
            )
            problems.append(Problem("spec.dataset.split", f"{found}; {advice}"))
    if problems:
        raise InvalidData(problems)


def _boundaries(rows: int, shares: tuple[float, float, float]) -> tuple[int, int]:
    """Number of the first validation row and of the first test row, in order."""
    train, valid, _ = shares
    return round(rows * train), round(rows * (train + valid))
