"""Encoded files are opened and held against their schema, once for each process, before anything is trained on them.

An id outside of its feature's block would read another feature's embedding, or beyond the table, which on a GPU ends
in a message that names nothing. Preparing writes no such id; a damaged disk, a cut-off copy or a file that somebody
changed may. The check is one sequential pass over arrays that the first epoch reads anyway.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.prepared.encoded_splits import (
    PADDING,
    EncodedFeature,
    EncodedHistory,
    EncodedSchema,
    EncodedSplit,
    open_split,
)

ROWS_AT_ONCE = 2**16
ROWS_IN_ONE = 256
WAY_OUT = (
    "the encoded files are damaged or were changed: restore them, or delete this data set's folder and run "
    "ctrlab-trainer prepare again"
)


def open_validated_split(folder: Path, schema: EncodedSchema) -> EncodedSplit:
    """The split, memory-mapped; InvalidData with file, row and column for what the schema does not allow.

    `schema` holds every feature of the data set.
    """
    try:
        split = open_split(folder, schema)
    except (ValueError, EOFError) as error:
        raise InvalidData.at(str(folder), f"cannot be read ({error}); {WAY_OUT}") from error
    validate_split(folder, schema, split)
    return split


def validate_split(folder: Path, schema: EncodedSchema, split: EncodedSplit) -> None:
    """Raises InvalidData for arrays of different lengths, ids out of range, numbers that are not finite, and histories
    outside of their log."""
    _check_lengths(folder, split)
    _check_labels(folder, split.labels)
    categorical = schema.of_kind("categorical")
    for first, part in _blocks(split.categorical):
        low, high = _extremes(part)
        for feature in categorical:
            if low[feature.column] < feature.offset or high[feature.column] >= feature.offset + feature.size:
                _refuse_ids(folder, "categorical.npy", feature, first, part[:, feature.column], padded=False)
    for first, numbers in _blocks(split.numeric):
        if not np.isfinite(numbers).all():
            row, column = np.argwhere(~np.isfinite(numbers))[0]
            name = next(feature.name for feature in schema.of_kind("numeric") if feature.column == column)
            what = f"holds {numbers[row, column]}, where numbers are finite; {WAY_OUT}"
            raise InvalidData.at(f"{folder / 'numeric.npy'}, row {first + row}, column {name}", what)
    for index, feature in enumerate(schema.of_kind("multicategorical")):
        _check_ids(folder, f"multicategorical-{index}.npy", feature, split.multicategorical[feature.name])
    for index, feature in enumerate(schema.of_kind("history")):
        _check_history(folder, index, feature, split.histories[feature.name])


def _extremes(ids: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """[columns] smallest and largest; of many rows joined to one first, because numpy is slow where rows are short."""
    columns, whole = ids.shape[1], len(ids) // ROWS_IN_ONE * ROWS_IN_ONE
    long, rest = ids[:whole].reshape(whole // ROWS_IN_ONE, ROWS_IN_ONE * columns), ids[whole:]
    if whole == 0:
        return rest.min(axis=0), rest.max(axis=0)
    low, high = (found.reshape(ROWS_IN_ONE, columns) for found in (long.min(axis=0), long.max(axis=0)))
    return np.concatenate([low, rest]).min(axis=0), np.concatenate([high, rest]).max(axis=0)


def _check_lengths(folder: Path, split: EncodedSplit) -> None:
    found: dict[str, NDArray[Any]] = {"categorical": split.categorical, "numeric": split.numeric}
    found |= {"row_ids": split.row_ids} | ({} if split.users is None else {"users": split.users})
    found |= dict(split.multicategorical)
    for name, history in split.histories.items():
        found |= {f"start of {name}": history.start, f"end of {name}": history.end}
    for name, array in found.items():
        if len(array) != split.rows:
            what = f"{name} has {len(array)} rows, and labels.npy has {split.rows}; {WAY_OUT}"
            raise InvalidData.at(str(folder), what)


def _check_labels(folder: Path, labels: NDArray[np.uint8]) -> None:
    if len(labels) and labels.max() > 1:
        row = int(np.argmax(labels > 1))
        raise InvalidData.at(f"{folder / 'labels.npy'}, row {row}", f"holds {labels[row]}, not 0 or 1; {WAY_OUT}")


def _check_history(folder: Path, index: int, feature: EncodedFeature, history: EncodedHistory) -> None:
    if history.lookup is not None:
        _check_ids(folder, f"history-{index}-lookup.npy", feature, history.lookup.ids[:, None])
        return
    _check_ids(folder, f"history-{index}-events.npy", feature, history.events[:, None])
    for first in range(0, len(history.start), ROWS_AT_ONCE):
        start, end = (array[first : first + ROWS_AT_ONCE] for array in (history.start, history.end))
        wrong = (start < 0) | (start > end) | (end > len(history.events))
        if wrong.any():
            row = int(np.argmax(wrong))
            what = f"events {start[row]} to {end[row]} of a log of {len(history.events)}; {WAY_OUT}"
            raise InvalidData.at(f"{folder / f'history-{index}-start.npy'}, row {first + row}, {feature.name}", what)


def _check_ids(folder: Path, file: str, feature: EncodedFeature, ids: NDArray[np.int32]) -> None:
    """[rows, ids], among which padding is allowed."""
    for first, part in _blocks(ids):
        if part.min() < 0 or part.max() >= feature.offset + feature.size or _below(part, feature.offset):
            _refuse_ids(folder, file, feature, first, part, padded=True)


def _below(ids: NDArray[np.int32], offset: int) -> bool:
    return bool(((ids < offset) & (ids != PADDING)).any())


def _refuse_ids(
    folder: Path, file: str, feature: EncodedFeature, first: int, ids: NDArray[np.int32], padded: bool
) -> None:
    wrong = (ids < feature.offset) | (ids >= feature.offset + feature.size)
    place = tuple(np.argwhere(wrong & (ids != PADDING) if padded else wrong)[0])
    allowed = f"{feature.offset} to {feature.offset + feature.size - 1}" + (" and 0" if padded else "")
    what = f"holds the id {ids[place]}, allowed are {allowed}; {WAY_OUT}"
    raise InvalidData.at(f"{folder / file}, row {first + place[0]}, {feature.name}", what)


def _blocks(array: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
    """Some rows at a time, with the number of their first."""
    if array.size:
        for first in range(0, len(array), ROWS_AT_ONCE):
            yield first, array[first : first + ROWS_AT_ONCE]
