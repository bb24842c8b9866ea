"""What looks as if a model could know more than it may: repeated rows, columns that hold the label, a look ahead.

No label of test is read here, so that what is found may be kept beside the prepared data before test is opened.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctrlab_api.records.inspections import InspectionWarning
from ctrlab_api.resources.dataset import Dataset
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.data.prepared.memory_maps import release_pages
from ctrlab_trainer.data.preparing.dataset_encoding import EncodedDataset
from ctrlab_trainer.data.splitting.split_strategies import SPLIT_NAMES, Timestamps

REVEALING: Final = 0.99
"""A single feature with an AUC from here on most likely holds the label."""
BLOCK_ROWS: Final = 1 << 17

Parts = tuple[EncodedSplit, ...]


def leak_warnings(dataset: Dataset, encoded: EncodedDataset, auc: Mapping[str, float]) -> Iterator[InspectionWarning]:
    """In the order of their weight; `auc` is what `single_feature_auc` gives."""
    yield from _revealing(auc)
    yield from _duplicates(encoded)
    if encoded.when is not None and dataset.split.strategy != "Temporal":
        yield from _overlap(encoded.when, encoded.parts)


def _revealing(auc: Mapping[str, float]) -> Iterator[InspectionWarning]:
    for name, found in auc.items():
        if found >= REVEALING:
            yield InspectionWarning(
                kind="Reveals",
                message=f"feature {name} alone reaches AUC {found:.4f} on validation: it probably reveals the label; "
                "leave it out unless it is known before the click",
            )


def _duplicates(encoded: EncodedDataset) -> Iterator[InspectionWarning]:
    hashes = [_row_hashes(encoded, part) for part in encoded.parts]
    for found in hashes:
        found.sort()
    for earlier, later in combinations(range(len(SPLIT_NAMES)), 2):
        again = _held(hashes[later], hashes[earlier])
        if again:
            share = again / len(observed(encoded.parts[later], encoded.rows))
            yield InspectionWarning(
                kind="Duplicates",
                message=f"{again} rows of {SPLIT_NAMES[later]} ({share:.1%}) are also in {SPLIT_NAMES[earlier]}, equal "
                "in everything but the label",
            )


def _held(later: NDArray[np.uint64], earlier: NDArray[np.uint64]) -> int:
    """How many of the first stand among the second, which are sorted."""
    if len(earlier) == 0:
        return 0
    place = np.minimum(np.searchsorted(earlier, later), len(earlier) - 1)
    return int((earlier[place] == later).sum())


def _row_hashes(encoded: EncodedDataset, part: EncodedSplit) -> NDArray[np.uint64]:
    """Equal for rows that are equal in user, time and every feature.

    Rows with a value that is out of vocabulary, of which it is not known what it is, and drawn ones are left out.
    """
    first_ids = np.array([feature.offset for feature in encoded.schema.of_kind("categorical")], np.int32)
    found = []
    for start in range(0, part.rows, BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        ids, values = np.asarray(part.row_ids[block]), np.asarray(part.categorical[block])
        known = (ids < encoded.rows) & (values != first_ids).all(axis=1)
        total = np.zeros(len(ids), np.uint64)
        for column in _columns(encoded, part, block, ids):
            total = total * np.uint64(1_000_003) ^ pd.util.hash_array(column)
        found.append(total[known])
        for array in (part.categorical, part.numeric, *part.multicategorical.values()):
            release_pages(array)
    return np.concatenate(found)


def _columns(
    encoded: EncodedDataset, part: EncodedSplit, block: slice, ids: NDArray[np.int64]
) -> Iterator[NDArray[Any]]:
    for matrix in (part.categorical, part.numeric, *part.multicategorical.values()):
        yield from np.ascontiguousarray(matrix[block].T)
    if part.users is not None:
        yield np.asarray(part.users[block])
    if encoded.when is not None:
        yield encoded.when[ids % encoded.rows]


def _overlap(when: Timestamps, parts: Parts) -> Iterator[InspectionWarning]:
    times = [when[observed(part, len(when))] for part in parts]
    for earlier, later in combinations(range(len(SPLIT_NAMES)), 2):
        first = times[later].min()
        after = float((times[earlier] > first).mean())
        if after > 0:
            yield InspectionWarning(
                kind="TimeOverlap",
                message=f"{after:.1%} of the rows of {SPLIT_NAMES[earlier]} are later than the earliest row of "
                f"{SPLIT_NAMES[later]}: {SPLIT_NAMES[earlier]} sees the future",
            )


def observed(part: EncodedSplit, rows: int) -> NDArray[np.int64]:
    """[observed rows] source row numbers of a part, drawn negatives left out."""
    ids = np.asarray(part.row_ids)
    return ids[ids < rows]
