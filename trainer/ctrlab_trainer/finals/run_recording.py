"""The end of a final run: test its best epoch, check it for anomalies, and write its files and then its record."""

from collections.abc import Callable
from dataclasses import dataclass, replace

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
from ctrlab_store.waiting_store import waiting_at_least
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.finals.anomaly_detection import detect_anomalies
from ctrlab_trainer.finals.final_training import FinalTraining, TestEvaluation
from ctrlab_trainer.finals.run_files import optional_digest, run_file_contents
from ctrlab_trainer.finals.seal import FIRST_OPENING, open_test, read_openings
from ctrlab_trainer.finals.suspicious_runs import retrain_if_suspicious
from ctrlab_trainer.finals.variant_changes import variant_change
from ctrlab_trainer.process.code_version import code_record
from ctrlab_trainer.process.hardware import hardware_record
from ctrlab_trainer.process.resource_usage import ResourceUsage, sum_usage
from ctrlab_trainer.process.software_environment import environment_record
from ctrlab_trainer.training.determinism import Determinism, deterministic
from ctrlab_trainer.training.loop import TrainingResult
from ctrlab_trainer.training.random_seeds import PurposeSeeds


@dataclass(frozen=True)
class ExperimentContext:
    """The experiment that runs belong to, with its frozen studies by variant."""

    plan: Plan
    key: ExperimentKey
    store_root: Store
    prepared: PreparedData
    studies: dict[str, StudyRecord]

    @property
    def folder(self) -> Store:
        """The folder of the experiment in the store."""
        return self.store_root.below(self.key.prefix)

    def waiting_at_least(self, seconds: float) -> "ExperimentContext":
        """Return the experiment with a store that waits at least this long during an outage."""
        return replace(self, store_root=waiting_at_least(self.store_root, seconds))


@dataclass(frozen=True)
class TrainedRun:
    """One run after its training."""

    training: FinalTraining
    seeds: PurposeSeeds
    result: TrainingResult
    retrain: Callable[[], TrainingResult]
    """Repeats the training."""
    schema: EncodedSchema
    valid_split: EncodedSplit
    usage: ProcessRecord
    determinism: Determinism
    interrupted_starts: tuple[Anomaly, ...]


def evaluate_and_record(experiment: ExperimentContext, run: TrainedRun) -> RunRecord:
    """Open the test set for the run, score it, and write all files; the record is the last."""
    # A result is worth waiting for as long as it would take to train it again.
    experiment = experiment.waiting_at_least(run.usage.wall_seconds)
    plan, key, training, result = experiment.plan, experiment.key, run.training, run.result
    variant, seed = training.variant.name, run.seeds.root
    usage = ResourceUsage(training.device)
    previous_openings = read_openings(experiment.folder, variant, seed)
    attempt, reason = _next_attempt(previous_openings)
    tested = TestEvaluation({}, {}, None, previous_openings)
    with deterministic() as test_determinism:
        if result.state is not None:
            opened = open_test(
                experiment.store_root,
                key,
                plan,
                run.schema,
                variant=variant,
                seed=seed,
                attempt=attempt,
                token=search_token(experiment.studies.values()),
                reason=reason,
            )
            tested = training.test(run.seeds, result, run.schema, opened)
    determinism = run.determinism.joined(test_determinism)
    process = sum_usage(run.usage, usage.record(gpu_seconds=0.0))
    anomalies = detect_anomalies(
        result, tested.metrics, tested.scores, determinism, tested.openings, run.interrupted_starts
    )
    repetition = retrain_if_suspicious(anomalies, result, run.retrain)
    files = run_file_contents(training.metrics, result, run.valid_split, tested)
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
        search_digest=training.study.digest,
        config=training.config.model_dump(mode="json"),
        tuned=training.tuned,
        removed_parts=training.variant.remove,
        dropped_features=training.variant.drop_features,
        change=variant_change(
            plan, experiment.studies, training.variant, training.config, run.schema, plan.study_of(seed)
        ),
        parameters=result.parameters,
        execution_mode=training.mode,
        batched_with=training.batch_seeds,
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
        anomalies=anomalies,
        repetition=repetition,
        reproduce=verify_command(experiment.store_root.uri, key, variant, seed),
        tolerance=_tolerance(training, determinism),
    )
    content = record.to_json().encode()
    experiment.folder.put(ObjectKey.run(variant, seed, attempt, RunFile.RECORD), content)
    return RunRecord.model_validate_json(content)


def _next_attempt(previous_openings: tuple[TestOpening, ...]) -> tuple[int, str]:
    """Return the number of this attempt, and its reason for opening the test set."""
    if not previous_openings:
        return 1, FIRST_OPENING
    latest = max(opening.attempt for opening in previous_openings)
    return latest + 1, f"attempt {latest} ended without a record"


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
    conditions = "bit-equal with the same version, device kind and number of threads"
    return conditions if training.batch_seeds is None else f"{conditions}, in the same batch of seeds"
