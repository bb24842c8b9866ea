"""A tuning worker: trains trial after trial of one variant on train and validation rows, and freezes the search.

It is given no way to the test rows. Every trial of an experiment is trained with the same seed, so that trials differ
by their parameters alone; the seed lies outside the range of the final runs' seeds.
"""

from collections.abc import Callable
from typing import Final

from optuna import TrialPruned

from ctrlab_contract.names import ExitCode, Key
from ctrlab_contract.plan import ExperimentKey, Plan
from ctrlab_contract.records import EpochRecord, PreparedData, StudyRecord
from ctrlab_contract.store import ObjectExists, Store
from ctrlab_contract.study import (
    Interrupted,
    SearchTrial,
    StudyDatabase,
    TrialFailed,
    inherited,
    nothing_tuned,
    search,
    trials_csv,
)
from ctrlab_trainer.data.encoded import EncodedSchema, EncodedSplit
from ctrlab_trainer.data.open import open_train_valid
from ctrlab_trainer.determinism import deterministic
from ctrlab_trainer.device import set_up_torch
from ctrlab_trainer.loop import TrainingStopped, train
from ctrlab_trainer.resolve import resolve
from ctrlab_trainer.seeds import PurposeSeeds

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
    if experiment.exists(Key.study(variant)):
        publish(experiment, StudyRecord.model_validate_json(experiment.get(Key.study(variant))))
        return
    prepared = PreparedData.model_validate_json(experiment.get(Key.PREPARED))
    taken = _from_parent(plan, store_root, variant, prepared)
    if taken is not None:
        publish(experiment, taken)
        return
    if plan.trial_budget(variant) == 0:
        publish(experiment, nothing_tuned(plan, variant, prepared.digest))
        return
    studies = StudyDatabase(database)
    try:
        study = studies.study(key, plan, variant)
        objective = _Objective(plan, variant, *open_train_valid(store_root, prepared))
        search(study, worker, objective, stop=stop)
        publish(experiment, study.freeze(prepared.digest))
    except Interrupted:
        raise SystemExit(ExitCode.TERMINATED) from None
    finally:
        studies.dispose()


def _from_parent(plan: Plan, store_root: Store, variant: str, prepared: PreparedData) -> StudyRecord | None:
    """What an ablation's variant takes from the experiment's search, where it is not searched itself."""
    if plan.parent is None:
        return None
    found = store_root.below(plan.parent.experiment).get(Key.study(plan.parent.model))
    return inherited(plan, variant, prepared.digest, StudyRecord.model_validate_json(found))


def publish(experiment: Store, record: StudyRecord) -> None:
    """Writes a frozen search and its table of trials; of two workers that freeze, the first decides."""
    try:
        experiment.put(Key.study(record.variant), record.to_json().encode())
    except ObjectExists:
        record = StudyRecord.model_validate_json(experiment.get(Key.study(record.variant)))
    experiment.put(Key.trials_csv(record.variant), trials_csv(record))


class _Objective:
    """Trains one trial; the data stay open from trial to trial."""

    def __init__(
        self, plan: Plan, variant: str, schema: EncodedSchema, rows: EncodedSplit, valid: EncodedSplit
    ) -> None:
        self._variant = plan.variant(variant)
        self._metric = plan.analysis.primary_metric
        self._seeds = PurposeSeeds.of(FIRST_TRIAL_SEED + plan.tuning.seed)
        self._schema, self._rows, self._valid = schema, rows, valid
        self._device = set_up_torch()

    def __call__(self, trial: SearchTrial) -> float:
        trial.ran_on(self._device)

        def report(epoch: EpochRecord) -> None:
            value = epoch.valid[self._metric]
            if value is not None:
                trial.report(epoch.epoch, value)
                if trial.should_prune():
                    raise TrialPruned

        try:
            with deterministic():
                result = train(
                    config=resolve(self._variant, trial.parameters),
                    variant=self._variant,
                    schema=self._schema,
                    train=self._rows,
                    valid=self._valid,
                    seeds=self._seeds,
                    device=self._device,
                    primary_metric=self._metric,
                    metrics=(self._metric,),
                    on_epoch=report,
                    stop=trial.interrupted,
                )
        except TrainingStopped:
            trial.check()
            raise Interrupted("the training was stopped") from None
        if result.divergence is not None:
            raise TrialFailed(result.divergence)
        if result.best_value is None:
            raise TrialFailed(f"{self._metric} is not defined for the validation rows")
        return result.best_value
