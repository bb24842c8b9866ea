"""The record of a finished search: every Optuna trial, which of them counted, and why the best is the best.

Everything is read from the study database and sorted, with no clock and no host in it, so that two workers that freeze
the same search write the same bytes.
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

from ctrlab_api.plan import Plan
from ctrlab_api.records.studies import (
    BestChoice,
    ParameterValue,
    SearchStop,
    StudyRecord,
    TrialRecord,
    WarmStartRecord,
)
from ctrlab_study.direction import Direction, direction_of
from ctrlab_study.errors import StudyFailed
from ctrlab_study.pruners import describe_pruner
from ctrlab_study.trials import DEVICE, FAILURE, LOST, SLOT, WORKER


def versions() -> dict[str, str]:
    """What decides which parameters a seed leads to."""
    return {package: version(package) for package in ("ctrlab", "numpy", "optuna")}


def study_record(
    plan: Plan,
    variant: str,
    dataset_digest: str,
    direction: Direction,
    trials: Sequence[FrozenTrial],
    results: Mapping[int, int | None],
    recorded_versions: dict[str, str],
    budget: int,
    stopped: SearchStop | None = None,
    warm_start: WarmStartRecord | None = None,
) -> StudyRecord:
    """The record; `results` names the trial that fills each slot. SearchFailed if none of them is complete."""
    counted = {number: slot for slot, number in results.items() if number is not None}
    records = tuple(_trial_record(trial, counted.get(trial.number), direction) for trial in trials)
    return StudyRecord(
        variant=variant,
        plan_digest=plan.digest,
        dataset_digest=dataset_digest,
        primary_metric=plan.analysis.primary_metric,
        direction=direction,
        sampler=plan.tuning.sampler,
        sampler_seed=plan.tuning.seed,
        pruner=describe_pruner(plan, variant),
        budget=budget,
        trials=records,
        best=choose_best(variant, plan.analysis.primary_metric, direction, records),
        versions=recorded_versions,
        seconds=math.fsum(record.seconds or 0.0 for record in records),
        stopped=stopped,
        warm_start=warm_start,
    )


def untuned_record(plan: Plan, variant: str, dataset_digest: str) -> StudyRecord:
    """The record of a variant without a search space."""
    return StudyRecord(
        variant=variant,
        plan_digest=plan.digest,
        dataset_digest=dataset_digest,
        primary_metric=plan.analysis.primary_metric,
        direction=direction_of(plan),
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
        versions=versions(),
        seconds=0.0,
    )


def choose_best(variant: str, metric: str, direction: Direction, trials: Sequence[TrialRecord]) -> BestChoice:
    """The complete trial with the best value, of equal ones that of the lowest slot; SearchFailed if there is none.

    A pruned trial cannot be chosen: it was given up before it could show its best.
    """
    counted = [trial for trial in trials if trial.counted]
    sign = -1.0 if direction == "maximize" else 1.0
    complete = [trial for trial in counted if trial.state == "COMPLETE" and trial.value is not None]
    ranked = sorted(complete, key=lambda trial: (sign * (trial.value or 0.0), trial.slot))
    pruned, failed = (sum(trial.state == state for trial in counted) for state in ("PRUNED", "FAIL"))
    if not ranked:
        why = next((trial.reason for trial in reversed(counted) if trial.reason), None)
        last = f"; the last failure: {why}" if why else ""
        raise StudyFailed(variant, f"none of {len(counted)} trials is complete: {failed} failed, {pruned} pruned{last}")
    best, second = ranked[0], ranked[1] if len(ranked) > 1 else None
    word = "Highest" if direction == "maximize" else "Lowest"
    sentence = (
        f"{word} validation {metric}, {best.value:.6g}, of {len(ranked)} complete trials "
        f"({pruned} pruned and {failed} failed of {len(counted)})"
    )
    if second is None:
        sentence += "; there is no runner-up."
    elif second.value == best.value:
        sentence += f"; trial {second.number} has the same value, and the lower slot was chosen."
    else:
        gap = abs((best.value or 0.0) - (second.value or 0.0))
        sentence += f"; trial {second.number} follows at a distance of {gap:.3g}."
    return BestChoice(
        trial=best.number,
        value=best.value,
        parameters=best.parameters,
        runner_up=second.number if second else None,
        runner_up_value=second.value if second else None,
        justification=sentence,
    )


def trials_csv(record: StudyRecord) -> bytes:
    """The trials as a table, one row each, parameters in columns `parameter:NAME`; with `repeat` if there are."""
    names = sorted({name for search in record.all_studies for trial in search.trials for name in trial.parameters})
    repeated = ["repeat"] if record.repeats else []
    columns = [
        *repeated,
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
        known = trial.model_dump() | {
            "repeat": repeat,
            "epochs": len(trial.curve),
            "counted": "true" if trial.counted else "false",
        }
        rows.writerow([*(known[name] for name in columns), *(trial.parameters.get(name) for name in names)])
    return text.getvalue().encode()


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
    """RFC 3339; Optuna hands out times of the reader's own time zone without saying so."""
    return local.astimezone(UTC).isoformat() if local is not None else ""
