"""Influence of weighted rows on the metrics, with the weights as fixed properties of the rows.

A weighted mean m = sum(w x) / sum(w) has influence w (x - m) / sum(w); ratios of means follow by the delta method, and
weighted AUC by the placements of its rows, each multiplied by the weight of the row. Equal weights give the influence
of unweighted rows.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from ctrlab_api.metrics import WITHIN_METRICS
from ctrlab_metrics.weighted import pair_placements, weighted_auc_by_group
from ctrlab_report.statistics.errors import MisalignedInput, OneClass
from ctrlab_report.statistics.input_checks import AnyArray, BoolArray, FloatArray
from ctrlab_report.statistics.row_clusters import RowClusters
from ctrlab_report.statistics.supported_metrics import WITHIN, Metric

Weights = NDArray[np.float64]


def weighted_values(
    metric: Metric,
    positive: BoolArray,
    scores: AnyArray,
    weights: Weights,
    units: RowClusters | None,
    losses: FloatArray | None,
) -> tuple[FloatArray, FloatArray, NDArray[np.int8]]:
    """Return [runs] estimates, [runs x rows] influence and [rows] strata.

    `units` are the users of GAUC or the groups of AUC_BY_GROUP; `losses` are [runs x rows] log losses.
    """
    labels = positive.astype(np.float64)
    strata = np.zeros(positive.size, np.int8)
    if metric is Metric.AUC:
        return *_auc(labels, scores, weights), positive.astype(np.int8)
    if metric in WITHIN:
        return _auc_within(metric, labels, scores, weights, units)
    total = weights.sum()
    rate = float(weights @ labels / total)
    if metric is Metric.PCOC:
        predicted = scores.astype(np.float64) @ weights / total
        pcoc = predicted / rate
        values = ((scores - predicted[:, None]) - pcoc[:, None] * (labels - rate)) / rate
        return pcoc, values * weights / total, strata
    rows = (scores - labels) ** 2 if metric is Metric.BRIER else losses
    assert rows is not None
    means = rows @ weights / total
    values = rows - means[:, None]
    if metric is Metric.NE:
        entropy = -float(xlogy(rate, rate) + xlogy(1.0 - rate, 1.0 - rate))
        slope = np.log((1.0 - rate) / rate)
        values = values / entropy - (means / entropy**2 * slope)[:, None] * (labels - rate)
        means = means / entropy
    return means, values * weights / total, strata


def _auc(labels: FloatArray, scores: AnyArray, weights: Weights) -> tuple[FloatArray, FloatArray]:
    clicks, others = float(weights @ labels), float(weights @ (1 - labels))
    if clicks == 0 or others == 0:
        raise OneClass("auc: all weight is on rows of one class; use other weights or unweighted metrics")
    own, other = np.where(labels == 1, clicks, others), np.where(labels == 1, others, clicks)
    estimates, values = np.empty(len(scores)), np.empty(scores.shape)
    for run, run_scores in enumerate(scores):
        placements = pair_placements(labels, run_scores, weights, np.zeros(labels.size, np.int32))[0] / other
        estimates[run] = float((weights * labels) @ placements / clicks)
        values[run] = weights * (placements - estimates[run]) / own
    return estimates, values


def _auc_within(
    metric: Metric, labels: FloatArray, scores: AnyArray, weights: Weights, units: RowClusters | None
) -> tuple[FloatArray, FloatArray, NDArray[np.int8]]:
    name = WITHIN_METRICS[metric.value]
    if units is None:
        raise MisalignedInput(f"{metric}: found no {name} ids; set spec.dataset.{name} to their column")
    codes = units.codes.astype(np.int32)
    estimates, values, used = np.empty(len(scores)), np.empty(scores.shape), np.zeros(units.count, bool)
    for run, run_scores in enumerate(scores):
        by_unit, impressions = weighted_auc_by_group(labels, run_scores, weights, codes)
        used = np.isfinite(by_unit)
        if not used.any():
            raise OneClass(
                f"{metric}: no {name} has weight on both a click and a non-click; drop {metric} from analysis.metrics"
            )
        estimates[run] = float(np.average(by_unit[used], weights=impressions[used]))
        share = np.where(used, (by_unit - estimates[run]) * impressions, 0.0) / impressions[used].sum()
        rows_of_unit = np.bincount(units.codes, minlength=units.count)
        values[run] = (share / rows_of_unit)[units.codes]
    return estimates, values, np.where(used[units.codes], 0, -1).astype(np.int8)
