"""Repeated studies with real training: final runs alternate over them, and replayed trials have equal curves."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest
from command_line import ctrlab

from ctrlab_api.errors import InvalidInput
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import StudyRecord
from ctrlab_api.resources.search_dimensions import SearchDimension
from ctrlab_api.resources.tuning import Stop, WarmStart
from ctrlab_store import Store
from ctrlab_study import StudyDatabase
from ctrlab_trainer.finals.final_runs import evaluate
from ctrlab_trainer.tuning.trial_replay import replay
from ctrlab_trainer.tuning.tuning_worker import tune

LEARNING_RATE = {"float": {"low": "1e-3", "high": "1e-1", "log": True}}


class Prepared(Protocol):
    """The type of the fixture `prepared`."""

    store: Store
    key: ExperimentKey
    plan: Plan


Tuned = tuple[Store, ExperimentKey, Plan, str]


def tune_model(prepared: Prepared, folder: Path, name: str, **tuning: Any) -> Tuned:
    """Tune one model in a separate experiment on the prepared data."""
    search = {"learning_rate": SearchDimension.model_validate(LEARNING_RATE, strict=False)}
    model = prepared.plan.variants[0].model_copy(update={"search": search})
    settings = prepared.plan.tuning.model_copy(update={"trials": 3, "sampler": "Random", **tuning})
    analysis = prepared.plan.analysis.model_copy(update={"reference": model.name})
    plan = prepared.plan.model_copy(update={"variants": (model,), "tuning": settings, "analysis": analysis})
    store, key = prepared.store, prepared.key.model_copy(update={"uid": name})
    experiment_folder = store.below(key.prefix)
    experiment_folder.put(ObjectKey.PLAN, plan.to_json().encode())
    experiment_folder.put(ObjectKey.PREPARED, store.below(prepared.key.prefix).get(ObjectKey.PREPARED))
    tune(plan, key, store, StudyDatabase(f"sqlite:///{folder / 'study.db'}"), model.name, "worker")
    return store, key, plan, model.name


@pytest.fixture
def repeated(prepared: Prepared, tmp_path: Path) -> Tuned:
    return tune_model(prepared, tmp_path, "repeated", repeats=2)


def test_final_runs_alternate_over_the_studies(repeated: Tuned) -> None:
    store, key, plan, variant = repeated
    study = StudyRecord.model_validate_json(store.below(key.prefix).get(ObjectKey.study(variant)))
    assert len(study.all_studies) == 2
    assert study.choice(0).parameters != study.choice(1).parameters
    base = plan.evaluation.seeds.base
    runs = [evaluate(plan, key, store, variant, [base + index])[0] for index in range(3)]
    expected = [study.choice(index % 2).parameters for index in range(3)]
    assert [run.tuned for run in runs] == expected


def test_replayed_trials_have_equal_curves(
    repeated: Tuned,
) -> None:
    store, key, plan, variant = repeated
    replayed = list(replay(plan, key, store, variant, 2))
    assert [(trial.study, trial.equal) for trial in replayed] == [(1, True), (1, True), (2, True), (2, True)]
    assert not replace(replayed[0], repeated={1: 0.5}).equal


def test_the_command_exports_the_record(
    repeated: Tuned, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, key, _, variant = repeated
    uri = f"{store.uri}/{key.prefix}"
    output = tmp_path / "search.json"
    assert ctrlab(monkeypatch, "search", "export", uri, "--model", variant, "--output", str(output)) == 0
    assert output.read_bytes() == store.below(key.prefix).get(ObjectKey.study(variant))
    assert ctrlab(monkeypatch, "search", "export", uri, "--model", "nobody") == 2
    assert "--model: " in capsys.readouterr().err


def test_a_warm_start_from_a_missing_experiment_is_rejected(prepared: Prepared, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"spec.tuning.warmStart.experiment: there is no experiment a/b/c in"):
        tune_model(prepared, tmp_path, "warm", sampler="TPE", warm_start=WarmStart(experiment="a/b/c"))


def test_a_budget_of_gpu_time_without_a_gpu_is_rejected(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CTRLAB_DEVICE", "cpu")
    with pytest.raises(InvalidInput, match=r"spec.tuning.stop.gpuTime: this worker has no GPU"):
        tune_model(prepared, tmp_path, "gpu", stop=Stop(gpu_time="1h"))
