"""Rows of a split in memory from which single features are scored: all of them, or evenly spaced chunks."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.data.prepared.memory_maps import release_pages

CHUNKS: Final = 16
CHUNK_ROWS: Final = 1 << 15
"""Rows per chunk; only CHUNKS evenly spaced chunks are read of a split with more than CHUNKS * CHUNK_ROWS rows."""


@dataclass(frozen=True)
class SampledRows:
    """Rows of a split in memory."""

    split: EncodedSplit
    labels: NDArray[np.uint8]
    categorical: NDArray[np.int32]
    numeric: NDArray[np.float32]

    @classmethod
    def of(cls, split: EncodedSplit) -> "SampledRows":
        """Read all rows, or the chunks."""
        arrays = (split.labels, split.categorical, split.numeric)
        labels, categorical, numeric = (_read(split, array) for array in arrays)
        return cls(split, labels, categorical, numeric)

    def read(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the same rows of another array of the split."""
        return _read(self.split, array)


def _read(split: EncodedSplit, array: NDArray[Any]) -> NDArray[Any]:
    starts = np.linspace(0, max(split.rows - CHUNK_ROWS, 0), CHUNKS).astype(np.int64)
    read_all = split.rows <= CHUNKS * CHUNK_ROWS
    chunks = [slice(None)] if read_all else [slice(start, start + CHUNK_ROWS) for start in starts.tolist()]
    rows = np.concatenate([array[chunk] for chunk in chunks])
    release_pages(array)
    return rows


def click_rates(ids: NDArray[np.signedinteger], labels: NDArray[np.uint8], size: int) -> NDArray[np.float64]:
    """Return the [size] click rate of each id, shrunk towards the overall mean by one pseudo-row."""
    impressions = np.bincount(ids, minlength=size)
    clicks = np.bincount(ids, weights=labels, minlength=size)
    mean = labels.mean() if len(labels) else 0.0
    return np.asarray((clicks + mean) / (impressions + 1), np.float64)
