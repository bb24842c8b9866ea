"""From the folders of experiments to their comparison."""

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
    """Compare finished experiments; InvalidData where they do not go together."""
    sources = read_experiments(uris)
    chosen = select_metric(sources, metric)
    plan = ComparisonSettings(confidence=confidence, margin=margin)
    together = share_data_set(sources)
    split = not together and are_random_splits(sources)
    return ExperimentsComparison(
        experiments={source.name: source.inputs.key.prefix for source in sources},
        metric=chosen,
        confidence=confidence,
        margin=margin,
        data={source.name: source.data for source in sources},
        pairs=compare_on_one_data_set(sources, chosen, plan) if together else (),
        across=None if together or split else compare_across_data_sets(sources, chosen, margin, plan.alpha),
        splits=compare_across_splits(sources, chosen, confidence) if split else None,
        inputs={source.name: digest(source.inputs.input_digests) for source in sources},
        versions=library_versions(),
    )
