"""Records of finished studies: every Optuna trial, which of them counted, and why the best one was chosen.

Everything is read from the study database and sorted, without a clock or a host name, so that two workers that freeze
the same study write the same bytes. The record of a study that needs no trials follows from frozen records: a
variant without a search space, or a variant of an ablation that inherits its hyperparameters.
"""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Literal

from optuna.distributions import distribution_to_json
from optuna.trial import FrozenTrial, TrialState

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.metrics import Direction
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import PreparedData
from ctrlab_api.records.studies import (
    BestChoice,
    ParameterValue,
    SearchStop,
    StudyRecord,
    TrialRecord,
    WarmStartRecord,
)
from ctrlab_store import ObjectExists, Store
from ctrlab_study.errors import StudyFailed
from ctrlab_study.pruners import describe_pruner
from ctrlab_study.trials import DEVICE, FAILURE, LOST, SLOT, WORKER


def package_versions() -> dict[str, str]:
    """Return the versions that, with a seed, determine the sampled parameters."""
    return {package: version(package) for package in ("ctrlab", "numpy", "optuna")}


def study_record(
    plan: Plan,
    variant: str,
    dataset_digest: str,
    trials: Sequence[FrozenTrial],
    results: Mapping[int, int | None],
    versions: dict[str, str],
    budget: int,
    stopped: SearchStop | None = None,
    warm_start: WarmStartRecord | None = None,
) -> StudyRecord:
    """Return the record; `results` names the trial that fills each slot. StudyFailed if none of them is complete."""
    counted = {number: slot for slot, number in results.items() if number is not None}
    records = tuple(_trial_record(trial, counted.get(trial.number), plan.direction) for trial in trials)
    return StudyRecord(
        variant=variant,
        plan_digest=plan.digest,
        dataset_digest=dataset_digest,
        primary_metric=plan.analysis.primary_metric,
        direction=plan.direction,
        sampler=plan.tuning.sampler,
        sampler_seed=plan.tuning.seed,
        pruner=describe_pruner(plan, variant),
        budget=budget,
        trials=records,
        best=choose_best(variant, plan.analysis.primary_metric, plan.direction, records),
        versions=versions,
        seconds=math.fsum(record.seconds or 0.0 for record in records),
        stopped=stopped,
        warm_start=warm_start,
    )


def choose_best(variant: str, metric: str, direction: Direction, trials: Sequence[TrialRecord]) -> BestChoice:
    """Choose the complete trial with the best value (the lowest slot among equals); StudyFailed if there is none.

    A pruned trial cannot be chosen: it ended before it could show its best value.
    """
    counted = [trial for trial in trials if trial.counted]
    sign = -1.0 if direction == "maximize" else 1.0
    complete = [trial for trial in counted if trial.state == "COMPLETE" and trial.value is not None]
    ranked = sorted(complete, key=lambda trial: (sign * (trial.value or 0.0), trial.slot))
    pruned, failed = (sum(trial.state == state for trial in counted) for state in ("PRUNED", "FAIL"))
    if not ranked:
        last_reason = next((trial.reason for trial in reversed(counted) if trial.reason), None)
        last = f"; the last failure: {last_reason}" if last_reason else ""
        raise StudyFailed(variant, f"none of {len(counted)} trials is complete: {failed} failed, {pruned} pruned{last}")
    best, second = ranked[0], ranked[1] if len(ranked) > 1 else None
    adjective = "Highest" if direction == "maximize" else "Lowest"
    sentence = (
        f"{adjective} validation {metric}, {best.value:.6g}, of {len(ranked)} complete trials "
        f"({pruned} pruned and {failed} failed of {len(counted)})"
    )
    if second is None:
        sentence += "; there is no runner-up."
    elif second.value == best.value:
        sentence += f"; trial {second.number} has the same value, and the lower slot was chosen."
    else:
        gap = abs((best.value or 0.0) - (second.value or 0.0))
        sentence += f"; trial {second.number} is second, {gap:.3g} behind."
    return BestChoice(
        trial=best.number,
        value=best.value,
        parameters=best.parameters,
        runner_up=second.number if second else None,
        runner_up_value=second.value if second else None,
        justification=sentence,
    )


def trials_csv(record: StudyRecord) -> bytes:
    """Return the trials as a table, one row each, parameters in columns `parameter:NAME`.

    A study with repeats has a column `repeat`, from 1.
    """
    names = sorted({name for search in record.all_studies for trial in search.trials for name in trial.parameters})
    columns = [
        *(["repeat"] if record.repeats else []),
        "number",
        "slot",
        "counted",
        "state",
        "value",
        "epochs",
        "seconds",
        "started",
        "worker",
        "device",
        "reason",
    ]
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([*columns, *(f"parameter:{name}" for name in names)])
    for repeat, trial in ((n, trial) for n, search in enumerate(record.all_studies, 1) for trial in search.trials):
        fields = trial.model_dump() | {
            "repeat": repeat,
            "epochs": len(trial.curve),
            "counted": "true" if trial.counted else "false",
        }
        rows.writerow([*(fields[name] for name in columns), *(trial.parameters.get(name) for name in names)])
    return text.getvalue().encode()


