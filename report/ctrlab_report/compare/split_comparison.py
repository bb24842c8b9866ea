"""Compares the same models over several random splits of one source.

Splits of one source are not independent data sets, because their train rows overlap, so no ranks are computed over
them. The corrected resampled t-test of Nadeau and Bengio accounts for the overlap. Its conclusions do not extend to
other sources.
"""

import math
from collections.abc import Sequence
from itertools import combinations

from ctrlab_report.compare.compared_experiments import ComparedExperiment
from ctrlab_report.compare.comparison_result import AcrossSplits, SplitPair
from ctrlab_report.compare.multi_data_comparison import mean_scores, shared_models
from ctrlab_report.formatting.number_formats import (
    decimals_for_spread,
    format_confidence,
    format_difference,
    format_p_clause,
    format_signed_range,
    metric_name,
)
from ctrlab_report.statistics.degenerate_results import Degenerate
from ctrlab_report.statistics.multiple_testing import holm
from ctrlab_report.statistics.repeated_splits import corrected_resampled_t
from ctrlab_report.statistics.students_t import confidence_limits


def compare_across_splits(experiments: Sequence[ComparedExperiment], metric: str, confidence: float) -> AcrossSplits:
    """Compare every pair of models that all experiments share, with Holm's correction over the pairs.

    Raises InvalidData if fewer than two models occur in every experiment, or one of them has no value.
    """
    models = shared_models(experiments)
    values = {experiment.name: mean_scores(experiment, models, metric) for experiment in experiments}
    prepared = [experiment.inputs.prepared for experiment in experiments]
    ratio = math.fsum(data.test.rows / data.train.rows for data in prepared) / len(prepared)
    pairs = list(combinations(range(len(models)), 2))
    tests = [corrected_resampled_t([means[a] - means[b] for means in values.values()], ratio) for a, b in pairs]
    adjusted = holm([None if isinstance(test, Degenerate) else test.p for test in tests]).adjusted
    rows = []
    for (a, b), test, p in zip(pairs, tests, adjusted, strict=True):
        row = SplitPair(a=models[a], b=models[b], difference=test.estimate, p_adjusted=p, method=test.method)
        if not isinstance(test, Degenerate):
            low, high = confidence_limits(test.estimate, test.se, test.df, confidence)
            row = row.model_copy(update={"se": test.se, "p": test.p, "low": low, "high": high})
        rows.append(row.model_copy(update={"sentence": _sentence(row, metric, confidence, len(experiments))}))
    return AcrossSplits(models=models, values=values, test_to_train=ratio, pairs=tuple(rows))


def _sentence(row: SplitPair, metric: str, confidence: float, splits: int) -> str:
    subject = f"{metric_name(metric)} of {row.a} and {row.b}"
    if row.low is None or row.high is None:
        return (
            f"{subject} differs by {format_difference(row.difference)} on each of {splits} splits, so no error can be "
            "estimated."
        )
    decimals = decimals_for_spread(row.se or 0.0)
    return (
        f"{subject} differs by {format_difference(row.difference, decimals)} over {splits} random splits of one source "
        f"({format_confidence(confidence)} CI {format_signed_range(row.low, row.high, decimals)}, "
        f"{format_p_clause(row.p_adjusted)} after Holm's correction)."
    )
