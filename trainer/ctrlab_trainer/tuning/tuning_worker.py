"""The tuning worker: trains the trials of one variant on train and validation rows, and freezes the study.

It has no access to the test rows. All trials of a study are trained with the same seed, so that they differ only in
their parameters; repeated studies differ in this seed. Seeds of trials lie outside the range of the final runs' seeds.
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
from ctrlab_api.schema_types import MAX_INT32
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

FIRST_TRIAL_SEED: Final = MAX_INT32 + 1
"""The lowest seed of a trial; seeds of final runs are lower."""


def tune(
    plan: Plan,
    key: ExperimentKey,
    store_root: Store,
    studies: StudyDatabase,
    variant: str,
    worker: str,
    *,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Run trials of `variant` until its study is frozen in the store; return at once if it is.

    `studies` is the study database, which is closed at the end. `worker` is unique among all workers, and the name by
    which the reaper checks whether it is alive. When `stop` returns True, the slot is released and SystemExit(143)
    raised. Raises StudyFailed if the study ends without a result, InvalidInput if it cannot run here, StudyUnavailable
    and StoreError.
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
    warm_start = _warm_start_trials(plan, store_root, variant, prepared)
    try:
        repeats = [studies.study(key, plan, variant, repeat, warm_start) for repeat in range(plan.tuning.study_count)]
        train_and_valid = open_train_valid(store_root, prepared)
        device = set_up_torch()
        gpus = _gpu_count(plan, device)
        for study in repeats:
            training = TrialTraining(plan, variant, device, study.repeat, *train_and_valid)
            run_trials(study, worker, partial(_objective, training), gpus=gpus, stop=stop)
        first, *others = (study.freeze(prepared.digest) for study in repeats)
        publish_study(experiment, first.model_copy(update={"repeats": tuple(others) or None}))
    except WorkerInterrupted:
        raise SystemExit(ExitCode.TERMINATED) from None
    finally:
        studies.dispose()


def _warm_start_trials(plan: Plan, store_root: Store, variant: str, prepared: PreparedData) -> WarmStartTrials | None:
    """Return the trials that the sampler learns from before the first trial.

    None without a warm start, or if the other experiment has no model of this name.
    """
    warm_start = plan.tuning.warm_start
    if warm_start is None:
        return None
    folder = store_root.below(warm_start.experiment)
    try:
        source_plan = Plan.model_validate_json(folder.get(ObjectKey.PLAN))
    except ObjectNotFound:
        raise InvalidInput([experiment_not_in_store(warm_start.experiment, store_root.uri)]) from None
    if variant not in source_plan.names:
        return None
    try:
        source_study = StudyRecord.model_validate_json(folder.get(ObjectKey.study(variant)))
    except ObjectNotFound:
        raise InvalidInput([study_not_frozen(warm_start.experiment, variant)]) from None
    architecture = source_plan.variant(variant).architecture
    return WarmStartTrials.from_study(plan, variant, prepared.digest, source_study, architecture)


def _gpu_count(plan: Plan, device: str) -> int:
    """Return the number of GPUs that this worker uses; InvalidInput for a budget of GPU time without a GPU."""
    if device == "cuda":
        return 1
    if plan.tuning.stop is not None and plan.tuning.stop.gpu_time is not None:
        message = "this worker has no GPU, so the budget would never be used; use stop.after, or give runtime.gpu"
        raise InvalidInput([Problem("spec.tuning.stop.gpuTime", message)])
    return 0


class TrialTraining:
    """Trains one trial of a variant after another; the data stay open in between."""

    def __init__(
        self,
        plan: Plan,
        variant: str,
        device: str,
        repeat: int,
        schema: EncodedSchema,
        train_split: EncodedSplit,
        valid_split: EncodedSplit,
    ) -> None:
        """`repeat`: index of the repeated study, from 0; each has its own training seed."""
        self.metric = plan.analysis.primary_metric
        self.device = device
        self._variant = plan.variant(variant)
        self._seeds = PurposeSeeds.from_root(FIRST_TRIAL_SEED + plan.tuning.seed + repeat)
        self._schema, self._train_split, self._valid_split = schema, train_split, valid_split

    def train(
        self,
        parameters: Mapping[str, ParameterValue],
        on_epoch: Callable[[EpochRecord], None],
        stop: Callable[[], bool] = lambda: False,
    ) -> TrainingResult:
        """Train with the parameters of one trial; exceptions of `on_epoch` propagate."""
        with deterministic():
            return train(
                config=resolve_config(self._variant, parameters),
                variant=self._variant,
                schema=self._schema,
                train=self._train_split,
                valid=self._valid_split,
                seeds=self._seeds,
                device=self.device,
                primary_metric=self.metric,
                metrics=(self.metric,),
                on_epoch=on_epoch,
                stop=stop,
            )


def _objective(training: TrialTraining, trial: LeasedTrial) -> float:
    """Train a trial and return its validation value."""
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
