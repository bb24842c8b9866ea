"""One row for each search: its budget, what it found, and how much too good that looked (the winner's curse)."""

from collections import Counter

from ctrlab_contract.records import ModelSummary, TuningSummary
from ctrlab_report.gather import Gathered


def summarise_tuning(gathered: Gathered, models: tuple[ModelSummary, ...]) -> tuple[TuningSummary, ...]:
    """All searches in the plan's order; models without a search space have a budget of 0."""
    return tuple(_search(gathered, model) for model in models)


def _search(gathered: Gathered, model: ModelSummary) -> TuningSummary:
    study = gathered.studies[model.name]
    counted = [trial for trial in study.trials if trial.counted]
    states = Counter(trial.state for trial in counted)
    on_metric = model.metrics[study.primary_metric] if study.primary_metric in model.metrics else None
    validation = on_metric.validation.mean if on_metric and on_metric.validation else None
    sign = 1 if study.direction == "maximize" else -1
    known = study.best.value is not None and validation is not None
    return TuningSummary(
        model=model.name,
        sampler=study.sampler,
        pruner=study.pruner,
        budget=study.budget,
        completed=states["COMPLETE"],
        pruned=states["PRUNED"],
        failed=states["FAIL"],
        lost=len(study.trials) - len(counted),
        seconds=study.seconds,
        best_trial=study.best.trial,
        best_value=study.best.value,
        final_validation=validation,
        test=on_metric.test.mean if on_metric and on_metric.test else None,
        optimism=sign * ((study.best.value or 0.0) - (validation or 0.0)) if known else None,
        chosen=study.best.parameters,
        justification=study.best.justification,
        history=tuple((trial.number, trial.value) for trial in counted if trial.value is not None),
        search_digest=study.digest,
    )
