"""A finished experiment in a file store: plan, prepared data, frozen studies, run records and predictions.

Scores are simulated: the true click probability of a row with an error of the model on each row and an error of each
seed. A test can thereby choose the size of a difference and the dominating source of variance. Everything else is as
the jobs write it.
"""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from builders.record_builders import (
    digest_of,
    make_prepared_data,
    make_run_record,
    make_split_summary,
    make_study_record,
    make_test_opening,
    make_trial_record,
)
from builders.simulated_experiment import SimulatedExperiment, SimulatedModel
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.metrics import METRIC_DEFINITIONS
from ctrlab_api.names import ObjectKey, RunFile
from ctrlab_api.plan import Plan
from ctrlab_api.records import (
    Anomaly,
    BestChoice,
    EpochRecord,
    FileDigest,
    PreparedData,
    RunRecord,
    StudyRecord,
    search_token,
)
from ctrlab_api.records.prepared_data import MatchCount
from ctrlab_api.records.runs import verify_command
from ctrlab_metrics.computing import compute_metrics
from ctrlab_store import Store, open_store

DISTRIBUTIONS = {
    "learning_rate": {
        "name": "FloatDistribution",
        "attributes": {"low": 1e-4, "high": 1e-2, "log": True, "step": None},
    },
    "embedding_dim": {"name": "CategoricalDistribution", "attributes": {"choices": [8, 16]}},
}
FIRST_ROW_ID = 8800
NON_FINITE_LOSS = Anomaly(kind="non-finite-loss", detail="epoch 2: the loss is NaN")


@dataclass(frozen=True)
class WrittenExperiment:
    """An experiment in a store."""

    uri: str
    """The root of the store."""
    key: ExperimentKey
    plan: Plan
    folder: Store
    """The store at the experiment's folder."""
    path: Path
    """The experiment's folder."""

    @property
    def argument(self) -> str:
        """The key as `--experiment` expects it."""
        return self.key.prefix

    @property
    def folder_uri(self) -> str:
        """The URI of the experiment's folder."""
        return f"{self.uri}/{self.key.prefix}"


ExperimentWriter = Callable[..., WrittenExperiment]
"""Writes a simulated experiment; keywords are fields of `SimulatedExperiment`."""


def write_finished_experiment(root: Path, simulated: SimulatedExperiment) -> WrittenExperiment:
    """Write the folder of an experiment whose phases plan, prepare, tune and evaluate are complete."""
    plan, key = simulated.plan, simulated.key
    folder = open_store(root.as_uri()).below(key.prefix)
    generator = np.random.default_rng(20240501)
    logits = generator.normal(-0.7, 1.1, simulated.rows)
    labels = (generator.random(simulated.rows) < 1 / (1 + np.exp(-logits))).astype(np.uint8)
    if simulated.clicks is not None:
        labels = (np.arange(simulated.rows) < simulated.clicks).astype(np.uint8)
    users = generator.integers(0, simulated.users, simulated.rows).astype(np.int32) if simulated.users else None
    groups = simulated.groups_of(users)
    prepared = _prepared_data(labels, simulated)
    studies = [_repeated_study(plan, prepared, model, simulated.trials) for model in simulated.models]
    token = search_token(studies)
    folder.put(ObjectKey.PLAN, plan.to_json().encode())
    folder.put(ObjectKey.PREPARED, prepared.to_json().encode())
    for study in studies:
        folder.put(ObjectKey.study(study.variant), study.to_json().encode())
    for model, study in zip(simulated.models, studies, strict=True):
        model_errors = generator.normal(0, model.model_error, simulated.rows)
        for index, seed in enumerate(plan.evaluation.seeds.values(simulated.extended)):
            seed_generator = np.random.default_rng([index, len(model.name), 7])
            seed_errors = seed_generator.normal(0, model.seed_error, simulated.rows)
            if index in model.missing:
                continue
            score_logits = model.strength * (logits + 0.7) - 0.7 + model_errors + seed_errors
            scores = (1 / (1 + np.exp(-score_logits))).astype(np.float32)
            if simulated.constant_scores:
                scores = np.full_like(scores, 0.3)
            raw = None
            if index not in model.diverged:
                row_ids = np.arange(simulated.rows, dtype=np.int64) + FIRST_ROW_ID
                raw = encode_predictions(labels, scores, users, row_ids, groups)
                folder.put(ObjectKey.run(model.name, seed, 0, RunFile.PREDICTIONS), raw)
            metrics = _metric_fields(plan, labels, scores, users, groups, index, diverged=raw is None)
            record = _run_record(root.as_uri(), key, plan, study, seed, token, raw, **metrics)
            folder.put(ObjectKey.run(model.name, seed, 0, RunFile.RECORD), record.to_json().encode())
    return WrittenExperiment(root.as_uri(), key, plan, folder, root / key.prefix)