def untuned_record(plan: Plan, variant: str, dataset_digest: str) -> StudyRecord:
    """Return the record of a variant without a search space."""
    return StudyRecord(
        variant=variant,
        plan_digest=plan.digest,
        dataset_digest=dataset_digest,
        primary_metric=plan.analysis.primary_metric,
        direction=plan.direction,
        sampler=plan.tuning.sampler,
        sampler_seed=plan.tuning.seed,
        pruner=describe_pruner(plan, variant),
        budget=0,
        trials=(),
        best=BestChoice(
            trial=None,
            value=None,
            parameters={},
            justification="Nothing was tuned: the model has no search space, and its parameters are those of the plan.",
        ),
        versions=package_versions(),
        seconds=0.0,
    )


def inherited_record(plan: Plan, variant: str, dataset_digest: str, full: StudyRecord) -> StudyRecord | None:
    """Return the record that follows from the full model's study; None if the variant needs trials or no parent exists.

    With Inherit, every variant uses the full model's values, except for parameters that it sets itself, and no trials.
    With Retune, only the full model reuses its study, provided that the study used the same data.
    """
    parent = plan.parent
    if parent is None:
        return None
    if parent.hyperparameters == "Inherit":
        return _record_with_inherited_values(plan, variant, dataset_digest, full, parent.experiment)
    if variant == parent.model and full.dataset_digest == dataset_digest:
        return full.model_copy(update={"plan_digest": plan.digest, "inherited_from": full.digest})
    return None


def _record_with_inherited_values(
    plan: Plan, variant: str, dataset_digest: str, full: StudyRecord, experiment: str
) -> StudyRecord:
    fixed = plan.variant(variant).parameters
    values = {name: value for name, value in full.best.parameters.items() if name not in fixed}
    text = f"Inherited from the study of {full.variant} in {experiment}"
    if variant != full.variant:
        text += f", and not tuned for {variant}"
    if not full.best.parameters:
        text += ", where nothing was tuned"
    best = BestChoice(parameters=values, justification=f"{text}. There: {full.best.justification}")
    repeats = tuple(
        _record_with_inherited_values(plan, variant, dataset_digest, repeat, experiment)
        for repeat in full.repeats or ()
    )
    return untuned_record(plan, variant, dataset_digest).model_copy(
        update={"best": best, "inherited_from": full.digest, "repeats": repeats or None}
    )


def record_without_trials(root: Store, plan: Plan, variant: str, dataset_digest: str) -> StudyRecord | None:
    """Return the record of a study that needs no trials, from the root store; None if the variant needs trials."""
    if plan.parent is not None:
        data = root.below(plan.parent.experiment).get(ObjectKey.study(plan.parent.model))
        inherited = inherited_record(plan, variant, dataset_digest, StudyRecord.model_validate_json(data))
        if inherited is not None:
            return inherited
    return untuned_record(plan, variant, dataset_digest) if plan.trial_budget(variant) == 0 else None


def freeze_unsearched(root: Store, key: ExperimentKey, plan: Plan, variant: str) -> None:
    """Publish the record of a study that needs no trials; the data must be prepared. Idempotent."""
    folder = root.below(key.prefix)
    prepared = PreparedData.model_validate_json(folder.get(ObjectKey.PREPARED))
    record = record_without_trials(root, plan, variant, prepared.digest)
    assert record is not None, f"{variant} needs trials"
    publish_study(folder, record)


def publish_study(experiment: Store, record: StudyRecord) -> None:
    """Write the record of a study and its table of trials; if two processes freeze a study, the first record stays."""
    try:
        experiment.put(ObjectKey.study(record.variant), record.to_json().encode())
    except ObjectExists:
        record = StudyRecord.model_validate_json(experiment.get(ObjectKey.study(record.variant)))
    experiment.put(ObjectKey.trials_csv(record.variant), trials_csv(record))


def _trial_record(trial: FrozenTrial, counted_for: int | None, direction: Direction) -> TrialRecord:
    state: Literal["COMPLETE", "PRUNED", "FAIL"] = "FAIL"
    if trial.state in (TrialState.COMPLETE, TrialState.PRUNED):
        state = "COMPLETE" if trial.state == TrialState.COMPLETE else "PRUNED"
    curve = {step: value for step, value in sorted(trial.intermediate_values.items()) if math.isfinite(value)}
    best_of_curve = (max if direction == "maximize" else min)(curve.values(), default=None)
    parameters: dict[str, ParameterValue] = dict(sorted(trial.params.items()))
    attributes = trial.user_attrs
    reason = attributes.get(FAILURE) or attributes.get(LOST) or "its worker was lost"
    return TrialRecord(
        number=trial.number,
        slot=attributes.get(SLOT, counted_for),
        counted=counted_for is not None,
        state=state,
        value={"COMPLETE": trial.value, "PRUNED": best_of_curve, "FAIL": None}[state],
        parameters=parameters,
        distributions={name: json.loads(distribution_to_json(d)) for name, d in sorted(trial.distributions.items())},
        curve=curve,
        worker=attributes.get(WORKER, ""),
        device=attributes.get(DEVICE),
        started=_utc(trial.datetime_start),
        seconds=trial.duration.total_seconds() if trial.duration else None,
        reason=str(reason) if state == "FAIL" else None,
    )


def _utc(local: datetime | None) -> str:
    """Return RFC 3339 in UTC; Optuna's times are naive, in the local time zone."""
    return local.astimezone(UTC).isoformat() if local is not None else ""
