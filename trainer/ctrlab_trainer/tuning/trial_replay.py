"""Repeat trials of a frozen study, on train and validation rows only, and compare the value after every epoch."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from ctrlab_api.errors import InvalidInput, Problem
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import EpochRecord, PreparedData, StudyRecord, TrialRecord
from ctrlab_store import ObjectNotFound, Store
from ctrlab_trainer.data.prepared.train_valid_splits import open_train_valid
from ctrlab_trainer.process.device import set_up_torch
from ctrlab_trainer.tuning.tuning_worker import TrialTraining


@dataclass(frozen=True)
class ReplayedTrial:
    """The learning curves of a trial and of its repetition."""

    study: int
    """Number of the repeated study, from 1."""
    trial: int
    recorded: dict[int, float]
    """Validation value after each epoch; pruning cuts it off."""
    repeated: dict[int, float]

    @property
    def equal(self) -> bool:
        """Whether the values are equal in every bit."""
        return self.recorded == self.repeated


class _CurveComplete(Exception):
    """The repetition of a pruned trial has reached the last recorded epoch."""


def replay(
    plan: Plan, key: ExperimentKey, store_root: Store, variant: str, trials: int | None
) -> Iterator[ReplayedTrial]:
    """Repeat the best `trials` trials (all for None) of each study of a variant; pruned trials come last.

    Raises InvalidInput for a study that is not frozen, or that has no trials.
    """
    folder = store_root.below(key.prefix)
    try:
        record = StudyRecord.model_validate_json(folder.get(ObjectKey.study(variant)))
    except ObjectNotFound:
        raise InvalidInput([Problem(f"study of {variant}", "is not frozen yet; let it finish first")]) from None
    if not record.trials:
        raise InvalidInput([Problem(f"study of {variant}", "has no trials: nothing was tuned for it")])
    prepared = PreparedData.model_validate_json(folder.get(ObjectKey.PREPARED))
    schema, train_split, valid_split = open_train_valid(store_root, prepared)
    device = set_up_torch()
    for repeat, study in enumerate(record.all_studies):
        training = TrialTraining(plan, variant, device, repeat, schema, train_split, valid_split)
        for trial in _best_first(study)[:trials]:
            yield ReplayedTrial(repeat + 1, trial.number, trial.curve, _repeat_curve(training, trial))


def _best_first(study: StudyRecord) -> list[TrialRecord]:
    sign = -1.0 if study.direction == "maximize" else 1.0
    trials = [trial for trial in study.trials if trial.counted and trial.value is not None]
    return sorted(trials, key=lambda trial: (trial.state != "COMPLETE", sign * (trial.value or 0.0), trial.slot))


def _repeat_curve(training: TrialTraining, trial: TrialRecord) -> dict[int, float]:
    curve: dict[int, float] = {}

    def add_epoch(epoch: EpochRecord) -> None:
        value = epoch.valid[training.metric]
        if value is not None:
            curve[epoch.epoch] = value
        if trial.state == "PRUNED" and epoch.epoch >= max(trial.curve, default=0):
            raise _CurveComplete

    with suppress(_CurveComplete):
        training.train(trial.parameters, add_epoch)
    return curve
