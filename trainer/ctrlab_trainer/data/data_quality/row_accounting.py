"""Account of the rows of the source: rows of each split, sampled negatives, and rows that occur twice."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.records.prepared_data import RowAccounting, SplitRowCounts
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset


def account_for_rows(encoded: EncodedDataset, hashes: Sequence[NDArray[np.uint64]]) -> RowAccounting:
    """Count the rows of the source and of each split; `hashes` are those of `row_hashes`.

    ValueError if a row of the source is in no split or in several, which no split strategy does.
    """
    ids = [np.asarray(split.row_ids) for split in encoded.splits]
    observed = [split_ids[split_ids < encoded.source_rows] for split_ids in ids]
    counts = np.bincount(np.concatenate(observed), minlength=encoded.source_rows)
    if (counts != 1).any():
        row = int(np.argmax(counts != 1))
        raise ValueError(f"row {row} of the source is in {counts[row]} splits")
    train, valid, test = (
        SplitRowCounts(
            read=len(rows),
            sampled=len(split_ids) - len(rows),
            encoded=len(split_ids),
            duplicated=_repeated(split_hashes),
        )
        for rows, split_ids, split_hashes in zip(observed, ids, hashes, strict=True)
    )
    return RowAccounting(read=encoded.source_rows, train=train, valid=valid, test=test)


def _repeated(ordered: NDArray[np.uint64]) -> int:
    """Count the values of a sorted array that equal the one before."""
    return int((ordered[1:] == ordered[:-1]).sum())
