"""Measure time and peak memory of a full report: 3 models, 10 seeds, a million test rows.

Run with `python -P bench/report.py`. It writes the folder of an experiment with simulated scores into a temporary
directory, then runs `python -m ctrlab_report make` on it. This is not a test: times vary.
"""

import argparse
import hashlib
import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey, RunFile
from ctrlab_api.plan import Plan, Variant
from ctrlab_api.records import (
    CodeRecord,
    EnvironmentRecord,
    FileDigest,
    HardwareRecord,
    PreparedData,
    ProcessRecord,
    RandomnessRecord,
    RunRecord,
    SplitSummary,
    StudyRecord,
    TestOpening,
    search_token,
)
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.tuning import Analysis, Evaluation, Seeds, Tuning
from ctrlab_store import Store, open_store
from ctrlab_study import untuned_record

MODELS = ("SIN", "DIN", "DeepFM")
USERS = 50_000
KEY = ExperimentKey(namespace="default", name="large", uid="bench")
METRICS = ("auc", "logloss", "gauc", "ne", "pcoc", "ece")


def main() -> None:
    """Print rows, seconds and peak memory of one report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seeds", type=int, default=10)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder).as_uri())
        write_experiment(store.below(KEY.prefix), args.rows, args.seeds)
        started = perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "ctrlab_report", "make", "--store", store.uri, "--experiment", KEY.prefix]
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = perf_counter() - started
    if status:
        sys.exit(f"the report ended with exit code {os.waitstatus_to_exitcode(status)}")
    print(
        f"{args.rows:,} test rows, {len(MODELS)} models, {args.seeds} seeds, {len(METRICS)} metrics, {USERS:,} users:"
    )
    print(f"{seconds:.1f} s wall, {usage.ru_utime + usage.ru_stime:.1f} s CPU")
    print(f"peak memory {usage.ru_maxrss / 2**20:.2f} GiB")


def write_experiment(folder: Store, rows: int, seeds: int) -> None:
    """Write all inputs of a report; scores are the true click probability with an error of model and seed."""
    generator = np.random.default_rng(1)
    logit = generator.normal(-1.5, 1.2, rows).astype(np.float32)
    labels = (generator.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.uint8)
    users = generator.integers(0, USERS, rows).astype(np.int32)
    plan = make_plan(seeds)
    prepared = make_prepared_data(labels)
    folder.put(ObjectKey.PLAN, plan.to_json().encode())
    folder.put(ObjectKey.PREPARED, prepared.to_json().encode())
    studies = {name: untuned_record(plan, name, prepared.digest) for name in plan.names}
    for name, study in studies.items():
        folder.put(ObjectKey.study(name), study.to_json().encode())
    token = search_token(studies.values())
    for index, (name, study) in enumerate(studies.items()):
        model_error = generator.normal(0, 0.15, rows).astype(np.float32)
        for seed in plan.evaluation.seeds.values():
            seed_error = np.random.default_rng([seed, index]).normal(0, 0.2, rows).astype(np.float32)
            scores = 1 / (1 + np.exp(-((1 - 0.02 * index) * logit + model_error + seed_error)))
            raw = encode_predictions(labels, users, scores)
            record = make_record(plan, prepared, study, seed, token, raw)
            folder.put(ObjectKey.run(name, seed, 1, RunFile.PREDICTIONS), raw)
            folder.put(ObjectKey.run(name, seed, 1, RunFile.RECORD), record.to_json().encode())


def encode_predictions(labels: NDArray[np.uint8], users: NDArray[np.int32], scores: NDArray[np.float32]) -> bytes:
    """Return a predictions file as the trainer writes it."""
    sink = io.BytesIO()
    columns = {"row": np.arange(labels.size, dtype=np.int64), "user": users, "label": labels, "score": scores}
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def make_plan(seeds: int) -> Plan:
    """Return a plan with two comparisons against the first model."""
    dataset = {
        "source": {"uri": "file:///data/clicks.csv", "format": "csv"},
        "label": {"column": "click"},
        "features": [{"name": "user_id", "type": "Categorical"}],
        "user": "user_id",
        "split": {"strategy": "Random"},
    }
    return Plan(
        dataset=Dataset.model_validate(dataset, strict=False),
        variants=tuple(Variant(name=name, architecture=name.lower()) for name in MODELS),
        tuning=Tuning(),
        evaluation=Evaluation(seeds=Seeds(count=seeds)),
        analysis=Analysis.model_validate({"metrics": METRICS, "reference": MODELS[0], "margin": "0.001"}),
    )


def make_prepared_data(labels: NDArray[np.uint8]) -> PreparedData:
    """Return the record of the prepared data set."""
    digest = "sha256:" + "d" * 64
    split = SplitSummary(
        rows=labels.size, positives=int(labels.sum()), users=USERS, row_ids_digest=digest, files={"labels.npy": digest}
    )
    return PreparedData(
        digest=digest,
        encoder_version="1",
        sources=(FileDigest(name="clicks.csv", bytes=1, sha256=digest),),
        train=split,
        valid=split,
        test=split,
        vocabulary={"user_id": USERS},
        vocabulary_digest=digest,
        embedding_rows=USERS,
    )


def make_record(plan: Plan, prepared: PreparedData, study: StudyRecord, seed: int, token: str, raw: bytes) -> RunRecord:
    """Return the record of a final run; fields that the report does not read have arbitrary values."""
    opening = TestOpening(
        at="2026-05-01T11:00:00Z", by="bench", plan_digest=plan.digest, token=token, attempt=1, reason="first"
    )
    return RunRecord(
        experiment=KEY.prefix,
        variant=study.variant,
        architecture=study.variant.lower(),
        seed=seed,
        attempt=1,
        state="Succeeded",
        plan_digest=plan.digest,
        config_digest="sha256:" + "c" * 64,
        dataset_digest=prepared.digest,
        search_digest=study.digest,
        config={},
        tuned={},
        parameters=1,
        device="cpu",
        precision="float32",
        metrics_valid=dict.fromkeys(METRICS, 0.5),
        metrics_test={"ece": 0.01},
        metric_definitions={},
        metric_details={},
        best_epoch=1,
        curve=(),
        predictions_sha256="sha256:" + hashlib.sha256(raw).hexdigest(),
        openings=(opening,),
        code=CodeRecord(package="ctrlab", version="0"),
        environment=EnvironmentRecord(python="3", platform="bench", packages={}, threads=1, variables={}),
        hardware=HardwareRecord(cpu="bench", cores=1, memory_bytes=1),
        randomness=RandomnessRecord(root=seed, purposes={}, deterministic_requested=True, deterministic_achieved=True),
        process=ProcessRecord(
            started=opening.at, ended=opening.at, wall_seconds=1, cpu_seconds=1, peak_memory_bytes=1, worker="bench"
        ),
        reproduce="bench",
        tolerance="bench",
    )


if __name__ == "__main__":
    main()
