"""Rows that belong together: the impressions of one user or session.

Rows of one user are not independent, and treating them as if they were makes a test reject far too often (type I error
0.29 instead of 0.05 with 20 rows a user and user-level errors). The engine therefore sums influence by cluster before
it multiplies (Obuchowski 1997).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ctrlab_report.statistics.errors import MisalignedInput, TooFewRows
from ctrlab_report.statistics.input_checks import FloatArray, IntArray


@dataclass(frozen=True)
class RowClusters:
    """`codes`: for each row the number of its cluster, 0 .. count - 1."""

    codes: IntArray
    count: int

    def sums(self, values: FloatArray) -> FloatArray:
        """Sum of `values` (one for each row) in each cluster."""
        return np.bincount(self.codes, weights=values, minlength=self.count).astype(np.float64, copy=False)


def cluster_rows(ids: ArrayLike) -> RowClusters:
    """Clusters from any array of user or session ids, one for each row.

    Raises TooFewRows if there is only one cluster: no between-cluster spread could be estimated.
    """
    array = np.asarray(ids)
    if array.ndim != 1:
        raise MisalignedInput(f"cluster ids: found shape {array.shape}, allowed is one id per row")
    names, codes = np.unique(array, return_inverse=True)
    if names.size < 2:
        raise TooFewRows(
            f"cluster ids: found {names.size} distinct id; at least 2 are needed, or analyse rows as independent"
        )
    return RowClusters(codes.astype(np.int64), int(names.size))
