"""The rows of one split, as references to source rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SplitRows:
    """The rows of one split, as references to source rows."""

    ids: NDArray[np.int64]
    """[rows] row number in predictions: the source row, or for a sampled negative a number above all source rows."""
    row: NDArray[np.int64]
    """[rows] source row that gives the user, the time and every feature except the item's."""
    item: NDArray[np.int64]
    """[rows] source row that gives the item's features; equal to `row` for rows of the source."""
    labels: NDArray[np.uint8]
    """[rows] 0 or 1."""

    @classmethod
    def observed(cls, rows: NDArray[np.int64], labels: NDArray[np.uint8]) -> "SplitRows":
        """Select rows of the source; `labels` are [all rows]."""
        return cls(rows, rows, rows, labels[rows])
