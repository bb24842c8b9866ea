"""One row for each search: its budget, what it found, and how much too good that looked (the winner's curse)."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from ctrlab_api.plan import Plan
from ctrlab_api.records import CurvePoint, Finding, MetricSummary, ModelSummary, StudyRecord, TuningSummary
from ctrlab_report.analysis.hyperparameter_importance import IMPORTANCE, hyperparameter_importance
from ctrlab_report.analysis.repeated_searches import repeats_statement, search_deviations
from ctrlab_report.formatting.number_formats import (
    decimals_for_spread,
    format_confidence,
    format_duration,
    format_value,
)
from ctrlab_report.inputs.report_inputs import ReportInputs
from ctrlab_report.statistics.best_trial_bound import BestTrialBound, best_trial_bound
from ctrlab_report.statistics.tuning_curves import MIN_TRIALS, TUNING_CURVE, tuning_curve

_STARTUP_TRIALS = 10
"""Optuna's TPE draws this many trials at random before it models anything."""


def summarise_tuning(inputs: ReportInputs, models: tuple[ModelSummary, ...]) -> tuple[TuningSummary, ...]:
    """All searches in the plan's order; models without a search space have a budget of 0."""
    return tuple(
        _search(inputs, model, number)
        for model in models
        for number in range(len(inputs.studies[model.name].all_studies))
    )


def _search(inputs: ReportInputs, model: ModelSummary, number: int) -> TuningSummary:
    record = inputs.studies[model.name]
    study, several = record.all_studies[number], len(record.all_studies) > 1
    counted = [trial for trial in study.trials if trial.counted]
    states = Counter(trial.state for trial in counted)
    on_metric = model.metrics.get(study.primary_metric)
    importance = hyperparameter_importance(study)
    curve, without_curve = _curve(study, float(inputs.plan.analysis.confidence))
    validation, test = _final_runs(inputs.plan, on_metric, number)
    best, final = study.best.value, _mean(validation)
    sign = 1 if study.direction == "maximize" else -1
    bound = _bound_of_best(study, validation, float(inputs.plan.analysis.confidence))
    return TuningSummary(
        model=model.name,
        search=number + 1 if several else None,
        sampler=study.sampler,
        pruner=study.pruner,
        budget=len(counted) if study.stopped is not None else study.budget,
        completed=states["COMPLETE"],
        pruned=states["PRUNED"],
        failed=states["FAIL"],
        lost=len(study.trials) - len(counted),
        seconds=study.seconds,
        gpu_seconds=study.gpu_seconds,
        best_trial=study.best.trial,
        best_value=best,
        final_validation=final,
        test=_mean(test),
        optimism=sign * (best - final) if best is not None and final is not None else None,
        optimism_bound=bound.excess if bound is not None else None,
        optimism_method=bound.method if bound is not None else None,
        chosen=study.best.parameters,
        justification=study.best.justification,
        course=search_deviations(study, inputs.plan),
        repeats=repeats_statement(inputs.plan, record, on_metric) if on_metric is not None and not number else None,
        history=tuple((trial.number, trial.value) for trial in counted if trial.value is not None),
        curve=curve,
        curve_method=TUNING_CURVE if curve else None,
        curve_absent=without_curve,
        importance=importance,
        importance_method=IMPORTANCE if importance else None,
        search_digest=record.digest,
    )


def _final_runs(plan: Plan, metric: MetricSummary | None, search: int) -> tuple[list[float], list[float]]:
    """Of the final runs that used this search: values on validation and on test."""
    validation, test = (
        [value for seed, value in by_seed.items() if value is not None and plan.study_of(int(seed)) == search]
        for by_seed in ((metric.by_seed_validation, metric.by_seed) if metric is not None else ({}, {}))
    )
    return validation, test


