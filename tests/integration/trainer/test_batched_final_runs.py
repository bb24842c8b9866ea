"""Final runs whose seeds are trained in one batch: records, repetition, a batch that was cut off, and ablations."""

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
"""What the fixture `prepared` gives."""


def batched(given: Prepared, seeds: int = 3) -> tuple[Plan, ExperimentKey]:
    """The experiment with so many seeds a pod, its searches frozen."""
    planned = given.plan.evaluation.model_copy(update={"seeds_per_pod": seeds})
    plan = given.plan.model_copy(update={"evaluation": planned})
    key = ExperimentKey(namespace="default", name="batched", uid="u3")
    folder = given.store.below(key.prefix)
    folder.put(ObjectKey.PLAN, plan.to_json().encode())
    data = prepare(plan, given.store, key)
    for name in plan.names:
        folder.put(ObjectKey.study(name), untuned_record(plan, name, data.digest).to_json().encode())
    return plan, key


def test_each_seed_of_a_batch_has_a_record_of_its_own_and_is_repeated_in_it(prepared: Prepared) -> None:
    plan, key = batched(prepared)
    records = evaluate(plan, key, prepared.store, "DeepFM", [10, 11, 12])
    assert [record.seed for record in records] == [10, 11, 12]
    assert {record.execution_mode for record in records} == {"batched"}
    assert {record.batched_with for record in records} == {(10, 11, 12)}
    assert len({record.model_sha256 for record in records}) == 3
    assert all(len(record.openings) == 1 and record.attempt == 1 for record in records)
    folder = prepared.store.below(key.prefix)
    for seed in (10, 11, 12):
        found = folder.list(f"runs/DeepFM/{seed}/")
        names = "curve.csv", "model.safetensors", "opening.json", "predictions.parquet", "record.json"
        expected = {f"runs/DeepFM/{seed}/1/{name}" for name in (*names, "valid_predictions.parquet")}
        assert set(found) == expected | {f"runs/DeepFM/{seed}/starts/1.json"}
    assert evaluate(plan, key, prepared.store, "DeepFM", [10, 11, 12]) == records, "nothing is made twice"

    found = verify(plan, key, prepared.store, "DeepFM", 11)
    assert found.equal
    assert str(found).startswith("batched  seeds 10, 11, 12 trained together")

    prepared.freeze()
    [plain] = evaluate(prepared.plan, prepared.key, prepared.store, "DeepFM", [11])
    assert (plain.execution_mode, plain.batched_with) == ("plain", None)
    auc, other = plain.metrics_test["auc"], records[1].metrics_test["auc"]
    assert auc == pytest.approx(other, abs=1e-3), "the same training up to rounding"


def test_a_batch_that_was_cut_off_is_made_of_the_missing_seeds(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, key = batched(prepared)
    folder = prepared.store.below(key.prefix)
    with monkeypatch.context() as patched:
        patched.setattr(FinalTraining, "test", stopped_at(12))
        with pytest.raises(SystemExit):
            evaluate(plan, key, prepared.store, "DeepFM", [10, 11, 12])
    first = [find_record(folder, "DeepFM", seed) for seed in (10, 11, 12)]
    assert [record is not None for record in first] == [True, True, False]
    assert not folder.exists("runs/DeepFM/10/starts/1-end.json"), "it had ended well"
    assert folder.exists("runs/DeepFM/12/starts/1-end.json")

    *before, last = evaluate(plan, key, prepared.store, "DeepFM", [10, 11, 12])
    assert before == first[:2]
    assert (last.execution_mode, last.batched_with) == ("batched", (12,))
    assert {found.kind for found in last.anomalies} >= {"terminated", "retried"}
    assert last.attempt == 2


def stopped_at(seed: int) -> Callable[..., object]:
    """The test of every run but this one's, which is stopped by a signal."""
    real = FinalTraining.test

    def test(self: FinalTraining, seeds: Any, *others: Any) -> object:
        if seeds.root == seed:
            raise SystemExit(ExitCode.TERMINATED)
        return real(self, seeds, *others)

    return test


def test_a_diverging_batch_is_repeated_once_for_all_its_seeds(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, key = batched(prepared, seeds=2)
    trainings = []
    real = train_batched

    def counted(**given: Any) -> object:
        trainings.append([seeds.root for seeds in given["seeds"]])
        return real(**given)

    monkeypatch.setattr(final_training, "train_batched", counted)
    records = evaluate(plan, key, prepared.store, "Wild", [10, 11])
    assert trainings == [[10, 11], [10, 11]]
    for record in records:
        assert record.repetition is not None
        assert record.repetition.recorded == record.repetition.repeated


def test_seeds_that_the_plan_does_not_batch_are_not_trained_together(prepared: Prepared) -> None:
    prepared.freeze()
    with pytest.raises(ValueError, match="does not train the seeds 10, 11 together"):
        evaluate(prepared.plan, prepared.key, prepared.store, "DeepFM", [10, 11])


@pytest.mark.parametrize(("mode", "taken"), [("batched", False), ("plain", True)])
def test_an_ablation_takes_over_runs_of_its_own_mode_alone(prepared: Prepared, mode: str, taken: bool) -> None:
    token = prepared.freeze()
    [record] = evaluate(prepared.plan, prepared.key, prepared.store, "DeepFM", [10])
    changed = record.model_copy(update={"execution_mode": mode})
    prepared.folder.replace("runs/DeepFM/10/1/record.json", changed.to_json().encode())
    plan, key = ablation(prepared, token)
    search = StudyRecord.model_validate_json(prepared.folder.get(ObjectKey.study("DeepFM")))
    found: RunRecord | None = reuse_parent_run(plan, key, prepared.store, prepared.data, search, 10)
    assert (found is not None) is taken


def ablation(given: Prepared, token: str) -> tuple[Plan, ExperimentKey]:
    """The plan of an ablation of DeepFM in the plain mode, as far as `reuse` looks at it."""
    parent = ParentExperiment(
        experiment=given.key.prefix,
        plan_digest=given.plan.digest,
        search_token=token,
        model="DeepFM",
        hyperparameters="Inherit",
    )
    return given.plan.model_copy(update={"parent": parent}), ExperimentKey(namespace="default", name="parts", uid="u2")


def test_torchs_notice_about_chance_is_an_anomaly(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared.freeze()

    def chancy(**given: Any) -> object:
        warnings.warn("scatter does not have a deterministic implementation, but you set", stacklevel=1)
        return train(**given)

    monkeypatch.setattr(final_training, "train", chancy)
    [record] = evaluate(prepared.plan, prepared.key, prepared.store, "DeepFM", [10])
    assert [found.detail for found in record.anomalies if found.kind == "not-deterministic"] == ["scatter"]
    assert not record.randomness.deterministic_achieved
