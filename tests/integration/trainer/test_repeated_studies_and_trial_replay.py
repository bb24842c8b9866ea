"""With real training: several searches of one model, final runs that take turns, and trials that are trained again."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from ctrlab.cli import main
from ctrlab_api.errors import InvalidInput
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import StudyRecord
from ctrlab_api.resources.search_dimensions import SearchDimension
from ctrlab_api.resources.tuning import Stop, WarmStart
from ctrlab_store import Store
from ctrlab_trainer.finals.final_runs import evaluate
from ctrlab_trainer.tuning.trial_replay import replay
from ctrlab_trainer.tuning.tuning_worker import tune

RATE = {"float": {"low": "1e-3", "high": "1e-1", "log": True}}


class Prepared(Protocol):
    """What the fixture gives."""

    store: Store
    key: ExperimentKey
    plan: Plan


Tuned = tuple[Store, ExperimentKey, Plan, str]


def tuned(prepared: Prepared, folder: Path, name: str, **tuning: Any) -> Tuned:
    """An experiment of its own on the prepared data, with one model that is searched."""
    search = {"learning_rate": SearchDimension.model_validate(RATE, strict=False)}
    model = prepared.plan.variants[0].model_copy(update={"search": search})
    settings = prepared.plan.tuning.model_copy(update={"trials": 3, "sampler": "Random", **tuning})
    analysis = prepared.plan.analysis.model_copy(update={"reference": model.name})
    plan = prepared.plan.model_copy(update={"variants": (model,), "tuning": settings, "analysis": analysis})
    store, key = prepared.store, prepared.key.model_copy(update={"uid": name})
    own = store.below(key.prefix)
    own.put(ObjectKey.PLAN, plan.to_json().encode())
    own.put(ObjectKey.PREPARED, store.below(prepared.key.prefix).get(ObjectKey.PREPARED))
    tune(plan, key, store, f"sqlite:///{folder / 'study.db'}", model.name, "worker")
    return store, key, plan, model.name


def ctrlab(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of the command."""
    monkeypatch.setattr(sys, "argv", ["ctrlab", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.fixture
def repeated(prepared: Prepared, tmp_path: Path) -> Tuned:
    return tuned(prepared, tmp_path, "repeated", repeats=2)


def test_final_runs_take_turns_over_the_searches(repeated: Tuned) -> None:
    store, key, plan, variant = repeated
    search = StudyRecord.model_validate_json(store.below(key.prefix).get(ObjectKey.study(variant)))
    assert len(search.all_studies) == 2
    assert search.choice(0).parameters != search.choice(1).parameters
    base = plan.evaluation.seeds.base
    runs = [evaluate(plan, key, store, variant, [base + index])[0] for index in range(3)]
    expected = [search.choice(index % 2).parameters for index in range(3)]
    assert [run.tuned for run in runs] == expected


def test_trials_that_are_trained_again_have_the_same_curve(
    repeated: Tuned,
) -> None:
    store, key, plan, variant = repeated
    found = list(replay(plan, key, store, variant, 2))
    assert [(one.study, one.equal) for one in found] == [(1, True), (1, True), (2, True), (2, True)]
    assert not replace(found[0], repeated={1: 0.5}).equal


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


def test_a_warm_start_from_what_is_not_there_is_refused(prepared: Prepared, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"spec.tuning.warmStart.experiment: there is no experiment a/b/c in"):
        tuned(prepared, tmp_path, "warm", sampler="TPE", warm_start=WarmStart(experiment="a/b/c"))


def test_a_budget_of_gpu_time_without_a_gpu_is_refused(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CTRLAB_DEVICE", "cpu")
    with pytest.raises(InvalidInput, match=r"spec.tuning.stop.gpuTime: this worker has no GPU"):
        tuned(prepared, tmp_path, "gpu", stop=Stop(gpu_time="1h"))
