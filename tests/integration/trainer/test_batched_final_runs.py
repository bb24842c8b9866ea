"""Final runs with several seeds in one batch: records, verification, interrupted batches, and ablations."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ExitCode, ObjectKey
from ctrlab_api.plan import ParentExperiment, Plan
from ctrlab_api.records import RunRecord, StudyRecord
from ctrlab_study import untuned_record
from ctrlab_trainer.data.preparation.dataset_preparation import prepare
from ctrlab_trainer.finals import final_training
from ctrlab_trainer.finals.final_runs import evaluate
from ctrlab_trainer.finals.final_training import FinalTraining
from ctrlab_trainer.finals.run_reuse import reuse_parent_run
from ctrlab_trainer.finals.verification import verify
from ctrlab_trainer.process.run_records import find_record
from ctrlab_trainer.training.batched_training import train_batched
from ctrlab_trainer.training.loop import train

Prepared = Any
"""The type of the fixture `prepared`."""


def batched_experiment(prepared: Prepared, seeds_per_pod: int = 3) -> tuple[Plan, ExperimentKey]:
    """Return plan and key of the experiment with this number of seeds per pod and frozen studies."""
    evaluation = prepared.plan.evaluation.model_copy(update={"seeds_per_pod": seeds_per_pod})
    plan = prepared.plan.model_copy(update={"evaluation": evaluation})
    key = ExperimentKey.parse("default/batched/u3")
    folder = prepared.store.below(key.prefix)
    folder.put(ObjectKey.PLAN, plan.to_json().encode())
    data = prepare(plan, prepared.store, key)
    for name in plan.names:
        folder.put(ObjectKey.study(name), untuned_record(plan, name, data.digest).to_json().encode())
    return plan, key


def test_each_seed_of_a_batch_has_its_own_record_and_is_verified_in_the_batch(prepared: Prepared) -> None:
    plan, key = batched_experiment(prepared)
    records = evaluate(plan, key, prepared.store, "DeepFM", [10, 11, 12])
    assert [record.seed for record in records] == [10, 11, 12]
    assert {record.execution_mode for record in records} == {"batched"}
    assert {record.batched_with for record in records} == {(10, 11, 12)}
    assert len({record.model_sha256 for record in records}) == 3
    assert all(len(record.openings) == 1 and record.attempt == 1 for record in records)
    folder = prepared.store.below(key.prefix)
    for seed in (10, 11, 12):
        keys = folder.list(f"runs/DeepFM/{seed}/")
        names = "curve.csv", "model.safetensors", "opening.json", "predictions.parquet", "record.json"
        expected = {f"runs/DeepFM/{seed}/1/{name}" for name in (*names, "valid_predictions.parquet")}
        assert set(keys) == expected | {f"runs/DeepFM/{seed}/starts/1.json"}
    assert evaluate(plan, key, prepared.store, "DeepFM", [10, 11, 12]) == records, "finished runs are not repeated"

    verification = verify(plan, key, prepared.store, "DeepFM", 11)
    assert verification.equal
    assert str(verification).startswith("batched  seeds 10, 11, 12 trained together")

    prepared.freeze()
    [plain] = evaluate(prepared.plan, prepared.key, prepared.store, "DeepFM", [11])
    assert (plain.execution_mode, plain.batched_with) == ("plain", None)
    auc, other = plain.metrics_test["auc"], records[1].metrics_test["auc"]
    assert auc == pytest.approx(other, abs=1e-3), "the same training up to rounding"


def test_an_interrupted_batch_is_repeated_with_the_missing_seeds(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, key = batched_experiment(prepared)
    folder = prepared.store.below(key.prefix)
    with monkeypatch.context() as patched:
        patched.setattr(FinalTraining, "test", interrupt_test_of(12))
        with pytest.raises(SystemExit):
            evaluate(plan, key, prepared.store, "DeepFM", [10, 11, 12])
    first = [find_record(folder, "DeepFM", seed) for seed in (10, 11, 12)]
    assert [record is not None for record in first] == [True, True, False]
    assert not folder.exists("runs/DeepFM/10/starts/1-end.json"), "its run had finished"
    assert folder.exists("runs/DeepFM/12/starts/1-end.json")

    *before, last = evaluate(plan, key, prepared.store, "DeepFM", [10, 11, 12])
    assert before == first[:2]
    assert (last.execution_mode, last.batched_with) == ("batched", (12,))
    assert {anomaly.kind for anomaly in last.anomalies} >= {"terminated", "retried"}
    assert last.attempt == 2


def interrupt_test_of(seed: int) -> Callable[..., object]:
    """Return a replacement of `FinalTraining.test` that ends the process at this seed, as a signal would."""
    original = FinalTraining.test

    def test(self: FinalTraining, seeds: Any, *arguments: Any) -> object:
        if seeds.root == seed:
            raise SystemExit(ExitCode.TERMINATED)
        return original(self, seeds, *arguments)

    return test


def test_a_diverging_batch_is_retrained_once_for_all_its_seeds(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, key = batched_experiment(prepared, seeds_per_pod=2)
    trainings = []
    original = train_batched

    def count(**arguments: Any) -> object:
        trainings.append([seeds.root for seeds in arguments["seeds"]])
        return original(**arguments)

    monkeypatch.setattr(final_training, "train_batched", count)
    records = evaluate(plan, key, prepared.store, "Wild", [10, 11])
    assert trainings == [[10, 11], [10, 11]]
    for record in records:
        assert record.repetition is not None
        assert record.repetition.recorded == record.repetition.repeated


def test_seeds_that_the_plan_does_not_batch_are_not_trained_together(prepared: Prepared) -> None:
    prepared.freeze()
    with pytest.raises(ValueError, match="does not train the seeds 10, 11 together"):
        evaluate(prepared.plan, prepared.key, prepared.store, "DeepFM", [10, 11])


@pytest.mark.parametrize(("mode", "reused"), [("batched", False), ("plain", True)])
def test_an_ablation_reuses_only_runs_of_its_execution_mode(prepared: Prepared, mode: str, reused: bool) -> None:
    token = prepared.freeze()
    [record] = evaluate(prepared.plan, prepared.key, prepared.store, "DeepFM", [10])
    changed = record.model_copy(update={"execution_mode": mode})
    prepared.folder.replace("runs/DeepFM/10/1/record.json", changed.to_json().encode())
    plan, key = ablation(prepared, token)
    study = StudyRecord.model_validate_json(prepared.folder.get(ObjectKey.study("DeepFM")))
    record_of_ablation: RunRecord | None = reuse_parent_run(plan, key, prepared.store, prepared.data, study, 10)
    assert (record_of_ablation is not None) is reused


def ablation(prepared: Prepared, token: str) -> tuple[Plan, ExperimentKey]:
    """Return plan and key of an ablation of DeepFM in the plain mode, with the fields that `reuse_parent_run` reads."""
    parent = ParentExperiment(
        experiment=prepared.key.prefix,
        plan_digest=prepared.plan.digest,
        search_token=token,
        model="DeepFM",
        hyperparameters="Inherit",
    )
    return prepared.plan.model_copy(update={"parent": parent}), ExperimentKey(
        namespace="default", name="parts", uid="u2"
    )


def test_a_nondeterminism_warning_of_torch_is_an_anomaly(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared.freeze()

    def train_with_warning(**arguments: Any) -> object:
        warnings.warn("scatter does not have a deterministic implementation, but you set", stacklevel=1)
        return train(**arguments)

    monkeypatch.setattr(final_training, "train", train_with_warning)
    [record] = evaluate(prepared.plan, prepared.key, prepared.store, "DeepFM", [10])
    assert [anomaly.detail for anomaly in record.anomalies if anomaly.kind == "not-deterministic"] == ["scatter"]
    assert not record.randomness.deterministic_achieved
