"""The same models on several data sets: is their ranking general? Below five data sets no test can say so."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from ctrlab_api.errors import InvalidData
from ctrlab_api.metrics import METRIC_DIRECTIONS
from ctrlab_report.analysis.scored_metrics import score_metrics
from ctrlab_report.compare.compared_experiments import ComparedExperiment
from ctrlab_report.compare.comparison_result import AcrossDataSets
from ctrlab_report.statistics.multiple_datasets import (
    BAYES_SIGNED_RANK,
    MIN_DATA_SETS,
    bayesian_signed_rank,
    compare_with_control,
    critical_difference,
    friedman_test,
    mean_ranks,
)


def compare_across_data_sets(
    sources: Sequence[ComparedExperiment], metric: str, margin: float | None, alpha: float
) -> AcrossDataSets:
    """Side by side, and with five data sets or more Friedman, Nemenyi, Holm and the Bayesian signed-rank test.

    Raises InvalidData where fewer than two models occur in every experiment, or one of them has no value.
    """
    models = shared_models(sources)
    values = {source.name: mean_scores(source, models, metric) for source in sources}
    if len(sources) < MIN_DATA_SETS:
        return AcrossDataSets(
            models=models,
            values=values,
            refused=f"{len(sources)} data sets carry no claim about others: a test over data sets needs at least "
            f"{MIN_DATA_SETS}. Read each data set by itself.",
        )
    table = np.array(list(values.values()))
    higher = METRIC_DIRECTIONS[metric] == "maximize"  # type: ignore[index]
    ranks = mean_ranks(table, higher_is_better=higher)
    test, nemenyi = friedman_test(ranks, len(sources)), critical_difference(ranks, len(sources), alpha=alpha)
    gains = table if higher else -table
    posterior, control = {}, compare_with_control(ranks, len(sources), 0)
    for a, b in combinations(range(len(models)), 2):
        found = bayesian_signed_rank(gains[:, a], gains[:, b], margin or 0.0)
        posterior[f"{models[a]} - {models[b]}"] = (found.b_better, found.equal, found.a_better)
    return AcrossDataSets(
        models=models,
        values=values,
        mean_ranks=test.mean_ranks,
        friedman_chi2=test.chi2,
        friedman_f=test.f if np.isfinite(test.f) else None,
        friedman_p=test.p,
        critical_difference=nemenyi.difference,
        groups=nemenyi.groups,
        against_first=control.adjusted,
        posterior=posterior,
        methods=(test.method, nemenyi.method, control.method, BAYES_SIGNED_RANK),
    )


def shared_models(sources: Sequence[ComparedExperiment]) -> tuple[str, ...]:
    """Names that every experiment has, in the first one's order; InvalidData for fewer than two."""
    models = tuple(name for name in sources[0].inputs.plan.names if all(name in s.inputs.plan.names for s in sources))
    if len(models) < 2:
        raise InvalidData.at(
            "experiments",
            "share fewer than two models by name; give the same models the same names in every experiment",
        )
    return models


def mean_scores(source: ComparedExperiment, models: Sequence[str], metric: str) -> tuple[float, ...]:
    """Of each model over its seeds, on test; InvalidData for a model without a value."""
    scored = score_metrics(source.inputs).metrics[metric]
    found_means = []
    for name in models:
        found = list(scored.values_of(name).values())
        if not found:
            raise InvalidData.at(f"{source.name}/{name}", f"has no run with a value of {metric}; run its seeds again")
        found_means.append(float(np.mean(found)))
    return tuple(found_means)
