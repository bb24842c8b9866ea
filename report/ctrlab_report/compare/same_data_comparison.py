"""Compares models of different experiments on one data set: by the scores of each row, paired over shared seeds."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_api.metrics import SCORE_EPSILON
from ctrlab_report.analysis.row_units import row_units
from ctrlab_report.compare.compared_experiments import ComparedExperiment
from ctrlab_report.compare.comparison_result import ModelPair
from ctrlab_report.formatting.number_formats import metric_name
from ctrlab_report.inputs.prediction_reader import TestRows, require_same_rows
from ctrlab_report.statistics.covariance import covariance_from_scores
from ctrlab_report.statistics.degenerate_results import Degenerate
from ctrlab_report.statistics.errors import MixedModes, NoUsers, OneClass, TooFewRows
from ctrlab_report.statistics.influence import MetricOptions
from ctrlab_report.statistics.model_comparison import (
    AdjustedComparison,
    ComparisonSettings,
    ModelRuns,
    compare_family,
    compare_pair,
)
from ctrlab_report.statistics.supported_metrics import Metric


def compare_on_one_data_set(
    experiments: Sequence[ComparedExperiment], metric: str, settings: ComparisonSettings
) -> tuple[ModelPair, ...]:
    """Compare every model of one experiment with every model of the others, with Holm's correction over all pairs.

    Raises InvalidData if the sampling error of the metric is not known, test rows differ, a model has no finished run
    or the experiments were trained in different modes.
    """
    if metric not in set(Metric):
        raise InvalidData.at("--metric", f"{metric} has no known sampling error; choose one of {', '.join(Metric)}")
    test_rows = _shared_test_rows(experiments)
    models: list[tuple[str, ModelRuns]] = []
    scores: list[NDArray[np.float32]] = []
    for experiment in experiments:
        for name in experiment.inputs.plan.names:
            runs = [run for run in experiment.inputs.runs_of(name) if run.scores is not None]
            if not runs:
                raise InvalidData.at(f"{experiment.name}/{name}", "has no finished run; run its seeds again")
            indices = tuple(range(len(scores), len(scores) + len(runs)))
            seeds, mode = tuple(run.seed for run in runs), experiment.inputs.plan.evaluation.execution_mode
            models.append((experiment.name, ModelRuns(f"{experiment.name}/{name}", seeds, indices, mode)))
            scores += [run.scores for run in runs if run.scores is not None]
    units = row_units(test_rows)
    pairs = [(a, b) for (experiment_a, a), (experiment_b, b) in combinations(models, 2) if experiment_a != experiment_b]
    try:
        covariance = covariance_from_scores(
            Metric(metric),
            test_rows.labels,
            iter(scores),
            clusters=units.clusters_of(Metric(metric)),
            groups=units.groups,
            options=MetricOptions(clip=SCORE_EPSILON),
            weights=test_rows.weights,
        )
    except (OneClass, TooFewRows, NoUsers) as error:
        return tuple(_undefined_pair(a.name, b.name, metric, str(error)) for a, b in pairs)
    try:
        comparisons = [compare_pair(a, b, covariance, settings, len(pairs)) for a, b in pairs]
    except MixedModes as error:
        raise InvalidData.at("experiments", str(error)) from None
    return tuple(_model_pair(adjusted) for adjusted in compare_family(comparisons, settings))


def _shared_test_rows(experiments: Sequence[ComparedExperiment]) -> TestRows:
    by_name = [(experiment.name, experiment.inputs.test_rows) for experiment in experiments]
    for name, rows in by_name:
        if rows is None:
            raise InvalidData.at(name, "has no run with predictions; run its seeds again")
    (first_name, first), *others = [(name, rows) for name, rows in by_name if rows is not None]
    for name, rows in others:
        require_same_rows(first, first_name, rows, name)
        if (first.weights is None) != (rows.weights is None):
            raise InvalidData.at(
                name, f"weights the test rows in its metrics, or {first_name} does: compare two that agree"
            )
    return first


def _undefined_pair(a: str, b: str, metric: str, reason: str) -> ModelPair:
    """Return a pair that the test rows give no comparison of."""
    sentence = f"{a} and {b} cannot be compared by {metric_name(metric)}: it is undefined on these test rows: {reason}."
    return ModelPair(a=a, b=b, paired_seeds=(), label="undefined", sentence=sentence, method="none")


def _model_pair(adjusted: AdjustedComparison) -> ModelPair:
    comparison, two_source, verdict = adjusted.comparison, adjusted.comparison.two_source, adjusted.verdict
    estimate = None if isinstance(two_source, Degenerate) else two_source
    no_direction = f"{comparison.a} and {comparison.b}: neither direction of the difference is better."
    return ModelPair(
        a=comparison.a,
        b=comparison.b,
        paired_seeds=tuple(sorted(comparison.seeds)),
        difference=two_source.estimate,
        low=estimate.low if estimate else None,
        high=estimate.high if estimate else None,
        se=estimate.se if estimate else None,
        simultaneous_low=adjusted.simultaneous.low if adjusted.simultaneous else None,
        simultaneous_high=adjusted.simultaneous.high if adjusted.simultaneous else None,
        p=estimate.p if estimate else None,
        p_adjusted=adjusted.adjusted_p,
        verdict=verdict.kind.value if verdict else None,
        label=verdict.label if verdict else "no verdict",
        sentence=verdict.sentence if verdict else no_direction,
        method=two_source.method,
    )
