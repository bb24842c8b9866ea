"""Compares finished experiments, given the URIs of their folders."""

from collections.abc import Sequence

from ctrlab_api.canonical_json import digest
from ctrlab_report.analysis.methods_used import library_versions
from ctrlab_report.compare.compared_experiments import (
    are_random_splits,
    read_experiments,
    select_metric,
    share_data_set,
)
from ctrlab_report.compare.comparison_result import ExperimentsComparison
from ctrlab_report.compare.multi_data_comparison import compare_across_data_sets
from ctrlab_report.compare.same_data_comparison import compare_on_one_data_set
from ctrlab_report.compare.split_comparison import compare_across_splits
from ctrlab_report.statistics.model_comparison import ComparisonSettings


def compare_experiments(
    uris: Sequence[str], metric: str | None, margin: float | None, confidence: float
) -> ExperimentsComparison:
    """Compare finished experiments; InvalidData if they are not comparable.

    `metric` None means the primary metric of all plans; `margin` is in units of the metric.
    """
    experiments = read_experiments(uris)
    metric = select_metric(experiments, metric)
    settings = ComparisonSettings(confidence=confidence, margin=margin)
    same_data = share_data_set(experiments)
    random_splits = not same_data and are_random_splits(experiments)
    several_data_sets = not same_data and not random_splits
    return ExperimentsComparison(
        experiments={experiment.name: experiment.inputs.key.prefix for experiment in experiments},
        metric=metric,
        confidence=confidence,
        margin=margin,
        data={experiment.name: experiment.data_digest for experiment in experiments},
        pairs=compare_on_one_data_set(experiments, metric, settings) if same_data else (),
        across=compare_across_data_sets(experiments, metric, margin, settings.alpha) if several_data_sets else None,
        splits=compare_across_splits(experiments, metric, confidence) if random_splits else None,
        inputs={experiment.name: digest(experiment.inputs.input_digests) for experiment in experiments},
        versions=library_versions(),
    )
