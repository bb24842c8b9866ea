"""One row for each search: its budget, what it found, and how much too good that looked (the winner's curse)."""

import math
from collections import Counter
from collections.abc import Sequence

from ctrlab_contract.records import CurvePoint, ModelSummary, StudyRecord, TuningSummary
from ctrlab_report.analysis.searches import course, repeats_statement
from ctrlab_report.gather import Gathered
from ctrlab_report.importance import IMPORTANCE, hyperparameter_importance
from ctrlab_report.statistics.tuning_curve import FEWEST_TRIALS, TUNING_CURVE, tuning_curve
from ctrlab_report.wording import duration

_STARTUP_TRIALS = 10
"""Optuna's TPE draws this many trials at random before it models anything."""


def summarise_tuning(gathered: Gathered, models: tuple[ModelSummary, ...]) -> tuple[TuningSummary, ...]:
    """All searches in the plan's order; models without a search space have a budget of 0."""
    return tuple(_search(gathered, model) for model in models)


def _search(gathered: Gathered, model: ModelSummary) -> TuningSummary:
    study = gathered.studies[model.name]
    counted = [trial for trial in study.trials if trial.counted]
    states = Counter(trial.state for trial in counted)
    on_metric = model.metrics.get(study.primary_metric)
    importance = hyperparameter_importance(study)
    curve, without_curve = _curve(study, float(gathered.plan.analysis.confidence))
    validation = on_metric.validation.mean if on_metric and on_metric.validation else None
    sign = 1 if study.direction == "maximize" else -1
    known = study.best.value is not None and validation is not None
    return TuningSummary(
        model=model.name,
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
        test=on_metric.test.mean if on_metric and on_metric.test else None,
        optimism=sign * ((study.best.value or 0.0) - (validation or 0.0)) if known else None,
        chosen=study.best.parameters,
        justification=study.best.justification,
        course=course(study, gathered.plan),
        repeats=repeats_statement(gathered.plan, study, on_metric) if on_metric is not None else None,
        history=tuple((trial.number, trial.value) for trial in counted if trial.value is not None),
        curve=curve,
        curve_method=TUNING_CURVE if curve else None,
        curve_absent=without_curve,
        importance=importance,
        importance_method=IMPORTANCE if importance else None,
        search_digest=study.digest,
    )


def tuning_statement(searches: Sequence[TuningSummary]) -> str:
    """Whether the models had the same chance to be tuned: trials, time and GPU time side by side."""
    searched = [search for search in searches if search.budget]
    untuned = [search.model for search in searches if not search.budget]
    if not searched:
        return "Nothing was searched: every model has the values that the plan gives."
    budgets = sorted({search.budget for search in searched})
    if len(searched) == 1:
        text = f"{searched[0].model} had {budgets[0]} trials"
    elif len(budgets) == 1:
        text = f"Every search had the same budget of {budgets[0]} trials"
    else:
        listed = ", ".join(f"{search.model} {search.budget}" for search in searched)
        text = f"The searches had different budgets ({listed} trials), so the models did not have the same chance"
    text += f"; together they took {duration(sum(search.seconds for search in searched))}"
    known = [search.gpu_seconds for search in searched if search.gpu_seconds is not None]
    if len(known) == len(searched):
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