def encode_predictions(
    labels: NDArray[np.uint8],
    scores: NDArray[np.float32],
    users: NDArray[np.int32] | None,
    rows: NDArray[np.int64],
    groups: NDArray[np.int32] | None = None,
) -> bytes:
    """Return a predictions file as the trainer writes it."""
    columns: dict[str, NDArray[np.generic]] = {"row": rows, "label": labels, "score": scores}
    if users is not None:
        columns["user"] = users
    if groups is not None:
        columns["group"] = groups
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def _prepared_data(labels: NDArray[np.uint8], simulated: SimulatedExperiment) -> PreparedData:
    sizes = {"train": (8000, 3100), "valid": (800, 310), "test": (labels.size, int(labels.sum()))}
    splits = {
        name: make_split_summary(
            rows, positives, users=simulated.users, row_ids_digest=f"sha256:{name}", files={"labels.npy": "sha256:aa"}
        )
        for name, (rows, positives) in sizes.items()
    }
    return make_prepared_data(
        digest=digest_of(simulated.data),
        sources=(FileDigest(name="ratings.csv", bytes=1_979_173, sha256=digest_of("5")),),
        **splits,
        vocabulary={"user_id": 610, "item_id": 1520},
        vocabulary_digest=digest_of("e"),
        embedding_rows=2131,
        matches=(
            MatchCount(
                table="items.csv",
                column="item_id",
                rows=10_000,
                missing_rows=12,
                matched_rows=9_321,
                values=1_604,
                matched_values=1_517,
            ),
        ),
        warnings=("12.5 % of test users never occur in train",),
    )


def _repeated_study(plan: Plan, prepared: PreparedData, model: SimulatedModel, trials: int) -> StudyRecord:
    first, *others = (_study_record(plan, prepared, model, trials - index) for index in range(plan.tuning.study_count))
    return first.model_copy(update={"repeats": tuple(others) or None})


def _study_record(plan: Plan, prepared: PreparedData, model: SimulatedModel, count: int) -> StudyRecord:
    generator = np.random.default_rng([len(model.name), 3])
    trials = tuple(
        make_trial_record(
            number,
            state="PRUNED" if number % 5 == 4 else "COMPLETE",
            value=float(0.70 + 0.05 * model.strength * (1 - np.exp(-number / 5)) + generator.normal(0, 0.006)),
            parameters={"learning_rate": float(10 ** generator.uniform(-4, -2)), "embedding_dim": 8 + 8 * (number % 2)},
            distributions=DISTRIBUTIONS,
            curve={1: 0.69, 2: 0.72, 3: 0.74},
            seconds=4.25,
        )
        for number in range(count)
    )
    best, runner_up, *_ = sorted(trials, key=lambda trial: trial.value or 0, reverse=True)
    return make_study_record(
        model.name,
        trials,
        plan_digest=plan.digest,
        dataset_digest=prepared.digest,
        best=BestChoice(
            trial=best.number,
            value=best.value,
            parameters=best.parameters,
            runner_up=runner_up.number,
            runner_up_value=runner_up.value,
            justification=f"Trial {best.number} has the best validation auc of {count} trials.",
        ),
        versions={"optuna": "5.0.0"},
    )


def _metric_fields(
    plan: Plan,
    labels: NDArray[np.uint8],
    scores: NDArray[np.float32],
    users: NDArray[np.int32] | None,
    groups: NDArray[np.int32] | None,
    index: int,
    *,
    diverged: bool,
) -> dict[str, Any]:
    computed = compute_metrics(plan.analysis.metrics, labels, scores, users, None, groups)
    fields: dict[str, Any] = {"metric_details": computed.details}
    if diverged:
        absent = dict.fromkeys(computed.values)
        return {
            **fields,
            "metrics_test": absent,
            "metrics_valid": absent,
            "state": "Diverged",
            "anomalies": (NON_FINITE_LOSS,),
        }
    valid = {name: (value or 0) + 0.004 + 0.0005 * index for name, value in computed.values.items()}
    return {**fields, "metrics_test": computed.values, "metrics_valid": valid}


def _run_record(
    store: str,
    key: ExperimentKey,
    plan: Plan,
    study: StudyRecord,
    seed: int,
    token: str,
    predictions: bytes | None,
    **fields: Any,
) -> RunRecord:
    start = 0.66 + 0.01 * (seed % 5)
    curve = tuple(
        EpochRecord(
            epoch=epoch,
            train_loss=0.65 - 0.03 * epoch,
            valid={"auc": start + 0.09 * (1 - np.exp(-epoch / 2)).item() - (0.002 * max(epoch - 4, 0))},
            learning_rate=0.001,
            seconds=1.5,
        )
        for epoch in range(1, 7)
    )
    return make_run_record(
        study.variant,
        seed,
        experiment=key.prefix,
        attempt=0,
        plan_digest=plan.digest,
        dataset_digest=study.dataset_digest,
        search_digest=study.digest,
        config={"learning_rate": 0.0012345678, "embedding_dim": 16, "hidden": [64, 32], "batch_norm": False},
        tuned=study.best.parameters,
        parameters=38_000 + 100 * len(study.variant),
        execution_mode=plan.evaluation.execution_mode,
        metric_definitions={name: METRIC_DEFINITIONS[name] for name in plan.analysis.metrics},
        best_epoch=4,
        curve=curve,
        predictions_sha256=None if predictions is None else "sha256:" + hashlib.sha256(predictions).hexdigest(),
        openings=(make_test_opening(plan_digest=plan.digest, token=token, attempt=0),),
        reproduce=verify_command(store, key, study.variant, seed),
        **fields,
    )
