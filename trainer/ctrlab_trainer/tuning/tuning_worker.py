"""A tuning worker: trains trial after trial of one variant on train and validation rows, and freezes the search.

It is given no way to the test rows. Every trial of a search is trained with the same seed, so that trials differ by
their parameters alone; repeated searches differ in it. These seeds lie outside the range of the final runs' seeds.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from optuna import TrialPruned

from ctrlab_api.checks.warm_start_problems import experiment_not_in_store, study_not_frozen
from ctrlab_api.errors import InvalidInput, Problem
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ExitCode, ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import EpochRecord, PreparedData, StudyRecord
from ctrlab_api.records.studies import ParameterValue
from ctrlab_store import ObjectNotFound, Store
from ctrlab_study import (
    LeasedTrial,
    StudyDatabase,
    TrialFailed,
    WarmStartTrials,
    WorkerInterrupted,
    publish_study,
    record_without_trials,
    run_trials,
)
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.data.prepared.train_valid_splits import open_train_valid
from ctrlab_trainer.process.device import set_up_torch
from ctrlab_trainer.training.determinism import deterministic
from ctrlab_trainer.training.loop import TrainingResult, TrainingStopped, train
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.variant_config import resolve_config

FIRST_TRIAL_SEED: Final = 2**31
"""Seeds of final runs are below it, those of trials are not."""


def tune(
    plan: Plan,
    key: ExperimentKey,
    store_root: Store,
    database: str,
    variant: str,
    worker: str,
    *,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Works on the search of `variant` until it is frozen in the store; returns at once if it is.

    `database`: URL of the study database. `worker`: unique among all workers, and the name by which the reaper asks
    whether it lives. When `stop` says yes, the slot goes back and SystemExit(143) is raised. Raises SearchFailed when
    the search is over without a result, InvalidInput for a search that cannot be done here, StudyUnavailable and
    StoreError.
    """
    experiment = store_root.below(key.prefix)
    if experiment.exists(ObjectKey.study(variant)):
        publish_study(experiment, StudyRecord.model_validate_json(experiment.get(ObjectKey.study(variant))))
        return
    prepared = PreparedData.model_validate_json(experiment.get(ObjectKey.PREPARED))
    without_trials = record_without_trials(store_root, plan, variant, prepared.digest)
    if without_trials is not None:
        publish_study(experiment, without_trials)
        return
    earlier = _earlier(plan, store_root, variant, prepared)
    studies = StudyDatabase(database)
    try:
        repeats = [studies.study(key, plan, variant, repeat, earlier) for repeat in range(plan.tuning.study_count)]
        train_and_valid = open_train_valid(store_root, prepared)
        device = set_up_torch()
        gpus = _gpus(plan, device)
        for study in repeats:
            training = TrialTraining(plan, variant, device, study.repeat, *train_and_valid)
            run_trials(study, worker, partial(_objective, training), gpus=gpus, stop=stop)
        first, *further = (study.freeze(prepared.digest) for study in repeats)
        publish_study(experiment, first.model_copy(update={"repeats": tuple(further) or None}))
    except WorkerInterrupted:
        raise SystemExit(ExitCode.TERMINATED) from None
    finally:
        studies.dispose()


def _earlier(plan: Plan, store_root: Store, variant: str, prepared: PreparedData) -> WarmStartTrials | None:
    """What the sampler may know before the first trial; None where nothing is asked for, or nothing is of this name."""
    warm = plan.tuning.warm_start
    if warm is None:
        return None
    folder = store_root.below(warm.experiment)
    try:
        theirs = Plan.model_validate_json(folder.get(ObjectKey.PLAN))
    except ObjectNotFound:
        raise InvalidInput([experiment_not_in_store(warm.experiment, store_root.uri)]) from None
    if variant not in theirs.names:
        return None
    try:
        found = StudyRecord.model_validate_json(folder.get(ObjectKey.study(variant)))
    except ObjectNotFound:
        raise InvalidInput([study_not_frozen(warm.experiment, variant)]) from None
    return WarmStartTrials.from_study(plan, variant, prepared.digest, found, theirs.variant(variant).architecture)


def _gpus(plan: Plan, device: str) -> int:
    """GPUs that this worker holds; a budget of GPU time that none would ever use is refused."""
    if device == "cuda":
        return 1
    if plan.tuning.stop is not None and plan.tuning.stop.gpu_time is not None:
        message = "this worker has no GPU, so the budget would never be used; use stop.after, or give runtime.gpu"
        raise InvalidInput([Problem("spec.tuning.stop.gpuTime", message)])
    return 0


class TrialTraining:
    """Trains a variant with the parameters of one trial after the other; the data stay open in between."""

    def __init__(
        self,
        plan: Plan,
        variant: str,
        device: str,
        repeat: int,
        schema: EncodedSchema,
        rows: EncodedSplit,
        valid: EncodedSplit,
    ) -> None:
        """`repeat`: which of the repeated searches, from 0; each trains with a seed of its own."""
        self.metric = plan.analysis.primary_metric
        self.device = device
        self._variant = plan.variant(variant)
        self._seeds = PurposeSeeds.of(FIRST_TRIAL_SEED + plan.tuning.seed + repeat)
        self._schema, self._rows, self._valid = schema, rows, valid

    def train(
        self,
        parameters: Mapping[str, ParameterValue],
        on_epoch: Callable[[EpochRecord], None],
        stop: Callable[[], bool] = lambda: False,
    ) -> TrainingResult:
        """One training; what `on_epoch` raises passes through."""
        with deterministic():
            return train(
                config=resolve_config(self._variant, parameters),
                variant=self._variant,
                schema=self._schema,
                train=self._rows,
                valid=self._valid,
                seeds=self._seeds,
                device=self.device,
                primary_metric=self.metric,
                metrics=(self.metric,),
                on_epoch=on_epoch,
                stop=stop,
            )


def _objective(training: TrialTraining, trial: LeasedTrial) -> float:
    """The validation value of one trial."""
    trial.record_device(training.device)

    def report(epoch: EpochRecord) -> None:
        value = epoch.valid[training.metric]
        if value is not None:
            trial.report(epoch.epoch, value)
            if trial.should_prune():
                raise TrialPruned

    try:
        result = training.train(trial.parameters, report, trial.is_interrupted)
    except TrainingStopped:
        trial.check()
        raise WorkerInterrupted("the training was stopped") from None
    if result.divergence is not None:
        raise TrialFailed(result.divergence)
    if result.best_value is None:
        raise TrialFailed(f"{training.metric} is not defined for the validation rows")
    return result.best_value
