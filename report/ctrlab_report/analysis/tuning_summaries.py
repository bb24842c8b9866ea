"""Summary rows of studies: budget, best trial, and its bias relative to the final runs (the winner's curse)."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from ctrlab_api.plan import Plan
from ctrlab_api.records import CurvePoint, Finding, MetricSummary, ModelSummary, StudyRecord, TuningSummary
from ctrlab_report.analysis.hyperparameter_importance import IMPORTANCE, hyperparameter_importance
from ctrlab_report.analysis.repeated_studies import repeats_statement, study_deviations
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
"""Number of random trials of Optuna's TPE before its first model."""


def summarize_tuning(inputs: ReportInputs, models: tuple[ModelSummary, ...]) -> tuple[TuningSummary, ...]:
    """Return all studies in the plan's order; models without a search space have a budget of 0."""
    return tuple(
        _row(inputs, model, number) for model in models for number in range(len(inputs.studies[model.name].all_studies))
    )


def _row(inputs: ReportInputs, model: ModelSummary, number: int) -> TuningSummary:
    record = inputs.studies[model.name]
    study, repeated = record.all_studies[number], len(record.all_studies) > 1
    counted = [trial for trial in study.trials if trial.counted]
    states = Counter(trial.state for trial in counted)
    metric_summary = model.metrics.get(study.primary_metric)
    importance = hyperparameter_importance(study)
    curve, curve_absent = _curve(study, float(inputs.plan.analysis.confidence))
    validation, test = _final_runs(inputs.plan, metric_summary, number)
    best, final = study.best.value, _mean(validation)
    sign = 1 if study.direction == "maximize" else -1
    bound = _best_trial_bound(study, validation, float(inputs.plan.analysis.confidence))
    return TuningSummary(
        model=model.name,
        search=number + 1 if repeated else None,
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
        course=study_deviations(study, inputs.plan),
        repeats=repeats_statement(inputs.plan, record, metric_summary)
        if metric_summary is not None and not number
        else None,
        history=tuple((trial.number, trial.value) for trial in counted if trial.value is not None),
        curve=curve,
        curve_method=TUNING_CURVE if curve else None,
        curve_absent=curve_absent,
        importance=importance,
        importance_method=IMPORTANCE if importance else None,
        search_digest=record.digest,
    )


def _final_runs(plan: Plan, metric: MetricSummary | None, number: int) -> tuple[list[float], list[float]]:
    """Return the values on validation and on test of the final runs that used study `number`."""
    validation, test = (
        [value for seed, value in by_seed.items() if value is not None and plan.study_of(int(seed)) == number]
        for by_seed in ((metric.by_seed_validation, metric.by_seed) if metric is not None else ({}, {}))
    )
    return validation, test


def _best_trial_bound(study: StudyRecord, validation: list[float], confidence: float) -> BestTrialBound | None:
    """Return the bound of the best trial; None without a best trial, or if the final runs have no spread."""
    valued = sum(trial.value is not None for trial in study.trials if trial.counted)
    if study.best.value is None or not validation:
        return None
    bound = best_trial_bound(validation, valued, confidence=confidence)
    return bound if isinstance(bound, BestTrialBound) else None


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def tuning_statement(searches: Sequence[TuningSummary]) -> str:
    """Return one sentence that compares the tuning budgets of the models: trials, time and GPU time."""
    budgets: dict[str, list[int]] = {}
    for search in searches:
        budgets.setdefault(search.model, []).append(search.budget)
    untuned = [model for model, trials in budgets.items() if not any(trials)]
    tuned = {model: trials for model, trials in budgets.items() if any(trials)}
    if not tuned:
        return "No model was tuned: every model uses the values in the plan."
    listed = {model: " + ".join(map(str, trials)) for model, trials in tuned.items()}
    first = next(iter(tuned.values()))
    if len(tuned) == 1:
        text = "".join(f"{model} had {trials} trials" for model, trials in listed.items())
    elif any(sorted(trials) != sorted(first) for trials in tuned.values()):
        each = ", ".join(f"{model} {trials}" for model, trials in listed.items())
        text = f"The models had different tuning budgets ({each} trials), which can favor one of them"
    elif len(first) == 1:
        text = f"Every model had the same tuning budget of {first[0]} trials"
    else:
        text = f"Every model was tuned {len(first)} times with the same budgets of {listed[next(iter(tuned))]} trials"
    text += f"; tuning took {format_duration(sum(search.seconds for search in searches))} in total"
    gpu_seconds = [search.gpu_seconds for search in searches if search.budget and search.gpu_seconds is not None]
    if len(gpu_seconds) == sum(1 for search in searches if search.budget):
        text += f", {format_duration(sum(gpu_seconds))} of it on a GPU" if sum(gpu_seconds) else ", none of it on a GPU"
    if not untuned:
        return f"{text}."
    return f"{text}. {' and '.join(untuned)} {'was' if len(untuned) == 1 else 'were'} not tuned."


def winners_curse_findings(searches: Sequence[TuningSummary], confidence: float) -> Iterator[Finding]:
    """Yield a warning for each study whose best trial exceeds its final runs by more than selection explains."""
    for search in searches:
        optimism, bound = search.optimism, search.optimism_bound
        if optimism is not None and bound is not None and optimism > bound:
            digits = decimals_for_spread(bound)
            best, final = format_value(search.best_value, digits), format_value(search.final_validation, digits)
            yield Finding(
                severity="warning",
                where=search.name,
                message=f"the best trial had {best} on validation and the final runs {final} on average, a difference "
                f"of {format_value(optimism, digits)}; selecting the best of {len(search.history)} trials explains at "
                f"most {format_value(bound, digits)} (at {format_confidence(confidence)} confidence). The selected "
                "hyperparameters do not reproduce the result of the trial with the final seeds, so comparisons of this "
                "model are unreliable: check its learning curves, raise the number of trials, or repeat the search "
                "(tuning.repeats)",
            )


def _curve(study: StudyRecord, confidence: float) -> tuple[tuple[CurvePoint, ...], str | None]:
    """Return the best of n random trials with its band; empty, with the reason, if too few trials qualify.

    All trials of the Random sampler and the start-up trials of TPE are independent. A pruned or failed trial among them
    has no final value, and omitting it would select by the result, so then there is no curve.
    """
    counted = sorted((trial for trial in study.trials if trial.counted), key=lambda trial: trial.number)
    independent = {"Random": counted, "TPE": counted[:_STARTUP_TRIALS]}.get(study.sampler, [])
    values = [trial.value for trial in independent if trial.state == "COMPLETE" and trial.value is not None]
    if not study.budget:
        return (), None
    if len(independent) < MIN_TRIALS:
        return (), f"{len(independent)} trials were sampled independently, and a band needs {MIN_TRIALS}"
    if len(values) < len(independent):
        incomplete = len(independent) - len(values)
        return (
            (),
            f"{incomplete} of the {len(independent)} independent trials did not complete; the others are a selection",
        )
    curve = tuning_curve(values, minimize=study.direction == "minimize", confidence=confidence)
    points = zip(curve.trials, curve.median, curve.low, curve.high, strict=True)
    return tuple(
        CurvePoint(trials=n, value=v, low=_finite(low), high=_finite(high)) for n, v, low, high in points
    ), None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
