"""A finished experiment in a file store: plan, data, frozen searches, run records and predictions.

Scores are simulated (a row's true click probability, a model's own error on each row, a seed's own), so that a
test can choose how large a difference is and which noise dominates; everything else is as the jobs write it.
"""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.metrics import METRIC_DEFINITIONS
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan, Variant
from ctrlab_api.records import (
    Anomaly,
    BestChoice,
    CodeRecord,
    EnvironmentRecord,
    EpochRecord,
    FileDigest,
    HardwareRecord,
    PreparedData,
    ProcessRecord,
    RandomnessRecord,
    RunRecord,
    SplitSummary,
    StudyRecord,
    TestOpening,
    TrialRecord,
    search_token,
)
from ctrlab_api.records.runs import verify_command
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.tuning import Analysis, Evaluation, Precision, Seeds, Tuning
from ctrlab_metrics.computing import compute_metrics
from ctrlab_store import Store, open_store

DATASET = {
    "source": {"uri": "file:///data/movies/", "format": "csv"},
    "label": {"column": "rating", "positiveWhen": ">= 4"},
    "features": [{"name": "user_id", "type": "Categorical"}, {"name": "item_id", "type": "Categorical"}],
    "time": "timestamp",
    "split": {"strategy": "Temporal"},
}

SEARCH = {
    "learning_rate": {"float": {"low": "1e-4", "high": "1e-2", "log": True}},
    "embedding_dim": {"categorical": ("8", "16")},
}


@dataclass(frozen=True)
class SimulatedModel:
    """A model whose scores follow the truth with `strength`, up to errors of the model and of its seeds on each row."""

    name: str
    strength: float
    own_error: float = 0.3
    seed_error: float = 0.3
    diverged: tuple[int, ...] = ()
    """Seeds (by place) whose run diverged and has no predictions."""
    missing: tuple[int, ...] = ()
    """Seeds (by place) without any record."""


@dataclass(frozen=True)
class SimulatedExperiment:
    """What is written; the defaults give three models of which the first is clearly ahead of the last."""

    models: tuple[SimulatedModel, ...] = (
        SimulatedModel("SIN", 1.0),
        SimulatedModel("DIN", 0.97),
        SimulatedModel("DeepFM", 0.7),
    )
    seeds: int = 5
    rows: int = 1200
    users: int | None = 150
    margin: str | None = "0.005"
    metrics: tuple[str, ...] = ("auc", "logloss", "gauc", "pcoc", "ece")
    trials: int = 12
    repeats: int | None = None
    """Searches of each model; the later ones have one trial less each."""
    compare: str = "AgainstReference"
    half_width: str | None = None
    """evaluation.precision.halfWidth; with it seeds.max is `most_seeds`."""
    most_seeds: int = 1000
    extended: int | None = None
    """Seeds that runs are written for, after an extension."""
    base: int = 2024
    """The first seed."""
    seeds_per_pod: int | None = None
    data: str = "d"
    """What the data set's digest consists of."""
    split_seed: int | None = None
    """Of a Random split of one source; without it the split is by time."""
    positives_only: bool = False
    """The source has no label column; three non-clicks are drawn for each row."""
    key: ExperimentKey = field(default_factory=lambda: ExperimentKey(namespace="default", name="movies", uid="0a1b2c"))

    @property
    def plan(self) -> Plan:
        """The frozen plan."""
        source: dict[str, object] = {**DATASET, **({"user": "user_id"} if self.users else {})}
        if self.split_seed is not None:
            source = source | {"split": {"strategy": "Random", "seed": self.split_seed}}
        if self.positives_only:
            source = source | {"label": None, "negatives": {"item": "item_id", "perPositive": 3}}
        return Plan(
            dataset=Dataset.model_validate(source, strict=False),
            variants=tuple(
                Variant.model_validate({"name": model.name, "architecture": model.name.lower(), "search": SEARCH})
                for model in self.models
            ),
            tuning=Tuning(trials=self.trials, repeats=self.repeats),
            evaluation=Evaluation(seeds=Seeds(count=self.seeds, base=self.base), seeds_per_pod=self.seeds_per_pod)
            if self.half_width is None
            else Evaluation(
                seeds=Seeds(count=self.seeds, max=self.most_seeds, base=self.base),
                precision=Precision(metric="auc", half_width=self.half_width),
            ),
            analysis=Analysis.model_validate(
                {
                    "primaryMetric": "auc",
                    "metrics": self.metrics,
                    "reference": self.models[0].name,
                    "compare": self.compare,
                    "margin": self.margin,
                }
            ),
        )


@dataclass(frozen=True)
class WrittenExperiment:
    """Where it lies."""

    uri: str
    key: ExperimentKey
    plan: Plan
    folder: Store
    path: Path

    @property
    def argument(self) -> str:
        """As `--experiment` takes it."""
        return self.key.prefix


