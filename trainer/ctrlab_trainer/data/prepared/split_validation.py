"""Validation of encoded files against their schema, once per process, before a model is trained on them.

An id outside its feature's block would read another feature's embedding, or past the end of the table, which on a GPU
ends in an error without a location. Preparation writes no such id, but a damaged disk, an incomplete copy or an edited
file may contain one. The check is one sequential pass over arrays that the first epoch reads anyway.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.prepared.encoded_schema import PADDING, TIME_GAP_IDS, EncodedFeature, EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedHistory, EncodedSplit, StoredHistory, open_split

BLOCK_ROWS = 2**16
ROWS_PER_GROUP = 256
REMEDY = (
    "the encoded files are damaged or were modified: restore them, or delete this data set's folder and run "
    "ctrlab-trainer prepare again"
)


def open_validated_split(folder: Path, schema: EncodedSchema) -> EncodedSplit:
    """Return the split, memory-mapped; InvalidData with file, row and column for values the schema does not allow.

    `schema` contains every feature of the data set.
    """
    try:
        split = open_split(folder, schema)
    except (ValueError, EOFError) as error:
        raise InvalidData.at(str(folder), f"cannot be read ({error}); {REMEDY}") from error
    validate_split(folder, schema, split)
    return split


def validate_split(folder: Path, schema: EncodedSchema, split: EncodedSplit) -> None:
    """Raise InvalidData for arrays of different lengths, ids out of range, non-finite numbers, and histories outside
    their event log."""
    _check_lengths(folder, split)
    _check_labels(folder, split.labels)
    if split.weights is not None and not (np.isfinite(split.weights) & (split.weights >= 0)).all():
        raise InvalidData.at(str(folder / "weights.npy"), f"has a weight that is not finite or below 0; {REMEDY}")
    categorical = schema.of_kind("categorical")
    for first, block in _blocks(split.categorical):
        low, high = _column_ranges(block)
        for feature in categorical:
            if low[feature.column] < feature.offset or high[feature.column] >= feature.offset + feature.size:
                _reject_ids(folder, "categorical.npy", feature, first, block[:, feature.column], padded=False)
    for first, numbers in _blocks(split.numeric):
        if not np.isfinite(numbers).all():
            row, column = np.argwhere(~np.isfinite(numbers))[0]
            name = next(feature.name for feature in schema.of_kind("numeric") if feature.column == column)
            problem = f"found {numbers[row, column]}; allowed are finite numbers; {REMEDY}"
            raise InvalidData.at(f"{folder / 'numeric.npy'}, row {first + row}, column {name}", problem)
    for index, feature in enumerate(schema.of_kind("vector")):
        _check_vectors(folder / f"vector-{index}.npy", feature, split.vectors[feature.name])
    for index, feature in enumerate(schema.of_kind("multicategorical")):
        _check_ids(folder, f"multicategorical-{index}.npy", feature, split.multicategorical[feature.name])
    for file, feature in schema.logged_histories.items():
        _check_history(folder, file, feature, split.histories[feature.name])
    for file, feature in schema.stored_histories.items():
        _check_stored_history(folder, file, feature, split.stored_histories[feature.name])


def _column_ranges(ids: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return [columns] minimum and maximum, over joined groups of rows, because numpy is slow on short rows."""
    columns, grouped_rows = ids.shape[1], len(ids) // ROWS_PER_GROUP * ROWS_PER_GROUP
    groups = ids[:grouped_rows].reshape(grouped_rows // ROWS_PER_GROUP, ROWS_PER_GROUP * columns)
    rest = ids[grouped_rows:]
    if grouped_rows == 0:
        return rest.min(axis=0), rest.max(axis=0)
    low, high = (extremes.reshape(ROWS_PER_GROUP, columns) for extremes in (groups.min(axis=0), groups.max(axis=0)))
    return np.concatenate([low, rest]).min(axis=0), np.concatenate([high, rest]).max(axis=0)


def _check_lengths(folder: Path, split: EncodedSplit) -> None:
    arrays: dict[str, NDArray[Any]] = {"categorical": split.categorical, "numeric": split.numeric}
    arrays |= {"row_ids": split.row_ids} | ({} if split.users is None else {"users": split.users})
    arrays |= {} if split.groups is None else {"groups": split.groups}
    arrays |= {} if split.weights is None else {"weights": split.weights}
    arrays |= {**split.multicategorical, **split.vectors}
    for name, history in split.histories.items():
        arrays |= {f"start of {name}": history.start, f"end of {name}": history.end}
    for name, stored in split.stored_histories.items():
        gaps = {} if stored.gaps is None else {f"gaps of {name}": stored.gaps}
        arrays |= {f"events of {name}": stored.ids} | gaps
    for name, array in arrays.items():
        if len(array) != split.rows:
            problem = f"{name} has {len(array)} rows, and labels.npy has {split.rows}; {REMEDY}"
            raise InvalidData.at(str(folder), problem)


def _check_labels(folder: Path, labels: NDArray[np.uint8]) -> None:
    if len(labels) and labels.max() > 1:
        row = int(np.argmax(labels > 1))
        problem = f"found {labels[row]}; allowed are 0 and 1; {REMEDY}"
        raise InvalidData.at(f"{folder / 'labels.npy'}, row {row}", problem)


def _check_vectors(path: Path, feature: EncodedFeature, vectors: NDArray[np.float32]) -> None:
    if vectors.shape[1] != feature.length:
        raise InvalidData.at(str(path), f"has vectors of {vectors.shape[1]} numbers, not {feature.length}; {REMEDY}")
    for first, block in _blocks(vectors):
        if not np.isfinite(block).all():
            row, column = np.argwhere(~np.isfinite(block))[0]
            problem = f"found {block[row, column]}; allowed are finite numbers; {REMEDY}"
            raise InvalidData.at(f"{path}, row {first + row}, {feature.name}", problem)


def _check_stored_history(folder: Path, file: str, feature: EncodedFeature, history: StoredHistory) -> None:
    if history.lookup is not None:
        _check_ids(folder, f"{file}-lookup.npy", feature, history.lookup.ids[:, None])
        return
    _check_ids(folder, f"{file}-ids.npy", feature, history.ids)
    for first, gaps in _blocks(np.zeros(0, np.uint8) if history.gaps is None else history.gaps):
        if gaps.max() > TIME_GAP_IDS:
            row = int(np.argmax((gaps > TIME_GAP_IDS).any(axis=1)))
            problem = f"found the time gap {gaps[row].max()}; allowed are 0 to {TIME_GAP_IDS}; {REMEDY}"
            raise InvalidData.at(f"{folder / f'{file}-gaps.npy'}, row {first + row}", problem)


def _check_history(folder: Path, file: str, feature: EncodedFeature, history: EncodedHistory) -> None:
    if history.lookup is not None:
        _check_ids(folder, f"{file}-lookup.npy", feature, history.lookup.ids[:, None])
        return
    _check_ids(folder, f"{file}-events.npy", feature, history.events[:, None])
    for first in range(0, len(history.start), BLOCK_ROWS):
        start, end = (array[first : first + BLOCK_ROWS] for array in (history.start, history.end))
        invalid = (start < 0) | (start > end) | (end > len(history.events))
        if invalid.any():
            row = int(np.argmax(invalid))
            problem = f"refers to events {start[row]} to {end[row]} of a log of {len(history.events)}; {REMEDY}"
            raise InvalidData.at(f"{folder / f'{file}-start.npy'}, row {first + row}, {feature.name}", problem)


def _check_ids(folder: Path, file: str, feature: EncodedFeature, ids: NDArray[np.int32]) -> None:
    """Check ids [rows, ids], which may contain padding."""
    for first, block in _blocks(ids):
        if block.min() < 0 or block.max() >= feature.offset + feature.size or _has_ids_below(block, feature.offset):
            _reject_ids(folder, file, feature, first, block, padded=True)


def _has_ids_below(ids: NDArray[np.int32], offset: int) -> bool:
    return bool(((ids < offset) & (ids != PADDING)).any())


def _reject_ids(
    folder: Path, file: str, feature: EncodedFeature, first: int, ids: NDArray[np.int32], padded: bool
) -> None:
    invalid = (ids < feature.offset) | (ids >= feature.offset + feature.size)
    position = tuple(np.argwhere(invalid & (ids != PADDING) if padded else invalid)[0])
    allowed = f"{feature.offset} to {feature.offset + feature.size - 1}" + (" and 0" if padded else "")
    problem = f"found id {ids[position]}; allowed are {allowed}; {REMEDY}"
    raise InvalidData.at(f"{folder / file}, row {first + position[0]}, {feature.name}", problem)


def _blocks(array: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield blocks of rows, each with the number of its first row."""
    if array.size:
        for first in range(0, len(array), BLOCK_ROWS):
            yield first, array[first : first + BLOCK_ROWS]
