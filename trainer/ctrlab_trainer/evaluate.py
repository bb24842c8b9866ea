"""One final run: train with the best hyper-parameters, keep the best epoch, open test once, write what was found.

The record is written last, and its presence means that the run is done: a run that dies leaves at most an opening of
the test set, which the next attempt names as its reason.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import save

from ctrlab_contract.architectures import Architecture
from ctrlab_contract.canonical import digest
from ctrlab_contract.metrics import DEFINITIONS, compute
from ctrlab_contract.names import Key
from ctrlab_contract.plan import ExperimentKey, Plan, Variant
from ctrlab_contract.records import (
    Anomaly,
    PreparedData,
    RandomnessRecord,
    RunRecord,
    StudyRecord,
    TestOpening,
    search_token,
)
from ctrlab_contract.records.study import ParameterValue
from ctrlab_contract.store import Store
from ctrlab_contract.tuning import MetricName
from ctrlab_trainer.ablation import change_of
from ctrlab_trainer.anomalies import anomalies
from ctrlab_trainer.batches import DeviceData
from ctrlab_trainer.curves import curve_csv
from ctrlab_trainer.data.encoded import EncodedSchema, EncodedSplit
from ctrlab_trainer.data.open import open_train_valid
from ctrlab_trainer.determinism import Determinism, deterministic
from ctrlab_trainer.device import set_up_torch
from ctrlab_trainer.loop import TrainingResult, train
from ctrlab_trainer.models import build
from ctrlab_trainer.predictions import predictions_parquet
from ctrlab_trainer.provenance.code import code_record
from ctrlab_trainer.provenance.cost import Cost
from ctrlab_trainer.provenance.environment import environment_record
from ctrlab_trainer.provenance.hardware import hardware_record
from ctrlab_trainer.repetition import repeat_if_suspicious
from ctrlab_trainer.resolve import resolve
from ctrlab_trainer.reuse import reuse
from ctrlab_trainer.scoring import score
from ctrlab_trainer.seal import FIRST, OpenedTest, frozen_searches, open_test, openings
from ctrlab_trainer.seeds import PurposeSeeds
from ctrlab_trainer.start_log import StartLog

RECORD = "record.json"
PREDICTIONS = "predictions.parquet"
VALID_PREDICTIONS = "valid_predictions.parquet"
MODEL = "model.safetensors"
CURVE = "curve.csv"


def evaluate(plan: Plan, key: ExperimentKey, store_root: Store, variant: str, seed: int) -> RunRecord:
    """Makes the final run of (variant, seed), or returns its record if it is done.

    Raises SealError while a search is not frozen, and InvalidSpec if the tuned parameters do not fit the architecture.
    """
    experiment = store_root.below(key.prefix)
    finished = find_record(experiment, variant, seed)
    if finished is not None:
        return finished
    prepared = PreparedData.model_validate_json(experiment.get(Key.PREPARED))
    searches = frozen_searches(experiment, plan, prepared)
    reused = reuse(plan, key, store_root, prepared, searches[variant], seed)
    if reused is not None:
        return reused
    with StartLog(experiment, variant, seed).entered() as cut_off:
        return _train_and_test(plan, key, store_root, prepared, searches, variant, seed, cut_off)


def _train_and_test(
    plan: Plan,
    key: ExperimentKey,
    store_root: Store,
    prepared: PreparedData,
    searches: dict[str, StudyRecord],
    variant: str,
    seed: int,
    cut_off: tuple[Anomaly, ...],
) -> RunRecord:
    experiment = store_root.below(key.prefix)
    device = set_up_torch()
    cost = Cost(device)
    run = _Run.of(plan, searches[variant], variant, seed, device)
    schema, train_rows, valid_rows = open_train_valid(store_root, prepared)
    with deterministic() as determinism:
        result = run.train(schema, train_rows, valid_rows)
        earlier = openings(experiment, variant, seed)
        attempt, reason = _attempt(earlier)
        tested = _Tested({}, {}, None, earlier)
        if result.state is not None:
            opened = open_test(
                store_root,
                key,
                plan,
                schema,
                variant=variant,
                seed=seed,
                attempt=attempt,
                token=search_token(searches.values()),
                reason=reason,
            )
            tested = run.test(result, schema, opened)
        process = cost.record(gpu_seconds=sum(epoch.seconds for epoch in result.curve))
        found = anomalies(result, tested.metrics, tested.scores, determinism, tested.openings, cut_off)
        repetition = repeat_if_suspicious(found, result, lambda: run.train(schema, train_rows, valid_rows))
    files = _files(run, result, valid_rows, tested)
    for name, content in files.items():
        experiment.put(Key.run(variant, seed, attempt, name), content)
    record = RunRecord(
        experiment=key.prefix,
        variant=variant,
        architecture=run.variant.architecture,
        seed=seed,
        attempt=attempt,
        role="ablation" if plan.parent is not None and variant != plan.parent.model else "final",
        state="Diverged" if result.divergence or tested.predictions is None else "Succeeded",
        plan_digest=plan.digest,
        config_digest=digest(run.config),
        dataset_digest=prepared.digest,
        search_digest=run.search.digest,
        config=run.config.model_dump(mode="json"),
        tuned=run.tuned,
        removed_parts=run.variant.remove,
        dropped_features=run.variant.drop_features,
        change=change_of(plan, searches, run.variant, run.config, schema, plan.search_of(seed)),
        parameters=result.parameters,
        device=device,
        precision=run.config.precision if device == "cuda" else "float32",
        metrics_valid=result.metrics_valid,
        metrics_test=tested.metrics or dict.fromkeys(run.metrics),
        metric_definitions={name: DEFINITIONS[name] for name in run.metrics},
        metric_details=tested.details,
        best_epoch=result.best_epoch,
        curve=result.curve,
        predictions_sha256=_digest(files.get(PREDICTIONS)),
        model_sha256=_digest(files.get(MODEL)),
        openings=tested.openings,
        code=code_record(),
        environment=environment_record(),
        hardware=hardware_record(device),
        randomness=_randomness(run.seeds, determinism),
        process=process,
        anomalies=found,
        repetition=repetition,
        reproduce=f"ctrlab-trainer verify --store {store_root.uri} --experiment {key.prefix} "
        f"--variant {variant} --seed {seed}",
        tolerance="bit-equal with the same version, device kind and number of threads"
        if determinism.achieved
        else "equal within the spread over seeds: an operation has no deterministic implementation",
    )
    written = record.to_json().encode()
    experiment.put(Key.run(variant, seed, attempt, RECORD), written)
    return RunRecord.model_validate_json(written)


def find_record(experiment: Store, variant: str, seed: int) -> RunRecord | None:
    """The record of a finished run, or None."""
    for key in experiment.list(f"runs/{variant}/{seed}/"):
        if key.endswith(f"/{RECORD}"):
            return RunRecord.model_validate_json(experiment.get(key))
    return None


def model_digest(
    plan: Plan, search: StudyRecord, store_root: Store, prepared: PreparedData, variant: str, seed: int
) -> str | None:
    """Trains a final run again, without test, and gives its model's sha256; what `verify` compares with the record."""
    run = _Run.of(plan, search, variant, seed, set_up_torch())
    with deterministic():
        result = run.train(*open_train_valid(store_root, prepared))
    return None if result.state is None else _digest(save(result.state))