def parquet(
    labels: NDArray[np.uint8], scores: NDArray[np.float32], users: NDArray[np.int32] | None, rows: NDArray[np.int64]
) -> bytes:
    """Predictions as the trainer writes them."""
    columns: dict[str, NDArray[np.generic]] = {"row": rows, "label": labels, "score": scores}
    if users is not None:
        columns["user"] = users
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def write(root: Path, wanted: SimulatedExperiment) -> WrittenExperiment:
    """Write the whole folder, as plan, prepare, tune and evaluate leave it."""
    plan, key = wanted.plan, wanted.key
    uri = root.as_uri()
    store = open_store(uri)
    folder = store.below(key.prefix)
    random = np.random.default_rng(20240501)
    logit = random.normal(-0.7, 1.1, wanted.rows)
    labels = (random.random(wanted.rows) < 1 / (1 + np.exp(-logit))).astype(np.uint8)
    users = random.integers(0, wanted.users, wanted.rows).astype(np.int32) if wanted.users else None
    folder.put(ObjectKey.PLAN, plan.to_json().encode())
    prepared = _prepared(labels, wanted.users, wanted.data)
    folder.put(ObjectKey.PREPARED, prepared.to_json().encode())
    studies = [
        first.model_copy(update={"repeats": tuple(further) or None})
        for model in wanted.models
        for first, *further in [
            [_study(plan, prepared, model, wanted.trials - number) for number in range(plan.tuning.study_count)]
        ]
    ]
    for study in studies:
        folder.put(ObjectKey.study(study.variant), study.to_json().encode())
    token = search_token(studies)
    for model, study in zip(wanted.models, studies, strict=True):
        own = random.normal(0, model.own_error, wanted.rows)
        for place, seed in enumerate(plan.evaluation.seeds.values(wanted.extended)):
            noise = np.random.default_rng([place, len(model.name), 7]).normal(0, model.seed_error, wanted.rows)
            scores = (1 / (1 + np.exp(-(model.strength * (logit + 0.7) - 0.7 + own + noise)))).astype(np.float32)
            if place in model.missing:
                continue
            diverged = place in model.diverged
            raw = None if diverged else parquet(labels, scores, users, np.arange(wanted.rows, dtype=np.int64) + 8800)
            measured = compute_metrics(plan.analysis.metrics, labels, scores, users)
            record = _record(uri, key, plan, prepared, study, seed, token, raw)
            record = record.model_copy(
                update={
                    "metrics_test": {name: None if diverged else value for name, value in measured.values.items()},
                    "metrics_valid": {
                        name: None if diverged else (value or 0) + 0.004 + 0.0005 * place
                        for name, value in measured.values.items()
                    },
                    "metric_details": measured.details,
                    "state": "Diverged" if diverged else "Succeeded",
                    "anomalies": (Anomaly(kind="non-finite-loss", detail="epoch 2: the loss is NaN"),)
                    if diverged
                    else (),
                }
            )
            folder.put(ObjectKey.run(model.name, seed, 0, "record.json"), record.to_json().encode())
            if raw is not None:
                folder.put(ObjectKey.run(model.name, seed, 0, "predictions.parquet"), raw)
    return WrittenExperiment(uri, key, plan, folder, root / key.prefix)


def _prepared(labels: NDArray[np.uint8], users: int | None, data: str) -> PreparedData:
    def part(rows: int, positives: int, name: str) -> SplitSummary:
        return SplitSummary(
            rows=rows,
            positives=positives,
            users=users,
            row_ids_digest=f"sha256:{name}",
            files={"labels.npy": "sha256:aa"},
        )

    return PreparedData(
        digest="sha256:" + data * 64,
        encoder_version="1",
        sources=(FileDigest(name="ratings.csv", bytes=1_979_173, sha256="sha256:" + "5" * 64),),
        train=part(8000, 3100, "train"),
        valid=part(800, 310, "valid"),
        test=part(labels.size, int(labels.sum()), "test"),
        vocabulary={"user_id": 610, "item_id": 1520},
        vocabulary_digest="sha256:" + "e" * 64,
        embedding_rows=2131,
        warnings=("12.5 % of test users never occur in train",),
    )


