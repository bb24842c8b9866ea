"""Split strategies: assign rows to train, validation and test.

A strategy reads times, users, groups or one column, never labels or features, so no feature value can move a row to
another split.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final, assert_never

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData, Problem
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.dataset_splits import PredefinedFiles, Split
from ctrlab_trainer.data.readers.source_tables import SourceTable, factorize
from ctrlab_trainer.data.times.row_times import Timestamps

SPLIT_NAMES: Final = ("train", "valid", "test")
"""Splits in the order in which information may flow."""
TRAIN, VALID, TEST = range(3)


def assign_splits(
    table: SourceTable,
    dataset: Dataset,
    times: Timestamps | None,
    users: NDArray[np.int32] | None,
    groups: NDArray[np.int32] | None = None,
) -> NDArray[np.int8]:
    """Return [rows] the split of each row, as position in `SPLIT_NAMES`."""
    split = dataset.split
    match split.strategy:
        case "Temporal":
            assert times is not None
            return split_by_time(times, split.shares)
        case "Random" if split.by == "User":
            assert users is not None
            return split_at_random(int(users.max()) + 1, split.shares, split.seed)[users]
        case "Random" if split.by == "Group":
            assert groups is not None
            return split_at_random(int(groups.max()) + 1, split.shares, split.seed)[groups]
        case "Random":
            return split_at_random(table.rows, split.shares, split.seed)
        case "LeaveLastOut":
            assert times is not None
            assert users is not None
            return split_leave_last_out(times, users, split.count or 1)
        case "UserColdStart":
            assert times is not None
            assert users is not None
            return split_by_user_arrival(times, users, split.shares)
        case "Predefined":
            return split_by_column(table, split) if split.files is None else split_by_files(table.files, split.files)
        case unknown:
            assert_never(unknown)


def split_by_time(times: Timestamps, shares: tuple[float, float, float]) -> NDArray[np.int8]:
    """Split by global time: the earliest rows are train, the latest test.

    Rows with the same time are never separated; if a boundary falls among them, all of them go to the later split.
    """
    ordered = np.sort(times)
    first_valid, first_test = _boundaries(len(times), shares)
    split_of_row = np.full(len(times), TRAIN, np.int8)
    split_of_row[times >= ordered[min(first_valid, len(times) - 1)]] = VALID
    split_of_row[times >= ordered[min(first_test, len(times) - 1)]] = TEST
    return split_of_row


def split_at_random(rows: int, shares: tuple[float, float, float], seed: int) -> NDArray[np.int8]:
    """Split by a permutation of row numbers, or of the numbers of users or groups."""
    order = np.random.default_rng(seed).permutation(rows)
    first_valid, first_test = _boundaries(rows, shares)
    split_of_row = np.full(rows, TRAIN, np.int8)
    split_of_row[order[first_valid:first_test]] = VALID
    split_of_row[order[first_test:]] = TEST
    return split_of_row


def split_leave_last_out(times: Timestamps, users: NDArray[np.int32], count: int = 1) -> NDArray[np.int8]:
    """Assign each user's latest `count` rows to test and the `count` rows before them to validation.

    Users with fewer than 2 * count + 1 rows are train. Rows of a user with the same time are ordered as in the source.
    """
    order = np.lexsort((np.arange(len(times)), times, users))
    ordered = users[order]
    last = np.searchsorted(ordered, ordered, side="right") - 1
    first = np.searchsorted(ordered, ordered, side="left")
    from_end = last - np.arange(len(order))
    enough = last - first >= 2 * count
    split_of_row = np.full(len(times), TRAIN, np.int8)
    split_of_row[order[enough & (from_end < 2 * count)]] = VALID
    split_of_row[order[enough & (from_end < count)]] = TEST
    return split_of_row


def split_by_user_arrival(
    times: Timestamps, users: NDArray[np.int32], shares: tuple[float, float, float]
) -> NDArray[np.int8]:
    """Split users by the time of their earliest row: the first to arrive are train, the last test.

    `shares` are shares of users. Users who arrive at the same time are ordered by their first row in the source.
    """
    first_row = np.unique(users, return_index=True)[1]
    arrival = times[first_row].copy()
    np.minimum.at(arrival, users, times)
    order = np.lexsort((first_row, arrival))
    first_valid, first_test = _boundaries(len(order), shares)
    split_of_row = np.full(len(order), TRAIN, np.int8)
    split_of_row[order[first_valid:first_test]] = VALID
    split_of_row[order[first_test:]] = TEST
    return split_of_row[users]


def split_by_files(files: Sequence[tuple[str, int]], patterns: PredefinedFiles) -> NDArray[np.int8]:
    """Split by the file of each row; `files` are name and number of rows, in order.

    InvalidData if a file belongs to no split or to several, or a split has no file.
    """
    pattern_of_split = (patterns.train, patterns.valid, patterns.test)
    matches = [
        [split for split, pattern in enumerate(pattern_of_split) if fnmatchcase(name, pattern)] for name, _ in files
    ]
    names = ", ".join(name for name, _ in files)
    problems = [
        Problem(f"spec.dataset.split.files.{SPLIT_NAMES[split]}", f"no file matches {pattern}; the source has {names}")
        for split, pattern in enumerate(pattern_of_split)
        if not any(split in splits for splits in matches)
    ]
    for (name, _), splits in zip(files, matches, strict=True):
        if len(splits) != 1:
            which = " and ".join(SPLIT_NAMES[split] for split in splits) or "no split"
            problems.append(
                Problem("spec.dataset.split.files", f"the file {name} belongs to {which}; it must belong to one split")
            )
    if problems:
        raise InvalidData(problems)
    return np.repeat(np.array([splits[0] for splits in matches], np.int8), [rows for _, rows in files])


def split_by_column(table: SourceTable, split: Split) -> NDArray[np.int8]:
    """Split by the value of a column; InvalidData for a value that names no split."""
    assert split.column is not None
    distinct = factorize(table.data[split.column])
    split_of_text = {split.values.train: TRAIN, split.values.valid: VALID, split.values.test: TEST}
    split_of_value = np.array([split_of_text.get(text, -1) for text in distinct.texts()], np.int8)
    split_of_row = np.asarray(split_of_value[distinct.codes], np.int8)
    if (split_of_row < 0).any():
        row = int(np.argmax(split_of_row < 0))
        value = distinct.texts()[int(distinct.codes[row])]
        raise InvalidData.at(
            table.location(row, split.column),
            f"found {value!r}; allowed are {', '.join(map(repr, split_of_text))} (spec.dataset.split.values)",
        )
    return split_of_row


def require_both_classes(labels: Sequence[NDArray[np.uint8]]) -> None:
    """Raise InvalidData for splits (the labels of each, in order) without rows, or with rows of one class only."""
    counts = np.array([np.bincount(split, minlength=2) for split in labels])
    problems = []
    for name, (negatives, positives) in zip(SPLIT_NAMES, counts.tolist(), strict=True):
        if negatives + positives == 0:
            problems.append(Problem("spec.dataset.split", f"{name} has no rows; change the strategy or the fractions"))
        elif negatives == 0 or positives == 0:
            problem = f"all {negatives + positives} rows of {name} have label {int(positives > 0)}"
            remedy = (
                "every split needs both classes: change the strategy or spec.dataset.label.positiveWhen, or sample "
                "negatives"
            )
            problems.append(Problem("spec.dataset.split", f"{problem}; {remedy}"))
    if problems:
        raise InvalidData(problems)


def _boundaries(rows: int, shares: tuple[float, float, float]) -> tuple[int, int]:
    """Return the position of the first validation row and of the first test row."""
    train, valid, _ = shares
    return round(rows * train), round(rows * (train + valid))