@dataclass(frozen=True)
class _Tested:
    """What the test rows gave."""

    metrics: dict[str, float | None]
    details: dict[str, float]
    scores: NDArray[np.float32] | None
    openings: tuple[TestOpening, ...]
    predictions: bytes | None = None
    """None without a usable model, or with scores that are not finite."""


@dataclass(frozen=True)
class _Run:
    """What determines a final run."""

    variant: Variant
    search: StudyRecord
    tuned: dict[str, ParameterValue]
    config: Architecture
    seeds: PurposeSeeds
    device: str
    primary: MetricName
    metrics: tuple[MetricName, ...]

    @classmethod
    def of(cls, plan: Plan, search: StudyRecord, name: str, seed: int, device: str) -> "_Run":
        variant = plan.variant(name)
        tuned = search.choice(plan.search_of(seed)).parameters
        config = resolve(variant, tuned)
        seeds = PurposeSeeds.of(seed)
        return cls(variant, search, tuned, config, seeds, device, plan.analysis.primary_metric, plan.analysis.metrics)

    def train(self, schema: EncodedSchema, rows: EncodedSplit, valid: EncodedSplit) -> TrainingResult:
        return train(
            config=self.config,
            variant=self.variant,
            schema=schema,
            train=rows,
            valid=valid,
            seeds=self.seeds,
            device=self.device,
            primary_metric=self.primary,
            metrics=cast(tuple[str, ...], self.metrics),
        )

    def test(self, result: TrainingResult, schema: EncodedSchema, opened: OpenedTest) -> _Tested:
        rows = opened.split
        model = build(self.variant, self.config, schema, self.seeds, self.device)
        model.load_state_dict(result.state or {})
        scores = score(model, DeviceData(rows, schema.without(self.variant.unseen), self.device))
        if not np.isfinite(scores).all():
            return _Tested({}, {}, None, opened.openings)
        values = compute(self.metrics, np.asarray(rows.labels), scores, rows.users)
        best = {} if opened.bayes_auc is None else {"best_reachable_auc": opened.bayes_auc}
        details = values.details | best
        return _Tested(values.values, details, scores, opened.openings, predictions_parquet(rows, scores))


def _attempt(earlier: tuple[TestOpening, ...]) -> tuple[int, str]:
    """The number of this attempt, and its reason for opening test."""
    if not earlier:
        return 1, FIRST
    latest = max(opening.attempt for opening in earlier)
    return latest + 1, f"attempt {latest} ended without a record"


def _files(run: _Run, result: TrainingResult, valid: EncodedSplit, tested: _Tested) -> dict[str, bytes]:
    """Everything of a run but its record, by file name."""
    files = {CURVE: curve_csv(result.curve, run.metrics)}
    if result.state is not None and result.valid_scores is not None:
        files[MODEL] = save(result.state)
        files[VALID_PREDICTIONS] = predictions_parquet(valid, result.valid_scores)
    if tested.predictions is not None:
        files[PREDICTIONS] = tested.predictions
    return files


def _randomness(seeds: PurposeSeeds, determinism: Determinism) -> RandomnessRecord:
    return RandomnessRecord(
        root=seeds.root,
        purposes=seeds.purposes(),
        deterministic_requested=True,
        deterministic_achieved=determinism.achieved,
        nondeterministic_operations=tuple(determinism.operations),
    )


def _digest(content: bytes | None) -> str | None:
    return None if content is None else digest(content)
