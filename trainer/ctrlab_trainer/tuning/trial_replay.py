"""Trains trials of a frozen search again, on train and validation rows alone, and compares every epoch's value."""

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
class Replayed:
    """One trial, twice."""

    search: int
    """Which of the repeated searches, from 1."""
    trial: int
    recorded: dict[int, float]
    """Validation value after each epoch; a pruned trial has fewer epochs than it could."""
    repeated: dict[int, float]

    @property
    def equal(self) -> bool:
        """Whether the values are equal in every bit."""
        return self.recorded == self.repeated


class _Enough(Exception):
    """As many epochs as the recorded trial had."""


def replay(plan: Plan, key: ExperimentKey, store_root: Store, variant: str, most: int | None) -> Iterator[Replayed]:
    """The best `most` trials (all for None) of each search of a variant, trained again; pruned ones come last.

    Raises InvalidInput for a search that is not frozen, or in which nothing was tuned.
    """
    folder = store_root.below(key.prefix)
    try:
        record = StudyRecord.model_validate_json(folder.get(ObjectKey.study(variant)))
    except ObjectNotFound:
        raise InvalidInput([Problem(f"search of {variant}", "is not frozen yet; let it finish first")]) from None
    if not record.trials:
        raise InvalidInput([Problem(f"search of {variant}", "has no trials: nothing was tuned for it")])
    prepared = PreparedData.model_validate_json(folder.get(ObjectKey.PREPARED))
    schema, rows, valid = open_train_valid(store_root, prepared)
    device = set_up_torch()
    for number, search in enumerate(record.all_studies):
        training = TrialTraining(plan, variant, device, number, schema, rows, valid)
        for trial in _best(search)[:most]:
            yield Replayed(number + 1, trial.number, trial.curve, _curve(training, trial))


def _best(search: StudyRecord) -> list[TrialRecord]:
    sign = -1.0 if search.direction == "maximize" else 1.0
    found = [trial for trial in search.trials if trial.counted and trial.value is not None]
    return sorted(found, key=lambda trial: (trial.state != "COMPLETE", sign * (trial.value or 0.0), trial.slot))


def _curve(training: TrialTraining, trial: TrialRecord) -> dict[int, float]:
    curve: dict[int, float] = {}

    def note(epoch: EpochRecord) -> None:
        value = epoch.valid[training.metric]
        if value is not None:
            curve[epoch.epoch] = value
        if trial.state == "PRUNED" and epoch.epoch >= max(trial.curve, default=0):
            raise _Enough

    with suppress(_Enough):
        training.train(trial.parameters, note)
    return curve
