"""Hashes of encoded rows, by which rows that occur twice are recognized."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.data.prepared.memory_maps import release_pages

BLOCK_ROWS: Final = 1 << 17

Hashes = tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]
"""Sorted hashes of the rows of train, validation and test."""


def row_hashes(encoded: EncodedDataset) -> Hashes:
    """Return sorted hashes of each split that are equal for rows with equal user, time and features.

    Sampled negatives are left out, and so are rows with an out-of-vocabulary value, whose original value is unknown.
    """
    train, valid, test = (np.sort(_hashes_of_split(encoded, split)) for split in encoded.splits)
    return train, valid, test


def _hashes_of_split(encoded: EncodedDataset, split: EncodedSplit) -> NDArray[np.uint64]:
    oov_ids = np.array([feature.offset for feature in encoded.schema.of_kind("categorical")], np.int32)
    hashes = []
    for start in range(0, split.rows, BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        ids, values = np.asarray(split.row_ids[block]), np.asarray(split.categorical[block])
        comparable = (ids < encoded.source_rows) & (values != oov_ids).all(axis=1)
        block_hashes = np.zeros(len(ids), np.uint64)
        for column in _columns(encoded, split, block, ids):
            block_hashes = block_hashes * np.uint64(1_000_003) ^ pd.util.hash_array(column)
        hashes.append(block_hashes[comparable])
        for array in (split.categorical, split.numeric, *_matrices(split)):
            release_pages(array)
    return np.concatenate(hashes)


def _matrices(split: EncodedSplit) -> list[NDArray[Any]]:
    """Return the [rows, columns] arrays of features with several values per row."""
    stored = (history.ids for history in split.stored_histories.values())
    return [*split.multicategorical.values(), *split.vectors.values(), *stored]


def _columns(
    encoded: EncodedDataset, split: EncodedSplit, block: slice, ids: NDArray[np.int64]
) -> Iterator[NDArray[Any]]:
    for matrix in (split.categorical, split.numeric, *_matrices(split)):
        yield from np.ascontiguousarray(matrix[block].T)
    if split.users is not None:
        yield np.asarray(split.users[block])
    if encoded.times is not None:
        yield encoded.times[ids % encoded.source_rows]


def observed_rows(split: EncodedSplit, source_rows: int) -> NDArray[np.int64]:
    """Return the [observed rows] source row numbers of a split, without sampled negatives."""
    ids = np.asarray(split.row_ids)
    return ids[ids < source_rows]
