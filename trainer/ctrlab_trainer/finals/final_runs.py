"""Final runs: train with the best hyperparameters, keep the best epoch, open the test set once, write the record.

The record is written last, and a run is done once it exists: a run that dies leaves at most an opening of the test set,
which the next attempt gives as its reason. Each seed of a batch has its own record, openings and start log; if some
seeds have a record already, the batch consists of the others.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache, partial

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import PreparedData, RunRecord
from ctrlab_store import Store
from ctrlab_trainer.data.prepared.train_valid_splits import open_train_valid
from ctrlab_trainer.finals.final_training import FinalTraining
from ctrlab_trainer.finals.run_recording import ExperimentContext, TrainedRun, evaluate_and_record
from ctrlab_trainer.finals.run_reuse import reuse_parent_run
from ctrlab_trainer.finals.seal import frozen_studies
from ctrlab_trainer.process.device import set_up_torch
from ctrlab_trainer.process.resource_usage import ResourceUsage
from ctrlab_trainer.process.run_records import find_record
from ctrlab_trainer.process.start_log import StartLog
from ctrlab_trainer.training.determinism import deterministic
from ctrlab_trainer.training.loop import TrainingResult


def evaluate(
    plan: Plan, key: ExperimentKey, store_root: Store, variant: str, seeds: Sequence[int]
) -> tuple[RunRecord, ...]:
    """Train and test a variant with these seeds and return the records in order; finished runs are not repeated.

    Raises SealError while a study is not frozen, InvalidSpec if the tuned parameters do not fit the architecture, and
    ValueError for seeds that the plan does not train together.
    """
    folder = store_root.below(key.prefix)
    records = {seed: record for seed in seeds if (record := find_record(folder, variant, seed)) is not None}
    if len(records) < len(seeds):
        prepared = PreparedData.model_validate_json(folder.get(ObjectKey.PREPARED))
        experiment = ExperimentContext(plan, key, store_root, prepared, frozen_studies(folder, plan, prepared))
        study = experiment.studies[variant]
        for seed in [seed for seed in seeds if seed not in records]:
            reused = reuse_parent_run(plan, key, store_root, prepared, study, seed)
            if reused is not None:
                records[seed] = reused
        missing = [seed for seed in seeds if seed not in records]
        if missing:
            records |= _train_and_record(experiment, variant, missing)
    return tuple(records[seed] for seed in seeds)


def _train_and_record(experiment: ExperimentContext, variant: str, seeds: Sequence[int]) -> dict[int, RunRecord]:
    """Train the runs together, then test and record them one after another."""
    with ExitStack() as stack:
        logs = [StartLog(experiment.folder, variant, seed) for seed in seeds]
        interrupted_starts = [stack.enter_context(log.log_start()) for log in logs]
        device = set_up_torch()
        usage = ResourceUsage(device)
        training = FinalTraining.from_plan(experiment.plan, experiment.studies[variant], seeds, device)
        data = open_train_valid(experiment.store_root, experiment.prepared)
        with deterministic() as determinism:
            results = training.train(*data)
        training_usage = usage.record(gpu_seconds=_epoch_seconds(results), runs=len(seeds))

        @cache
        def retrain_all() -> tuple[TrainingResult, ...]:
            with deterministic():
                return training.train(*data)

        def retrain(index: int) -> TrainingResult:
            return retrain_all()[index]

        schema, _, valid_split = data
        runs = [
            TrainedRun(
                training=training,
                seeds=run_seeds,
                result=result,
                retrain=partial(retrain, index),
                schema=schema,
                valid_split=valid_split,
                usage=training_usage,
                determinism=determinism,
                interrupted_starts=interrupted_starts[index],
            )
            for index, (run_seeds, result) in enumerate(zip(training.seeds, results, strict=True))
        ]
        return {run.seeds.root: evaluate_and_record(experiment, run) for run in runs}


def _epoch_seconds(results: Sequence[TrainingResult]) -> float:
    """Return the duration of all epochs.

    The runs of a batch share their epochs, and the longest run has all of them.
    """
    durations: dict[int, float] = {}
    for result in results:
        for epoch in result.curve:
            durations[epoch.epoch] = max(durations.get(epoch.epoch, 0.0), epoch.seconds)
    return sum(durations.values())
