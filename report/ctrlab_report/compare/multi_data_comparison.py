"""Compares the same models over several data sets by their ranks; below five data sets no test is meaningful."""

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
    experiments: Sequence[ComparedExperiment], metric: str, margin: float | None, alpha: float
) -> AcrossDataSets:
    """Return the values, and from five data sets on the tests of Friedman, Nemenyi, Holm and Bayesian signed ranks.

    Raises InvalidData if fewer than two models occur in every experiment, or one of them has no value.
    """
    models = shared_models(experiments)
    values = {experiment.name: mean_scores(experiment, models, metric) for experiment in experiments}
    data_sets = len(experiments)
    if data_sets < MIN_DATA_SETS:
        return AcrossDataSets(
            models=models,
            values=values,
            refused=f"{data_sets} data sets do not support a claim about others: a test over data sets needs at least "
            f"{MIN_DATA_SETS}. Interpret each data set separately.",
        )
    table = np.array(list(values.values()))
    higher_is_better = METRIC_DIRECTIONS[metric] == "maximize"  # type: ignore[index]
    ranks = mean_ranks(table, higher_is_better=higher_is_better)
    friedman, nemenyi = friedman_test(ranks, data_sets), critical_difference(ranks, data_sets, alpha=alpha)
    control = compare_with_control(ranks, data_sets, 0)
    gains = table if higher_is_better else -table
    posteriors = {}
    for a, b in combinations(range(len(models)), 2):
        posterior = bayesian_signed_rank(gains[:, a], gains[:, b], margin or 0.0)
        posteriors[f"{models[a]} - {models[b]}"] = (posterior.b_better, posterior.equal, posterior.a_better)
    return AcrossDataSets(
        models=models,
        values=values,
        mean_ranks=friedman.mean_ranks,
        friedman_chi2=friedman.chi2,
        friedman_f=friedman.f if np.isfinite(friedman.f) else None,
        friedman_p=friedman.p,
        critical_difference=nemenyi.difference,
        groups=nemenyi.groups,
        against_first=control.adjusted,
        posterior=posteriors,
        methods=(friedman.method, nemenyi.method, control.method, BAYES_SIGNED_RANK),
    )


def shared_models(experiments: Sequence[ComparedExperiment]) -> tuple[str, ...]:
    """Return the model names that every experiment has, in the order of the first; InvalidData for fewer than two."""
    plans = [experiment.inputs.plan for experiment in experiments]
    models = tuple(name for name in plans[0].names if all(name in plan.names for plan in plans))
    if len(models) < 2:
        raise InvalidData.at(
            "experiments",
            "share fewer than two models by name; give the same models the same names in every experiment",
        )
    return models


def mean_scores(experiment: ComparedExperiment, models: Sequence[str], metric: str) -> tuple[float, ...]:
    """Return the mean of the metric over the seeds of each model, on test; InvalidData for a model without a value."""
    scored = score_metrics(experiment.inputs).metrics[metric]
    means = []
    for name in models:
        values = list(scored.values_of(name).values())
        if not values:
            raise InvalidData.at(
                f"{experiment.name}/{name}", f"has no run with a value of {metric}; run its seeds again"
            )
        means.append(float(np.mean(values)))
    return tuple(means)
