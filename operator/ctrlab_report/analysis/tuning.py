"""One row for each search: its budget, what it found, and how much too good that looked (the winner's curse)."""

import math
from collections import Counter
from collections.abc import Sequence

from ctrlab_contract.plan import Plan
from ctrlab_contract.records import CurvePoint, MetricSummary, ModelSummary, StudyRecord, TuningSummary
from ctrlab_report.analysis.searches import course, repeats_statement
from ctrlab_report.gather import Gathered
from ctrlab_report.importance import IMPORTANCE, hyperparameter_importance
from ctrlab_report.statistics.tuning_curve import FEWEST_TRIALS, TUNING_CURVE, tuning_curve
from ctrlab_report.wording import duration

_STARTUP_TRIALS = 10
"""Optuna's TPE draws this many trials at random before it models anything."""


def summarise_tuning(gathered: Gathered, models: tuple[ModelSummary, ...]) -> tuple[TuningSummary, ...]:
    """All searches in the plan's order; models without a search space have a budget of 0."""
    return tuple(
        _search(gathered, model, number)
        for model in models
        for number in range(len(gathered.studies[model.name].searches))
    )


def _search(gathered: Gathered, model: ModelSummary, number: int) -> TuningSummary:
    record = gathered.studies[model.name]
    study, several = record.searches[number], len(record.searches) > 1
    counted = [trial for trial in study.trials if trial.counted]
    states = Counter(trial.state for trial in counted)
    on_metric = model.metrics.get(study.primary_metric)
    importance = hyperparameter_importance(study)
    curve, without_curve = _curve(study, float(gathered.plan.analysis.confidence))
    validation, test = _means(gathered.plan, on_metric, number)
    sign = 1 if study.direction == "maximize" else -1
    known = study.best.value is not None and validation is not None
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
        best_value=study.best.value,
        final_validation=validation,
        test=test,
        optimism=sign * ((study.best.value or 0.0) - (validation or 0.0)) if known else None,
        chosen=study.best.parameters,
        justification=study.best.justification,
        course=course(study, gathered.plan),
        repeats=repeats_statement(gathered.plan, record, on_metric) if on_metric is not None and not number else None,
        history=tuple((trial.number, trial.value) for trial in counted if trial.value is not None),
        curve=curve,
        curve_method=TUNING_CURVE if curve else None,
        curve_absent=without_curve,
        importance=importance,
        importance_method=IMPORTANCE if importance else None,
        search_digest=record.digest,
    )


def _means(plan: Plan, metric: MetricSummary | None, search: int) -> tuple[float | None, float | None]:
    """Of the final runs that used this search: means on validation and on test."""
    found = []
    for by_seed in (metric.by_seed_validation, metric.by_seed) if metric is not None else ({}, {}):
        values = [v for seed, v in by_seed.items() if v is not None and plan.search_of(int(seed)) == search]
        found.append(math.fsum(values) / len(values) if values else None)
    return found[0], found[1]


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
    text += f"; together they took {duration(sum(search.seconds for search in searches))}"
    known = [search.gpu_seconds for search in searches if search.budget and search.gpu_seconds is not None]
    if len(known) == sum(1 for search in searches if search.budget):
        text += f", {duration(sum(known))} of it on a GPU" if sum(known) else ", none of it on a GPU"
    return f"{text}. Nothing was tuned of {' and '.join(untuned)}." if untuned else f"{text}."


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
    if len(drawn) < FEWEST_TRIALS:
        return (), f"{len(drawn)} trials were drawn independently of each other, and a band needs {FEWEST_TRIALS}"
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
