"""The influence of each test row on each metric, from which every standard error of this package is computed.

For a metric computed from n rows, metric(sample) - metric(population) is approximately a sum of one term per row, the
row's influence. The covariance of the metrics of two runs is then the sum over rows of the product of their influences,
for every metric. A mean of row losses has influence (loss - mean) / n; a ratio of means follows by the delta method;
AUC is a two-sample U-statistic whose influence is given by the DeLong placements; GAUC is a ratio over users,
and AUC by group over groups.

Influence is separated by stratum, because each stratum is a separate sample with separate degrees of freedom: for AUC
the non-clicks (0) and the clicks (1); for other metrics all rows (0). Rows in no stratum (-1) do not enter the metric.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy

from ctrlab_api.metrics import WITHIN_METRICS
from ctrlab_report.statistics.delong_placements import delong_placements
from ctrlab_report.statistics.errors import NoUsers
from ctrlab_report.statistics.grouped_auc import grouped_auc
from ctrlab_report.statistics.input_checks import (
    AnyArray,
    BoolArray,
    FloatArray,
    as_binary_labels,
    as_score_matrix,
    require_open_unit_interval,
    require_probabilities,
    require_same_length,
)
from ctrlab_report.statistics.row_clusters import RowClusters
from ctrlab_report.statistics.supported_metrics import WITHIN, Metric
from ctrlab_report.statistics.weighted_influence import weighted_values

# Probabilities are clipped to [CLIP, 1 - CLIP] before the logarithm: the resolution of float32 at 1.
CLIP = 2.0**-23

Strata = NDArray[np.int8]


@dataclass(frozen=True)
class Influence:
    """Influence of rows on one metric of several runs.

    `estimates` (runs) are the metric values; `values` (runs x rows) sum to zero in every run; `strata` (rows) are
    defined in the module docstring; `definition` states the form of the metric that was computed.
    """

    metric: Metric
    definition: str
    estimates: FloatArray
    values: FloatArray
    strata: Strata


@dataclass(frozen=True)
class MetricOptions:
    """Parameters of metric definitions.

    `clip` bounds the probabilities of LogLoss and NE. `base_rate` is the click rate in the denominator of NE: None uses
    the rate of the evaluated rows (and includes its sampling error), a number is a fixed background rate as in He et
    al. 2014.
    """

    clip: float = CLIP
    base_rate: float | None = None


def compute_influence(
    metric: Metric,
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    users: RowClusters | None = None,
    options: MetricOptions | None = None,
    weights: ArrayLike | None = None,
    groups: RowClusters | None = None,
) -> Influence:
    """Return metric values and row influence of one or more runs on the same rows.

    `labels` (rows) are 0/1; `scores` (runs x rows, or one run) are probabilities, for AUC, GAUC and AUC_BY_GROUP any
    scores. `users` is needed only for GAUC, `groups` only for AUC_BY_GROUP; `weights` (rows) weight the rows. Raises
    MisalignedInput, NotFinite, OutOfRange or OneClass.
    """
    positive = as_binary_labels(labels)
    matrix = as_score_matrix(scores, positive.size)
    settings = options or MetricOptions()
    units = groups if metric is Metric.AUC_BY_GROUP else users
    if weights is not None:
        return _weighted(metric, positive, matrix, np.asarray(weights, np.float64), units, settings)
    if metric is Metric.AUC:
        return _auc(positive, matrix)
    if metric in WITHIN:
        return _auc_within(metric, positive, matrix, units)
    return _ROW_METRICS[metric](positive, require_probabilities(matrix), settings)


def row_logloss(positive: BoolArray, scores: AnyArray, clip: float) -> FloatArray:
    """Return the negative log likelihood of each row, with probabilities clipped to [clip, 1 - clip]."""
    label_probability = np.where(positive, scores, 1.0 - scores.astype(np.float64))
    losses: FloatArray = -np.log(np.clip(label_probability, clip, 1.0 - clip))
    return losses


def _weighted(
    metric: Metric,
    positive: BoolArray,
    scores: AnyArray,
    weights: FloatArray,
    units: RowClusters | None,
    options: MetricOptions,
) -> Influence:
    require_same_length(positive, weights, "labels and weights")
    if metric not in (Metric.AUC, *WITHIN):
        scores = require_probabilities(scores)
    losses = row_logloss(positive, scores, options.clip) if metric in (Metric.LOGLOSS, Metric.NE) else None
    estimates, values, strata = weighted_values(metric, positive, scores, weights, units, losses)
    return Influence(metric, f"{metric.value}: rows are weighted", estimates, values, strata)


def _auc(positive: BoolArray, scores: AnyArray) -> Influence:
    clicks = np.count_nonzero(positive)
    class_size = np.where(positive, float(clicks), float(positive.size - clicks))
    values = np.empty(scores.shape)
    estimates = np.empty(len(scores))
    for run, run_scores in enumerate(scores):
        placements = delong_placements(positive, run_scores)
        estimates[run] = placements.auc
        values[run] = (placements.values - placements.auc) / class_size
    return Influence(Metric.AUC, "auc: ties count one half", estimates, values, positive.astype(np.int8))


def _auc_within(metric: Metric, positive: BoolArray, scores: AnyArray, units: RowClusters | None) -> Influence:
    name = WITHIN_METRICS[metric.value]
    if units is None:
        raise NoUsers(f"{metric} needs the rows of at least 2 {name}s; leave {metric} out of spec.analysis.metrics")
    require_same_length(positive, units.codes, f"labels and {name} ids")
    values = np.zeros(scores.shape)
    estimates = np.empty(len(scores))
    two_class = np.zeros(units.count, dtype=np.bool_)
    for run, run_scores in enumerate(scores):
        grouped = grouped_auc(positive, run_scores, units, metric)
        two_class, estimates[run] = grouped.two_class, grouped.gauc
        by_unit = np.where(two_class, grouped.by_user - estimates[run], 0.0) / grouped.impressions[two_class].sum()
        values[run] = by_unit[units.codes]
    strata = np.where(two_class[units.codes], 0, -1).astype(np.int8)
    return Influence(metric, f"{metric}: impression weights, one-class {name}s skipped", estimates, values, strata)


def _logloss(positive: BoolArray, scores: AnyArray, options: MetricOptions) -> Influence:
    losses = row_logloss(positive, scores, options.clip)
    return _mean_of_rows(Metric.LOGLOSS, f"logloss: natural logarithm, clip {options.clip:g}", losses)


def _brier(positive: BoolArray, scores: AnyArray, options: MetricOptions) -> Influence:
    return _mean_of_rows(
        Metric.BRIER, "brier: mean squared error of the probability", (scores - positive.astype(np.float64)) ** 2
    )


def _mean_of_rows(metric: Metric, definition: str, losses: FloatArray) -> Influence:
    means = losses.mean(axis=1)
    rows = losses.shape[1]
    return Influence(metric, definition, means, (losses - means[:, None]) / rows, np.zeros(rows, dtype=np.int8))


def _ne(positive: BoolArray, scores: AnyArray, options: MetricOptions) -> Influence:
    """Normalized entropy, LogLoss / H(base rate).

    If the base rate is estimated from the same rows, its sampling error enters through H'(p) = -logit(p).
    """
    losses = row_logloss(positive, scores, options.clip)
    observed_rate = float(positive.mean())
    rate = observed_rate if options.base_rate is None else require_open_unit_interval(options.base_rate, "NE base rate")
    entropy = -float(xlogy(rate, rate) + xlogy(1.0 - rate, 1.0 - rate))
    loss = losses.mean(axis=1)
    values = (losses - loss[:, None]) / entropy
    if options.base_rate is None:
        slope = np.log((1.0 - rate) / rate)
        values -= (loss / entropy**2 * slope)[:, None] * (positive - rate)
    source = "evaluated rows" if options.base_rate is None else f"fixed at {rate:g}"
    definition = f"ne: logloss over the entropy of the base rate ({source}), clip {options.clip:g}"
    return Influence(
        Metric.NE, definition, loss / entropy, values / positive.size, np.zeros(positive.size, dtype=np.int8)
    )


def _pcoc(positive: BoolArray, scores: AnyArray, options: MetricOptions) -> Influence:
    """PCOC = mean(score) / mean(label): predicted over observed click rate."""
    rate = float(positive.mean())
    predicted = scores.mean(axis=1, dtype=np.float64)
    pcoc = predicted / rate
    values = ((scores - predicted[:, None]) - pcoc[:, None] * (positive - rate)) / rate / positive.size
    return Influence(
        Metric.PCOC, "pcoc: mean prediction over mean label", pcoc, values, np.zeros(positive.size, dtype=np.int8)
    )


_ROW_METRICS: dict[Metric, Callable[[BoolArray, AnyArray, MetricOptions], Influence]] = {
    Metric.LOGLOSS: _logloss,
    Metric.BRIER: _brier,
    Metric.NE: _ne,
    Metric.PCOC: _pcoc,
}
