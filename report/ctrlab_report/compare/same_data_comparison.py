"""Models of different experiments on one data set: compared row by row, paired where the seeds agree."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_api.metrics import SCORE_EPSILON
from ctrlab_report.compare.compared_experiments import ComparedExperiment
from ctrlab_report.compare.comparison_result import ModelPair
from ctrlab_report.inputs.prediction_reader import TestRows, require_same_rows
from ctrlab_report.statistics.covariance import covariance_from_scores
from ctrlab_report.statistics.degenerate_results import Degenerate
from ctrlab_report.statistics.errors import MixedModes
from ctrlab_report.statistics.influence import MetricOptions
from ctrlab_report.statistics.model_comparison import (
    AdjustedComparison,
    ComparisonSettings,
    ModelRuns,
    compare_family,
    compare_pair,
)
from ctrlab_report.statistics.row_clusters import cluster_rows
from ctrlab_report.statistics.supported_metrics import Metric


def compare_on_one_data_set(
    sources: Sequence[ComparedExperiment], metric: str, plan: ComparisonSettings
) -> tuple[ModelPair, ...]:
    """Every model of one experiment against every model of another, Holm over all of them.

    Raises InvalidData where the metric has no sampling theory, test rows differ, a model has no finished run or
    the experiments were trained in different modes.
    """
    if metric not in set(Metric):
        raise InvalidData.at("--metric", f"{metric} has no known sampling error; choose one of {', '.join(Metric)}")
    test = _common_rows(sources)
    models: list[tuple[str, ModelRuns]] = []
    scores: list[NDArray[np.float32]] = []
    for source in sources:
        for name in source.inputs.plan.names:
            runs = [run for run in source.inputs.runs_of(name) if run.scores is not None]
            if not runs:
                raise InvalidData.at(f"{source.name}/{name}", "has no finished run; run its seeds again")
            places = tuple(range(len(scores), len(scores) + len(runs)))
            seeds, mode = tuple(run.seed for run in runs), source.inputs.plan.evaluation.execution_mode
            models.append((source.name, ModelRuns(f"{source.name}/{name}", seeds, places, mode)))
            scores += [run.scores for run in runs if run.scores is not None]
    clusters = cluster_rows(test.users) if test.users is not None and test.users.min() < test.users.max() else None
    covariance = covariance_from_scores(
        Metric(metric), test.labels, iter(scores), clusters=clusters, options=MetricOptions(clip=SCORE_EPSILON)
    )
    wanted = [(a, b) for (one, a), (other, b) in combinations(models, 2) if one != other]
    try:
        found = [compare_pair(a, b, covariance, plan, len(wanted)) for a, b in wanted]
    except MixedModes as error:
        raise InvalidData.at("experiments", str(error)) from None
    return tuple(_pair(member) for member in compare_family(found, plan))


def _common_rows(sources: Sequence[ComparedExperiment]) -> TestRows:
    with_rows = [(source.name, source.inputs.test_rows) for source in sources]
    for name, rows in with_rows:
        if rows is None:
            raise InvalidData.at(name, "has no run with predictions; run its seeds again")
    (first_name, first), *others = [(name, rows) for name, rows in with_rows if rows is not None]
    for name, rows in others:
        require_same_rows(first, first_name, rows, name)
    return first


def _pair(member: AdjustedComparison) -> ModelPair:
    one, both = member.comparison, member.comparison.two_source
    known = None if isinstance(both, Degenerate) else both
    sentence = member.verdict.sentence if member.verdict else f"{one.a} and {one.b}: no direction is better."
    return ModelPair(
        a=one.a,
        b=one.b,
        paired_seeds=tuple(sorted(one.seeds)),
        difference=both.estimate,
        low=known.low if known else None,
        high=known.high if known else None,
        se=known.se if known else None,
        simultaneous_low=member.simultaneous.low if member.simultaneous else None,
        simultaneous_high=member.simultaneous.high if member.simultaneous else None,
        p=known.p if known else None,
        p_adjusted=member.adjusted_p,
        verdict=member.verdict.kind.value if member.verdict else None,
        label=member.verdict.label if member.verdict else "no verdict",
        sentence=sentence,
        method=both.method,
    )