def _study(plan: Plan, prepared: PreparedData, model: SimulatedModel, count: int) -> StudyRecord:
    random = np.random.default_rng([len(model.name), 3])
    trials = tuple(
        TrialRecord(
            number=number,
            slot=number,
            counted=True,
            state="PRUNED" if number % 5 == 4 else "COMPLETE",
            value=float(0.70 + 0.05 * model.strength * (1 - np.exp(-number / 5)) + random.normal(0, 0.006)),
            parameters={"learning_rate": float(10 ** random.uniform(-4, -2)), "embedding_dim": 8 + 8 * (number % 2)},
            distributions={
                "learning_rate": {
                    "name": "FloatDistribution",
                    "attributes": {"low": 1e-4, "high": 1e-2, "log": True, "step": None},
                },
                "embedding_dim": {"name": "CategoricalDistribution", "attributes": {"choices": [8, 16]}},
            },
            curve={1: 0.69, 2: 0.72, 3: 0.74},
            worker="worker-0",
            started="2026-05-01T10:00:00Z",
            seconds=4.25,
        )
        for number in range(count)
    )
    ranked = sorted(trials, key=lambda trial: trial.value or 0, reverse=True)
    return StudyRecord(
        variant=model.name,
        plan_digest=plan.digest,
        dataset_digest=prepared.digest,
        primary_metric="auc",
        direction="maximize",
        sampler="TPE",
        sampler_seed=1,
        pruner="Median",
        budget=count,
        trials=trials,
        best=BestChoice(
            trial=ranked[0].number,
            value=ranked[0].value,
            parameters=ranked[0].parameters,
            runner_up=ranked[1].number,
            runner_up_value=ranked[1].value,
            justification=f"Trial {ranked[0].number} has the best validation auc of {count} trials.",
        ),
        versions={"optuna": "5.0.0"},
        seconds=4.25 * count,
    )


def _record(
    store: str,
    key: ExperimentKey,
    plan: Plan,
    prepared: PreparedData,
    study: StudyRecord,
    seed: int,
    token: str,
    predictions: bytes | None,
) -> RunRecord:
    start = 0.66 + 0.01 * (seed % 5)
    return RunRecord(
        experiment=key.prefix,
        variant=study.variant,
        architecture=study.variant.lower(),
        seed=seed,
        attempt=0,
        state="Succeeded",
        plan_digest=plan.digest,
        config_digest="sha256:" + "c" * 64,
        dataset_digest=prepared.digest,
        search_digest=study.digest,
        config={"learning_rate": 0.0012345678, "embedding_dim": 16, "hidden": [64, 32], "batch_norm": False},
        tuned=study.best.parameters,
        parameters=38_000 + 100 * len(study.variant),
        execution_mode=plan.evaluation.execution_mode,
        device="cpu",
        precision="float32",
        metrics_valid={},
        metrics_test={},
        metric_definitions={name: METRIC_DEFINITIONS[name] for name in plan.analysis.metrics},
        metric_details={},
        best_epoch=4,
        curve=tuple(
            EpochRecord(
                epoch=epoch,
                train_loss=0.65 - 0.03 * epoch,
                valid={"auc": start + 0.09 * (1 - np.exp(-epoch / 2)).item() - (0.002 * max(epoch - 4, 0))},
                learning_rate=0.001,
                seconds=1.5,
            )
            for epoch in range(1, 7)
        ),
        predictions_sha256="sha256:" + hashlib.sha256(predictions).hexdigest() if predictions is not None else None,
        model_sha256="sha256:" + "b" * 64,
        openings=(
            TestOpening(
                at="2026-05-01T11:00:00Z",
                by="host-1:4242",
                plan_digest=plan.digest,
                token=token,
                attempt=0,
                reason="first",
            ),
        ),
        code=CodeRecord(package="ctrlab", version="0.1.0", git_commit="8de2f4b", git_dirty=False),
        environment=EnvironmentRecord(
            python="3.11.9",
            platform="Linux-6.1-x86_64",
            packages={"numpy": "2.4.6", "torch": "2.13.0"},
            threads=1,
            variables={"OMP_NUM_THREADS": "1"},
        ),
        hardware=HardwareRecord(cpu="x86-64", cores=2, memory_bytes=8 * 2**30),
        randomness=RandomnessRecord(
            root=seed,
            purposes={"init": seed + 1, "order": seed + 2},
            deterministic_requested=True,
            deterministic_achieved=True,
        ),
        process=ProcessRecord(
            started="2026-05-01T11:00:00Z",
            ended="2026-05-01T11:00:12Z",
            wall_seconds=12.5,
            cpu_seconds=11.9,
            peak_memory_bytes=512 * 2**20,
            worker="host-1",
        ),
        reproduce=verify_command(store, key, study.variant, seed),
        tolerance="bit-equal on the same version, device and thread count",
    )


Writer = Callable[..., WrittenExperiment]


@pytest.fixture
def written(tmp_path: Path) -> Writer:
    """Writes a simulated experiment; keyword arguments change `SimulatedExperiment`'s fields."""

    def write_it(**changes: object) -> WrittenExperiment:
        return write(tmp_path / "store", replace(SimulatedExperiment(), **changes))  # type: ignore[arg-type]

    return write_it


@pytest.fixture
def simulated() -> type[SimulatedModel]:
    """The class of simulated models, for tests that choose their own."""
    return SimulatedModel


@pytest.fixture
def experiment(written: Writer) -> WrittenExperiment:
    """Three models, five seeds, 1200 test rows of 150 users."""
    return written()
