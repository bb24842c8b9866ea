"""`ctrlab run` with an invalid warm start exits with 2 and starts nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from builders import LEARNING_RATES, experiment_manifest, model_spec
from command_line import ctrlab

from ctrlab.local.warm_start_check import check_warm_start
from ctrlab.local.workspace import Workspace
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.resources.experiment import Experiment

SOURCE = "default/earlier/0123456789ab"


def manifest(*models: str, **tuning: Any) -> dict[str, Any]:
    return experiment_manifest(
        "later", models=[model_spec(name, "fm", search=LEARNING_RATES) for name in models], tuning=tuning
    )


def experiment(*models: str, **tuning: Any) -> Experiment:
    return Experiment.model_validate_json(json.dumps(manifest(*models, **tuning)))


@pytest.mark.parametrize(
    ("models", "frozen", "message"),
    [
        ((), (), "there is no experiment default/earlier/0123456789ab in file://"),
        (("LR", "DNN"), ("LR", "DNN"), "has none of the tuned models FM, AFM; its models: LR, DNN"),
        (("FM", "LR"), ("LR",), "the study of FM in default/earlier/0123456789ab is not frozen; let it finish first"),
    ],
    ids=["no experiment", "no shared model", "unfinished"],
)
def test_problem_is_named_before_anything_starts(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    models: tuple[str, ...],
    frozen: tuple[str, ...],
    message: str,
) -> None:
    workspace = Workspace.open(tmp_path / "w")
    folder = workspace.store.below(SOURCE)
    if models:
        folder.put(ObjectKey.PLAN, Plan.from_experiment(experiment(*models)).to_json().encode())
    for name in frozen:
        folder.put(ObjectKey.study(name), b"{}")
    before = workspace.store.list("")
    file = tmp_path / "later.yaml"
    file.write_text(json.dumps(manifest("FM", "AFM", warmStart={"experiment": SOURCE})))
    assert ctrlab(monkeypatch, "run", str(file), "--workspace", str(workspace.root)) == 2
    err = capsys.readouterr().err
    assert "error: spec.tuning.warmStart.experiment: " in err
    assert message in err
    assert workspace.store.list("") == before


def test_one_shared_model_with_a_frozen_study_is_enough(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "w")
    folder = workspace.store.below(SOURCE)
    folder.put(ObjectKey.PLAN, Plan.from_experiment(experiment("FM", "LR")).to_json().encode())
    folder.put(ObjectKey.study("FM"), b"{}")
    assert check_warm_start(workspace, experiment("FM", "AFM", warmStart={"experiment": SOURCE})) == []
    assert check_warm_start(workspace, experiment("FM")) == []
