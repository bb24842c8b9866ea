"""Studies that differ from one study with the planned budget: stopped, extended, warm-started, or repeated.

With repeated studies (`tuning.repeats`) the final runs use their best trials in rotation. Runs of one study share its
hyperparameters, so a comparison counts studies and not runs: values, and their covariance over test rows, are first
averaged over the runs of a study.
"""

import math
from dataclasses import replace

import numpy as np

from ctrlab_api.plan import Plan
from ctrlab_api.records import MetricSummary, StudyRecord
from ctrlab_report.analysis.scored_metrics import RunId, ScoredMetric


def study_deviations(study: StudyRecord, plan: Plan) -> str | None:
    """Return one sentence for each deviation of a study from the planned budget and start; None if there is none."""
    sentences, planned = [], plan.study_budget(study.variant)
    if study.stopped is not None:
        sentences.append(f"The study was stopped {study.stopped.reason} (tuning.stop.{study.stopped.rule}).")
    if study.budget > planned and study.inherited_from is None:
        sentences.append(f"The trial budget was raised from {planned} to {study.budget} before the study was frozen.")
    if study.warm_start is not None:
        warm = study.warm_start
        sentences.append(
            f"The study was warm-started with {warm.trials} trials of {warm.experiment}; {warm.outside} were omitted."
        )
    return " ".join(sentences) or None


def repeats_statement(plan: Plan, study: StudyRecord, metric: MetricSummary) -> str | None:
    """Return how the spread of the final runs on test divides between and within studies; None for one study."""
    studies = len(study.all_studies)
    if studies == 1:
        return None
    groups: dict[int, list[float]] = {}
    for seed, value in metric.by_seed.items():
        if value is not None:
            groups.setdefault(plan.study_of(int(seed)), []).append(value)
    text = f"{studies} independent studies were run, and the final runs use their results in rotation"
    best = [repeated.best.value for repeated in study.all_studies if repeated.best.value is not None]
    if len(best) > 1:
        text += f"; their best validation values have a standard deviation of {np.std(best, ddof=1):.2g}"
    components = variance_components(list(groups.values()))
    if components is None:
        return f"{text}. With one run per study, the variance of studies and of seeds cannot be separated."
    between, within = components
    return f"{text}. On test the standard deviation is {between:.2g} between studies and {within:.2g} within them."


def variance_components(groups: list[list[float]]) -> tuple[float, float] | None:
    """Return the standard deviations between and within groups; None without two groups, one of them with two values.

    One-way random effects by the method of moments (Searle, Casella, McCulloch: Variance Components, 1992, chapter 3):
    the variance between groups is (MSB - MSW) / n, not below 0, with n the size of the groups, or its unbalanced
    counterpart.
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


def average_by_study(metric: ScoredMetric, plan: Plan) -> ScoredMetric:
    """Return the metric with one value per study instead of per run, keyed by the seed of the study's first run.

    Returns the same object for a single study, or with one run per study.
    """
    runs = list(metric.values)
    groups: dict[RunId, list[int]] = {}
    for index, (variant, seed) in enumerate(runs):
        groups.setdefault((variant, plan.evaluation.seeds.base + plan.study_of(seed)), []).append(index)
    if plan.tuning.study_count == 1 or len(groups) == len(runs):
        return metric
    averaging = np.zeros((len(groups), len(runs)))
    for row, indices in enumerate(groups.values()):
        averaging[row, indices] = 1 / len(indices)
    values = averaging @ np.array(list(metric.values.values()))
    covariance = metric.covariance
    if covariance is not None:
        covariance = replace(
            covariance, estimates=averaging @ covariance.estimates, matrix=averaging @ covariance.matrix @ averaging.T
        )
    return replace(metric, values=dict(zip(groups, values.tolist(), strict=True)), covariance=covariance)
