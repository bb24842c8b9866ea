"""Test-sample covariance of the metrics of many runs that were scored on the same rows.

Runs arrive in blocks and only their influence is kept, so 30 runs of a million rows need a quarter of a gigabyte,
regardless of how the caller reads them. With clusters a run is reduced to one number per cluster and stratum.

Independent rows: cov = sum over strata of n_s / (n_s - 1) * sum of products; for AUC these are the factors m / (m - 1)
and n / (n - 1) of DeLong et al. 1988 as MRMCaov applies them. Clusters: products of cluster sums with I_s / (I_s - 1)
for the I_s clusters that occur in stratum s, and I / (I - 1) for the products across strata (Obuchowski 1997). With
clusters of size one no cluster is in two strata and the formula reduces to the one for independent rows.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ctrlab_report.statistics.errors import MisalignedInput, TooFewRows
from ctrlab_report.statistics.influence import Influence, MetricOptions, Strata, compute_influence
from ctrlab_report.statistics.input_checks import AnyArray, FloatArray, require_same_length
from ctrlab_report.statistics.row_clusters import RowClusters
from ctrlab_report.statistics.supported_metrics import Metric

_CHUNK = 1 << 16


@dataclass(frozen=True)
class MetricCovariance:
    """Metric values of runs and their covariance over test samples.

    `estimates` (runs), `matrix` (runs x runs, metric units squared), `units` the number of independent rows or
    clusters, `test_df` the degrees of freedom of the test-sample part: clusters - 1, or infinite for independent rows.
    """

    method: str
    metric: Metric
    definition: str
    estimates: FloatArray
    matrix: FloatArray
    units: int
    test_df: float

    def select(self, runs: ArrayLike) -> "MetricCovariance":
        """Return the covariance of the selected runs, in the order of `runs` (indices)."""
        selected = np.asarray(runs, dtype=np.intp)
        return MetricCovariance(
            self.method,
            self.metric,
            self.definition,
            self.estimates[selected],
            self.matrix[np.ix_(selected, selected)],
            self.units,
            self.test_df,
        )


def covariance_from_scores(
    metric: Metric,
    labels: ArrayLike,
    blocks: Iterable[ArrayLike],
    *,
    clusters: RowClusters | None = None,
    options: MetricOptions | None = None,
    dtype: DTypeLike = np.float64,
    weights: ArrayLike | None = None,
    groups: RowClusters | None = None,
) -> MetricCovariance:
    """Return the covariance of one metric over all runs.

    `blocks` yields score blocks (one run, or runs x rows), in the order of the result; a generator that reads one run
    after the other limits memory to one run plus the influence of all. `clusters` are sets of rows that are independent
    of each other: the users, which GAUC needs, or the groups. AUC_BY_GROUP needs `groups`; a group is in one cluster.
    `dtype` float32 halves the memory for influence at a relative error near 1e-7.
    """
    pieces = (
        compute_influence(metric, labels, block, users=clusters, options=options, weights=weights, groups=groups)
        for block in blocks
    )
    return covariance_from_influence(pieces, clusters=clusters, dtype=dtype)


def covariance_from_influence(
    blocks: Iterable[Influence], *, clusters: RowClusters | None = None, dtype: DTypeLike = np.float64
) -> MetricCovariance:
    """Return the covariance from influence blocks of one metric over the same rows.

    Raises MisalignedInput if there is no block, or if blocks differ in metric or strata.
    """
    first: Influence | None = None
    estimates: list[FloatArray] = []
    kept: list[list[AnyArray]] = []
    for block in blocks:
        first = first or block
        if block.metric != first.metric or not np.array_equal(block.strata, first.strata):
            raise MisalignedInput(
                "runs: blocks differ in metric, rows or labels; all runs must be scored on the same rows"
            )
        estimates.append(block.estimates)
        kept.extend(_reduce(values, block.strata, clusters, dtype) for values in block.values)
    if first is None:
        raise MisalignedInput("runs: found none; at least one run's scores are needed")

    strata = first.strata
    by_stratum = [[run[stratum] for run in kept] for stratum in range(len(kept[0]))]
    counts = _units_by_stratum(strata, clusters)
    matrix = sum(
        (_factor(count) * _products(runs, runs) for count, runs in zip(counts, by_stratum, strict=True)),
        np.zeros((len(kept), len(kept))),
    )
    units = int(np.count_nonzero(strata >= 0)) if clusters is None else _count_clusters(strata >= 0, clusters)
    if clusters is not None and len(by_stratum) == 2:
        across = _products(by_stratum[0], by_stratum[1])
        matrix += _factor(units) * (across + across.T)
    method = "influence-iid" if clusters is None else "influence-clustered"
    test_df = np.inf if clusters is None else units - 1.0
    return MetricCovariance(method, first.metric, first.definition, np.concatenate(estimates), matrix, units, test_df)


def _reduce(values: FloatArray, strata: Strata, clusters: RowClusters | None, dtype: DTypeLike) -> list[AnyArray]:
    """Return the influence of one run by stratum: the rows of the stratum, or sums over clusters."""
    parts = [(strata == stratum) for stratum in range(int(strata.max()) + 1)]
    if clusters is None:
        return [values[part].astype(dtype) for part in parts]
    require_same_length(strata, clusters.codes, "rows and cluster ids")
    return [clusters.sums(np.where(part, values, 0.0)).astype(dtype) for part in parts]


def _units_by_stratum(strata: Strata, clusters: RowClusters | None) -> list[int]:
    parts = [(strata == stratum) for stratum in range(int(strata.max()) + 1)]
    if clusters is None:
        return [int(np.count_nonzero(part)) for part in parts]
    return [_count_clusters(part, clusters) for part in parts]


def _count_clusters(part: NDArray[np.bool_], clusters: RowClusters) -> int:
    """Return the number of clusters with a row in `part`."""
    return int(np.count_nonzero(np.bincount(clusters.codes[part], minlength=clusters.count)))


def _factor(count: int) -> float:
    if count < 2:
        raise TooFewRows(f"test rows: found {count} independent row or cluster in one class; at least 2 are needed")
    return count / (count - 1.0)


def _products(left: list[AnyArray], right: list[AnyArray]) -> FloatArray:
    """Return all sums of products in float64, independent of the storage type, a slice of rows at a time."""
    total = np.zeros((len(left), len(right)))
    for chunk in _slices(left[0].size):
        rows = np.stack([run[chunk] for run in left]).astype(np.float64, copy=False)
        same = left is right
        total += rows @ (rows if same else np.stack([run[chunk] for run in right]).astype(np.float64, copy=False)).T
    return total


def _slices(size: int) -> Iterator[slice]:
    return (slice(start, start + _CHUNK) for start in range(0, size, _CHUNK))
