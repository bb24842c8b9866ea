"""From the folders of experiments to their comparison."""

from collections.abc import Sequence

from ctrlab_contract.canonical import digest
from ctrlab_report.analysis.methods import versions
from ctrlab_report.compare.across_data import compare_across_data_sets
from ctrlab_report.compare.across_splits import compare_across_splits
from ctrlab_report.compare.result import ExperimentsComparison
from ctrlab_report.compare.same_data import compare_on_one_data_set
from ctrlab_report.compare.sources import common_metric, one_data_set, read_sources, splits_of_one_source
from ctrlab_report.statistics.comparison import ComparisonPlan


def compare_experiments(
    uris: Sequence[str], metric: str | None, margin: float | None, confidence: float
) -> ExperimentsComparison:
    """Compare finished experiments; InvalidData where they do not go together."""
    sources = read_sources(uris)
    chosen = common_metric(sources, metric)
    plan = ComparisonPlan(confidence=confidence, margin=margin)
    together = one_data_set(sources)
    split = not together and splits_of_one_source(sources)
    return ExperimentsComparison(
        experiments={source.name: source.gathered.key.prefix for source in sources},
        metric=chosen,
        confidence=confidence,
        margin=margin,
        data={source.name: source.data for source in sources},
        pairs=compare_on_one_data_set(sources, chosen, plan) if together else (),
        across=None if together or split else compare_across_data_sets(sources, chosen, margin, plan.alpha),
        splits=compare_across_splits(sources, chosen, confidence) if split else None,
        inputs={source.name: digest(source.gathered.inputs) for source in sources},
        versions=versions(),
    )
