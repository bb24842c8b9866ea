"""The same models on several random splits of one source: differences, with the error that shared train rows leave.

Splits of one source are no independent data sets, and no ranks are counted over them. The corrected resampled t-test of
Nadeau and Bengio adds what the overlap hides. It says nothing of other sources.
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
from ctrlab_report.statistics.students_t import critical_value


def compare_across_splits(sources: Sequence[ComparedExperiment], metric: str, confidence: float) -> AcrossSplits:
    """Every pair of models that all experiments share, p corrected by Holm over the pairs.

    Raises InvalidData where fewer than two models occur in every experiment, or one of them has no value.
    """
    models = shared_models(sources)
    values = {source.name: mean_scores(source, models, metric) for source in sources}
    ratio = math.fsum(s.inputs.prepared.test.rows / s.inputs.prepared.train.rows for s in sources) / len(sources)
    pairs = list(combinations(range(len(models)), 2))
    tests = [corrected_resampled_t([row[a] - row[b] for row in values.values()], ratio) for a, b in pairs]
    adjusted = holm([None if isinstance(found, Degenerate) else found.p for found in tests]).adjusted
    rows = []
    for (a, b), found, p in zip(pairs, tests, adjusted, strict=True):
        row = SplitPair(a=models[a], b=models[b], difference=found.estimate, p_adjusted=p, method=found.method)
        if not isinstance(found, Degenerate):
            half = critical_value(found.df, confidence) * found.se
            row = row.model_copy(
                update={"se": found.se, "low": found.estimate - half, "high": found.estimate + half, "p": found.p}
            )
        rows.append(row.model_copy(update={"sentence": _sentence(row, metric, confidence, len(sources))}))
    return AcrossSplits(models=models, values=values, test_to_train=ratio, pairs=tuple(rows))


def _sentence(row: SplitPair, metric: str, confidence: float, splits: int) -> str:
    name = f"{metric_name(metric)} of {row.a} and {row.b}"
    if row.low is None or row.high is None:
        return (
            f"{name} differs by {format_difference(row.difference)} on each of {splits} splits, so no error can be "
            "estimated."
        )
    digits = decimals_for_spread(row.se or 0.0)
    return (
        f"{name} differs by {format_difference(row.difference, digits)} over {splits} random splits of one source "
        f"({format_confidence(confidence)} CI {format_signed_range(row.low, row.high, digits)}, "
        f"{format_p_clause(row.p_adjusted)} after "
        "Holm's correction)."
    )