def _bound_of_best(study: StudyRecord, validation: list[float], confidence: float) -> BestTrialBound | None:
    """None without a best trial of its own, and where the final runs have no spread."""
    valued = sum(trial.value is not None for trial in study.trials if trial.counted)
    if study.best.value is None or not validation:
        return None
    found = best_trial_bound(validation, valued, confidence=confidence)
    return found if isinstance(found, BestTrialBound) else None


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def tuning_statement(searches: Sequence[TuningSummary]) -> str:
    """Whether the models had the same chance to be tuned: trials, time and GPU time side by side."""
    budgets: dict[str, list[int]] = {}
    for search in searches:
        budgets.setdefault(search.model, []).append(search.budget)
    untuned = [model for model, trials in budgets.items() if not any(trials)]
    tuned = {model: trials for model, trials in budgets.items() if any(trials)}
    if not tuned:
        return "Nothing was searched: every model has the values that the plan gives."
    listed = {model: " + ".join(map(str, trials)) for model, trials in tuned.items()}
    first = next(iter(tuned.values()))
    if len(tuned) == 1:
        text = "".join(f"{model} had {trials} trials" for model, trials in listed.items())
    elif any(sorted(trials) != sorted(first) for trials in tuned.values()):
        each = ", ".join(f"{model} {trials}" for model, trials in listed.items())
        text = f"The searches had different budgets ({each} trials), so the models did not have the same chance"
    elif len(first) == 1:
        text = f"Every search had the same budget of {first[0]} trials"
    else:
        text = f"Every model was searched {len(first)} times with the same budgets, {listed[next(iter(tuned))]} trials"
    text += f"; together they took {format_duration(sum(search.seconds for search in searches))}"
    known = [search.gpu_seconds for search in searches if search.budget and search.gpu_seconds is not None]
    if len(known) == sum(1 for search in searches if search.budget):
        text += f", {format_duration(sum(known))} of it on a GPU" if sum(known) else ", none of it on a GPU"
    return f"{text}. Nothing was tuned of {' and '.join(untuned)}." if untuned else f"{text}."


def winners_curse_findings(searches: Sequence[TuningSummary], confidence: float) -> Iterator[Finding]:
    """A warning for each search whose best trial lies further above its final runs than chance explains."""
    for search in searches:
        optimism, bound = search.optimism, search.optimism_bound
        if optimism is not None and bound is not None and optimism > bound:
            digits = decimals_for_spread(bound)
            yield Finding(
                severity="warning",
                where=search.name,
                message=f"the best trial had {format_value(search.best_value, digits)} on validation and the final "
                "runs "
                f"{format_value(search.final_validation, digits)} on average: {format_value(optimism, digits)} too "
                "good, where "
                f"chance makes the best of {len(search.history)} trials at most {format_value(bound, digits)} too "
                "good (at "
                f"{format_confidence(confidence)}). The chosen parameters do not give with the final seeds what the "
                "search saw "
                "with its own, so comparisons say little of this model: look at its learning curves, give the search "
                "more trials, or repeat it (tuning.repeats)",
            )


def _curve(study: StudyRecord, confidence: float) -> tuple[tuple[CurvePoint, ...], str | None]:
    """Best of n random trials with its band; empty, with the reason, where too few trials qualify.

    Independent are all trials of the Random sampler and TPE's start-up trials. A pruned or failed one among them has no
    final value, and leaving it out would choose by the result, so then there is no curve.
    """
    counted = sorted((trial for trial in study.trials if trial.counted), key=lambda trial: trial.number)
    drawn = {"Random": counted, "TPE": counted[:_STARTUP_TRIALS]}.get(study.sampler, [])
    values = [trial.value for trial in drawn if trial.state == "COMPLETE" and trial.value is not None]
    if not study.budget:
        return (), None
    if len(drawn) < MIN_TRIALS:
        return (), f"{len(drawn)} trials were drawn independently of each other, and a band needs {MIN_TRIALS}"
    if len(values) < len(drawn):
        ended = len(drawn) - len(values)
        return (
            (),
            f"{ended} of the {len(drawn)} independent trials did not run to their end; the others are a selection",
        )
    found = tuning_curve(values, minimize=study.direction == "minimize", confidence=confidence)
    points = zip(found.trials, found.median, found.low, found.high, strict=True)
    return tuple(CurvePoint(trials=n, value=v, low=_bound(low), high=_bound(high)) for n, v, low, high in points), None


def _bound(value: float) -> float | None:
    return value if math.isfinite(value) else None
