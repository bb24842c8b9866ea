"""Searches that went another way than one full budget: stopped, grown, begun warm, or made several times.

Of several searches (`tuning.repeats`) the final runs take turns. Runs of one search share its choice, so a search and
not a run is what comparisons count: values, and their covariance over test rows, are averaged over its runs first.
"""

import math
from dataclasses import replace

import numpy as np

from ctrlab_api.plan import Plan
from ctrlab_api.records import MetricSummary, StudyRecord
from ctrlab_report.analysis.scored_metrics import RunId, ScoredMetric


def search_deviations(search: StudyRecord, plan: Plan) -> str | None:
    """One sentence for each thing about a search that the plan does not say."""
    found, planned = [], plan.study_budget(search.variant)
    if search.stopped is not None:
        found.append(f"The search was stopped {search.stopped.reason} (tuning.stop.{search.stopped.rule}).")
    if search.budget > planned and search.inherited_from is None:
        found.append(f"The search was given {search.budget} trials instead of {planned} before it was frozen.")
    if search.warm_start is not None:
        warm = search.warm_start
        found.append(f"The search began with {warm.trials} trials of {warm.experiment}, {warm.outside} left out.")
    return " ".join(found) or None


def repeats_statement(plan: Plan, study: StudyRecord, metric: MetricSummary) -> str | None:
    """How the final runs' spread on test is made up, for several searches; None for one."""
    searches = len(study.all_studies)
    if searches == 1:
        return None
    groups: dict[int, list[float]] = {}
    for seed, value in metric.by_seed.items():
        if value is not None:
            groups.setdefault(plan.study_of(int(seed)), []).append(value)
    text = f"{searches} independent searches were made, and the final runs take turns over them"
    best = [search.best.value for search in study.all_studies if search.best.value is not None]
    if len(best) > 1:
        text += f"; their best validation values have a standard deviation of {np.std(best, ddof=1):.2g}"
    found = variance_components(list(groups.values()))
    if found is None:
        return f"{text}. With one run for each, what searches and what seeds add cannot be told apart."
    between, within = found
    return f"{text}. On test the standard deviation is {between:.2g} between searches and {within:.2g} within them."


def variance_components(groups: list[list[float]]) -> tuple[float, float] | None:
    """Standard deviations between and within groups; None without two groups and one with two values.

    One-way random effects by the method of moments (Searle, Casella, McCulloch: Variance Components, 1992, chapter 3):
    the variance between groups is (MSB - MSW) / n, not below 0, with n the groups' size, or its unbalanced counterpart.
    """
    counts = [len(group) for group in groups]
    total = sum(counts)
    if len(groups) < 2 or total == len(groups):
        return None
    grand = math.fsum(value for group in groups for value in group) / total
    means = [math.fsum(group) / len(group) for group in groups]
    squares = math.fsum((v - m) ** 2 for group, m in zip(groups, means, strict=True) for v in group)
    within = squares / (total - len(groups))
    between = math.fsum(n * (m - grand) ** 2 for n, m in zip(counts, means, strict=True)) / (len(groups) - 1)
    size = (total - math.fsum(n * n for n in counts) / total) / (len(groups) - 1)
    return math.sqrt(max(0.0, (between - within) / size)), math.sqrt(within)


def average_by_search(metric: ScoredMetric, plan: Plan) -> ScoredMetric:
    """The metric with one value for each search instead of each run, under the seed of the search's first run.

    The same object where there is one search, or one run for each.
    """
    runs = list(metric.values)
    groups: dict[RunId, list[int]] = {}
    for place, (variant, seed) in enumerate(runs):
        groups.setdefault((variant, plan.evaluation.seeds.base + plan.study_of(seed)), []).append(place)
    if plan.tuning.study_count == 1 or len(groups) == len(runs):
        return metric
    averaging = np.zeros((len(groups), len(runs)))
    for row, places in enumerate(groups.values()):
        averaging[row, places] = 1 / len(places)
    values = averaging @ np.array(list(metric.values.values()))
    covariance = metric.covariance
    if covariance is not None:
        covariance = replace(
            covariance, estimates=averaging @ covariance.estimates, matrix=averaging @ covariance.matrix @ averaging.T
        )
    return ScoredMetric(metric.name, dict(zip(groups, values.tolist(), strict=True)), covariance)
