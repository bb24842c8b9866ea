"""Final runs: train with the best hyper-parameters, keep the best epoch, open test once, write what was found.

The record is written last, and its presence means that the run is done: a run that dies leaves at most an opening of
the test set, which the next attempt names as its reason. Of seeds that are trained in one batch each has its own
record, opening and log of starts; where some are recorded already, the batch is made of the others.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache, partial

from safetensors.torch import save

from ctrlab_api.canonical_json import digest
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.metrics import METRIC_DEFINITIONS
from ctrlab_api.names import ObjectKey, RunFile
from ctrlab_api.plan import Plan
from ctrlab_api.records import (
    Anomaly,
    PreparedData,
    ProcessRecord,
    RandomnessRecord,
    RunRecord,
    StudyRecord,
    TestOpening,
    search_token,
)
from ctrlab_api.records.runs import verify_command
from ctrlab_store import Store
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.data.prepared.train_valid_splits import open_train_valid
from ctrlab_trainer.finals.anomaly_detection import detect_anomalies
from ctrlab_trainer.finals.final_training import FinalTraining, TestEvaluation
from ctrlab_trainer.finals.run_files import (
    optional_digest,
    run_file_contents,
)
from ctrlab_trainer.finals.run_reuse import reuse_parent_run
from ctrlab_trainer.finals.seal import FIRST_OPENING, frozen_studies, open_test, read_openings
from ctrlab_trainer.finals.suspicious_runs import retrain_if_suspicious
from ctrlab_trainer.finals.variant_changes import variant_change
from ctrlab_trainer.process.code_version import code_record
from ctrlab_trainer.process.device import set_up_torch
from ctrlab_trainer.process.hardware import hardware_record
from ctrlab_trainer.process.resource_usage import ResourceUsage, sum_usage
from ctrlab_trainer.process.run_records import find_record
from ctrlab_trainer.process.software_environment import environment_record
from ctrlab_trainer.process.start_log import StartLog
from ctrlab_trainer.training.determinism import Determinism, deterministic
from ctrlab_trainer.training.loop import TrainingResult
from ctrlab_trainer.training.random_seeds import PurposeSeeds


def evaluate(
    plan: Plan, key: ExperimentKey, store_root: Store, variant: str, seeds: Sequence[int]
) -> tuple[RunRecord, ...]:
    """Makes the final runs of a variant with these seeds, or returns the records of those that are done, in order.

    Raises SealError while a search is not frozen, InvalidSpec if the tuned parameters do not fit the architecture, and
    ValueError for seeds that the plan does not train together.
    """
    folder = store_root.below(key.prefix)
    done = {seed: record for seed in seeds if (record := find_record(folder, variant, seed)) is not None}
    if len(done) < len(seeds):
        prepared = PreparedData.model_validate_json(folder.get(ObjectKey.PREPARED))
        experiment = _Experiment(plan, key, store_root, prepared, frozen_studies(folder, plan, prepared))
        for seed in seeds:
            taken = (
                None
                if seed in done
                else reuse_parent_run(plan, key, store_root, prepared, experiment.searches[variant], seed)
            )
            done |= {seed: taken} if taken is not None else {}
        missing = [seed for seed in seeds if seed not in done]
        done |= _train_and_test(experiment, variant, missing) if missing else {}
    return tuple(done[seed] for seed in seeds)


def retrain_model_digest(
    plan: Plan, search: StudyRecord, store_root: Store, prepared: PreparedData, record: RunRecord
) -> str | None:
    """Trains a final run again, with the others of its batch and without test, and gives its model's sha256; what
    `verify` compares with the record."""
    together = record.batched_with or (record.seed,)
    training = FinalTraining.of(plan, search, together, set_up_torch())
    # The order that the run took, where the memory of this machine might decide otherwise.
    training = replace(training, config=training.config.model_copy(update={"row_order": record.row_order}))
    with deterministic():
        result = training.train(*open_train_valid(store_root, prepared))[together.index(record.seed)]
    return None if result.state is None else digest(save(result.state))


@dataclass(frozen=True)
class _Experiment:
    """Where the runs belong."""

    plan: Plan
    key: ExperimentKey
    store_root: Store
    prepared: PreparedData
    searches: dict[str, StudyRecord]

    @property
    def folder(self) -> Store:
        return self.store_root.below(self.key.prefix)


@dataclass(frozen=True)
class _Trained:
    """One run after its training."""

    training: FinalTraining
    seeds: PurposeSeeds
    result: TrainingResult
    again: Callable[[], TrainingResult]
    """Trains it once more."""
    schema: EncodedSchema
    valid: EncodedSplit
    cost: ProcessRecord
    determinism: Determinism
    cut_off: tuple[Anomaly, ...]
    """Of earlier starts."""


def _train_and_test(experiment: _Experiment, variant: str, seeds: Sequence[int]) -> dict[int, RunRecord]:
    """Trains the runs together, then tests and records one after another."""
    with ExitStack() as stack:
        logs = [StartLog(experiment.folder, variant, seed) for seed in seeds]
        cut_off = [stack.enter_context(log.entered()) for log in logs]
        device = set_up_torch()
        cost = ResourceUsage(device)
        training = FinalTraining.of(experiment.plan, experiment.searches[variant], seeds, device)
        data = open_train_valid(experiment.store_root, experiment.prepared)
        with deterministic() as determinism:
            results = training.train(*data)
        spent = cost.record(gpu_seconds=_seconds(results), runs=len(seeds))

        @cache
        def again() -> tuple[TrainingResult, ...]:
            with deterministic():
                return training.train(*data)

        def repeat(place: int) -> TrainingResult:
            return again()[place]

        schema, _, valid = data
        runs = [
            _Trained(training, own, result, partial(repeat, place), schema, valid, spent, determinism, cut_off[place])
            for place, (own, result) in enumerate(zip(training.seeds, results, strict=True))
        ]
        return {run.seeds.root: _test_and_record(experiment, run) for run in runs}


def _test_and_record(experiment: _Experiment, run: _Trained) -> RunRecord:
    plan, key, training, result = experiment.plan, experiment.key, run.training, run.result
    variant, seed = training.variant.name, run.seeds.root
    cost = ResourceUsage(training.device)
    earlier = read_openings(experiment.folder, variant, seed)
    attempt, reason = _attempt(earlier)
    tested = TestEvaluation({}, {}, None, earlier)
    with deterministic() as determinism:
        if result.state is not None:
            opened = open_test(
                experiment.store_root,
                key,
                plan,
                run.schema,
                variant=variant,
                seed=seed,
                attempt=attempt,
                token=search_token(experiment.searches.values()),
                reason=reason,
            )
            tested = training.test(run.seeds, result, run.schema, opened)
    determinism = run.determinism.joined(determinism)
    process = sum_usage(run.cost, cost.record(gpu_seconds=0.0))
    found = detect_anomalies(result, tested.metrics, tested.scores, determinism, tested.openings, run.cut_off)
    repetition = retrain_if_suspicious(found, result, run.again)
    files = run_file_contents(training.metrics, result, run.valid, tested)
    for name, content in files.items():
        experiment.folder.put(ObjectKey.run(variant, seed, attempt, name), content)
    record = RunRecord(
        experiment=key.prefix,
        variant=variant,
        architecture=training.variant.architecture,
        seed=seed,
        attempt=attempt,
        role="ablation" if plan.parent is not None and variant != plan.parent.model else "final",
        state="Diverged" if result.divergence or tested.predictions is None else "Succeeded",
        plan_digest=plan.digest,
        config_digest=digest(training.config),
        dataset_digest=experiment.prepared.digest,
        search_digest=training.search.digest,
        config=training.config.model_dump(mode="json"),
        tuned=training.tuned,
        removed_parts=training.variant.remove,
        dropped_features=training.variant.drop_features,
        change=variant_change(
            plan, experiment.searches, training.variant, training.config, run.schema, plan.study_of(seed)
        ),
        parameters=result.parameters,
        execution_mode=training.mode,
        batched_with=training.together,
        steps=result.steps,
        row_order=result.row_order,
        row_wise_tables=result.row_wise_tables,
        device=training.device,
        precision=training.config.precision if training.device == "cuda" else "float32",
        metrics_valid=result.metrics_valid,
        metrics_test=tested.metrics or dict.fromkeys(training.metrics),
        metric_definitions={name: METRIC_DEFINITIONS[name] for name in training.metrics},
        metric_details=tested.details,
        best_epoch=result.best_epoch,
        curve=result.curve,
        predictions_sha256=optional_digest(files.get(RunFile.PREDICTIONS)),
        model_sha256=optional_digest(files.get(RunFile.MODEL)),
        openings=tested.openings,
        code=code_record(),
        environment=environment_record(),
        hardware=hardware_record(training.device),
        randomness=_randomness(run.seeds, determinism),
        process=process,
        anomalies=found,
        repetition=repetition,
        reproduce=verify_command(experiment.store_root.uri, key, variant, seed),
        tolerance=_tolerance(training, determinism),
    )
    written = record.to_json().encode()
    experiment.folder.put(ObjectKey.run(variant, seed, attempt, RunFile.RECORD), written)
    return RunRecord.model_validate_json(written)


def _attempt(earlier: tuple[TestOpening, ...]) -> tuple[int, str]:
    """The number of this attempt, and its reason for opening test."""
    if not earlier:
        return 1, FIRST_OPENING
    latest = max(opening.attempt for opening in earlier)
    return latest + 1, f"attempt {latest} ended without a record"


def _seconds(results: Sequence[TrainingResult]) -> float:
    """How long the epochs took; those of a batch go on at the same time, and its longest training has all of them."""
    lasted: dict[int, float] = {}
    for result in results:
        for epoch in result.curve:
            lasted[epoch.epoch] = max(lasted.get(epoch.epoch, 0.0), epoch.seconds)
    return sum(lasted.values())


def _randomness(seeds: PurposeSeeds, determinism: Determinism) -> RandomnessRecord:
    return RandomnessRecord(
        root=seeds.root,
        purposes=seeds.purposes(),
        deterministic_requested=True,
        deterministic_achieved=determinism.achieved,
        nondeterministic_operations=tuple(determinism.operations),
    )


def _tolerance(training: FinalTraining, determinism: Determinism) -> str:
    if not determinism.achieved:
        return "equal within the spread over seeds: an operation has no deterministic implementation"
    same = "bit-equal with the same version, device kind and number of threads"
    return same if training.together is None else f"{same}, in the same batch of seeds"
