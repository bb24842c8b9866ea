"""Final runs from the frozen study to the record, including interrupted and diverging runs."""

import io
import shlex
from typing import Protocol

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load

from ctrlab_api.canonical_json import digest
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ExitCode
from ctrlab_api.plan import Plan
from ctrlab_api.records import RunRecord
from ctrlab_metrics.computing import compute_metrics
from ctrlab_store import Store
from ctrlab_trainer.cli import main
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.finals.final_runs import evaluate
from ctrlab_trainer.finals.seal import SealError, open_test
from ctrlab_trainer.finals.verification import Verification, verify
from ctrlab_trainer.training.throughput import calibrate


class Prepared(Protocol):
    """The type of the fixture `prepared`."""

    store: Store
    key: ExperimentKey
    plan: Plan
    schema: EncodedSchema

    @property
    def folder(self) -> Store: ...

    def freeze(self, *names: str) -> str: ...


def run(prepared: Prepared, variant: str = "SIN", seed: int = 10) -> RunRecord:
    [record] = evaluate(prepared.plan, prepared.key, prepared.store, variant, [seed])
    return record


def test_a_run_writes_predictions_curve_model_and_record(prepared: Prepared) -> None:
    prepared.freeze()
    record = run(prepared)
    files = {
        name: prepared.folder.get(f"runs/SIN/10/1/{name}") for name in ("predictions.parquet", "model.safetensors")
    }
    table = pq.read_table(io.BytesIO(files["predictions.parquet"]))
    assert table.column_names == ["row", "user", "label", "score"]
    columns = {name: table[name].to_numpy() for name in table.column_names}
    recomputed = compute_metrics(("auc", "logloss", "gauc"), columns["label"], columns["score"], columns["user"])
    assert record.metrics_test == recomputed.values
    assert record.predictions_sha256 == digest(files["predictions.parquet"])
    assert record.model_sha256 == digest(files["model.safetensors"])
    assert sum(array.size for name, array in load(files["model.safetensors"]).items()) == record.parameters
    assert record.state == "Succeeded"
    assert record.best_epoch is not None
    assert record.metrics_valid == record.curve[record.best_epoch - 1].valid
    assert record.randomness.deterministic_achieved
    assert record.environment.packages["torch"].startswith("2.")
    assert record.process.peak_memory_bytes > 10_000_000
    assert prepared.folder.get("runs/SIN/10/1/curve.csv").decode().splitlines()[0] == (
        "epoch,train_loss,valid_auc,valid_logloss,valid_gauc,learning_rate,seconds"
    )
    assert prepared.folder.exists("runs/SIN/10/1/valid_predictions.parquet")


def test_a_finished_run_is_not_repeated(prepared: Prepared) -> None:
    prepared.freeze()
    record = run(prepared)
    before = prepared.folder.list("runs/")
    assert run(prepared) == record
    assert prepared.folder.list("runs/") == before


def test_a_run_before_the_freeze_is_rejected_before_training(prepared: Prepared) -> None:
    with pytest.raises(SealError, match="sealed until every study is frozen"):
        run(prepared)
    assert not prepared.folder.list("runs/")


def test_a_run_that_died_after_opening_the_test_set_is_repeated_with_a_reason(prepared: Prepared) -> None:
    token = prepared.freeze()
    open_test(
        prepared.store, prepared.key, prepared.plan, prepared.schema, variant="SIN", seed=10, attempt=1, token=token
    )
    record = run(prepared)
    assert record.attempt == 2
    assert [opening.reason for opening in record.openings] == ["first", "attempt 1 ended without a record"]
    assert [anomaly.kind for anomaly in record.anomalies if anomaly.kind == "retried"] == ["retried"]


def test_a_diverged_run_is_a_result_and_does_not_open_the_test_set(prepared: Prepared) -> None:
    prepared.freeze()
    record = run(prepared, "Wild")
    assert record.state == "Diverged"
    assert record.metrics_test == {"auc": None, "logloss": None, "gauc": None}
    assert record.predictions_sha256 is None
    assert record.openings == ()
    assert record.anomalies[0].kind == "non-finite-loss"
    assert not prepared.folder.exists("runs/Wild/10/1/opening.json")


def test_runs_of_two_seeds_differ_and_are_verified_bit_by_bit(prepared: Prepared) -> None:
    prepared.freeze()
    record = run(prepared, "DeepFM", 10)
    assert record.model_sha256 != run(prepared, "DeepFM", 11).model_sha256
    opened = prepared.folder.list("runs/")
    assert verify(prepared.plan, prepared.key, prepared.store, "DeepFM", 11).equal
    program, *arguments = shlex.split(record.reproduce)
    assert (program, main(arguments)) == ("ctrlab-trainer", ExitCode.SUCCESS)
    assert prepared.folder.list("runs/") == opened


def test_a_failed_verification_lists_changed_circumstances() -> None:
    verification = Verification("sha256:1", "sha256:2", ("torch: 2.12.0 then, 2.13.0 now",))
    assert str(verification).splitlines()[2:] == ["different", "torch: 2.12.0 then, 2.13.0 now"]
    unexplained = str(Verification("sha256:1", "sha256:2"))
    assert unexplained.endswith("no recorded circumstance has changed: code, packages, threads, device, processor")
    assert str(Verification("sha256:1", "sha256:1", ("commit: a then, b now",))).endswith("bit-equal")


def test_calibration_measures_every_variant(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctrlab_trainer.training.throughput.MEASURED_SECONDS", 0.0)
    calibration = calibrate(prepared.plan, prepared.key, prepared.store)
    assert list(calibration.variants) == ["DeepFM", "SIN", "Wild"]
    assert all(np.isfinite(variant.seconds_per_epoch) for variant in calibration.variants.values())
    assert all(variant.parameters > prepared.schema.embedding_rows for variant in calibration.variants.values())
