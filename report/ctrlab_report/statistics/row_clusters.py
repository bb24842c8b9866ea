"""Clusters of test rows: the impressions of one user or session.

Rows of one user are not independent. Treating them as independent makes a test reject far too often (type I error 0.29
instead of 0.05 with 20 rows per user and user-level errors). The engine therefore sums influence by cluster before it
multiplies (Obuchowski 1997).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ctrlab_report.statistics.errors import MisalignedInput, TooFewRows
from ctrlab_report.statistics.input_checks import FloatArray, IntArray


@dataclass(frozen=True)
class RowClusters:
    """Assignment of rows to clusters; `codes` contains the cluster number of each row, from 0 to `count` - 1."""

    codes: IntArray
    count: int

    def sums(self, values: FloatArray) -> FloatArray:
        """Return the sum of `values` (one per row) in each cluster."""
        return np.bincount(self.codes, weights=values, minlength=self.count).astype(np.float64, copy=False)


def cluster_rows(ids: ArrayLike) -> RowClusters:
    """Cluster rows by any array of user or session ids, one id per row.

    Raises TooFewRows if there is only one cluster, because no between-cluster variance could be estimated.
    """
    array = np.asarray(ids)
    if array.ndim != 1:
        raise MisalignedInput(f"cluster ids: found shape {array.shape}, expected one id per row")
    distinct, codes = np.unique(array, return_inverse=True)
    if distinct.size < 2:
        raise TooFewRows(
            f"cluster ids: found {distinct.size} distinct id; at least 2 are needed, or analyze rows as independent"
        )
    return RowClusters(codes.astype(np.int64), int(distinct.size))
