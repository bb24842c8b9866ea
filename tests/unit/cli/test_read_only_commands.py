"""Output of the commands that only read, and their messages when there is nothing to show."""

import sys
from pathlib import Path

import pytest
from builders import FM, LR, make_condition, make_experiment
from command_line import ctrlab

from ctrlab.local import resource_files
from ctrlab.local.workspace import Workspace
from ctrlab_api.architectures import ARCHITECTURES
from ctrlab_api.resources.status import ExperimentStatus

EXPERIMENT = make_experiment(models=[FM, LR], tuning={"trials": 7})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("spec.tuning.trials", ["FIELD: ctrexperiment.spec.tuning.trials", "TYPE: integer", "DEFAULT: 50"]),
        ("spec.tuning.sampler", ["TYPE: TPE | Random | Grid | GP | CmaEs | QMC"]),
        ("spec.evaluation.seeds.count", ["ALLOWED: >= 5, <= 1000"]),
        ("spec.models[].search", ["TYPE: map of object", "  float <object> (-)"]),
        ("ablation.spec.variants", ["FIELD: ablation.spec.variants", "  dropFeatures <[string]> (-)"]),
        ("spec", ["  dataset <object> (required)"]),
    ],
)
def test_explain_describes_a_field(
    path: str, expected: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ctrlab(monkeypatch, "explain", path) == 0
    lines = capsys.readouterr().out.splitlines()
    for line in expected:
        assert line in lines


def test_explain_lists_the_known_fields_for_an_unknown_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ctrlab(monkeypatch, "explain", "spec.tuning.worker") == 2
    assert "ctrexperiment.spec.tuning: has no field 'worker'; known: sampler, pruner" in capsys.readouterr().err


def test_architectures_are_listed_and_described(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ctrlab(monkeypatch, "architectures") == 0
    listed = [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == ["NAME", *ARCHITECTURES]
    for name, declared in ARCHITECTURES.items():
        assert ctrlab(monkeypatch, "architectures", name) == 0
        out = capsys.readouterr().out
        for word in (*declared.model_fields, *declared.parts, declared.paper):
            assert word in out
    assert ctrlab(monkeypatch, "architectures", "sinn") == 2
    assert "unknown architecture 'sinn'; known: lr" in capsys.readouterr().err


def test_status_of_all_and_of_one_experiment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace.open(tmp_path)
    ready = make_condition("Ready", reason="Tuning")
    status = ExperimentStatus(stage="Tuning", trials="3/7", seeds="0/8", conditions=(ready,))
    resource_files.save(workspace, EXPERIMENT.model_copy(update={"status": status}))
    assert ctrlab(monkeypatch, "status", "--workspace", str(tmp_path)) == 0
    out = capsys.readouterr().out
    assert "study\tTrue\tTuning\t3/7\t-\t0/8\tno" in out.splitlines()
    assert ctrlab(monkeypatch, "status", "study", "--workspace", str(tmp_path)) == 0
    assert "Ready\tTrue\t2026-01-01T00:00:00Z\tTuning\t-" in capsys.readouterr().out.splitlines()
    assert ctrlab(monkeypatch, "status", "studdy", "--workspace", str(tmp_path)) == 2
    assert "has no experiment or ablation named 'studdy'; known: study" in capsys.readouterr().err


def test_missing_report_says_how_to_create_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ctrlab(monkeypatch, "report", "study", "--workspace", str(tmp_path / "none")) == 2
    assert "no such workspace" in capsys.readouterr().err
    resource_files.save(Workspace.open(tmp_path), EXPERIMENT)
    assert ctrlab(monkeypatch, "report", "study", "--workspace", str(tmp_path)) == 2
    assert "has no report yet (stage Pending); `ctrlab run` creates it" in capsys.readouterr().err


def test_plan_without_estimate_reads_no_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(EXPERIMENT.model_dump_json(by_alias=True, exclude_none=True))
    assert ctrlab(monkeypatch, "plan", str(file), "--no-estimate", "--workspace", str(tmp_path / "w")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "trials\t7 (TPE sampler, Median pruner)" in lines
    assert "final runs\t16" in lines
    assert "LR - FM" in lines
    assert not (tmp_path / "w").exists()


def test_help_has_an_example(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    commands = ["validate", "plan", "run", "status", "report", "explain", "architectures", "data fetch", "data inspect"]
    for command in commands:
        assert ctrlab(monkeypatch, *command.split(), "--help") == 0
        assert f"Example: ctrlab {command} " in capsys.readouterr().out


def test_missing_extra_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "typer", None)
    for name in [name for name in sys.modules if name.startswith("ctrlab.cli.")]:
        monkeypatch.delitem(sys.modules, name)
    assert ctrlab(monkeypatch, "validate") == 2
    assert capsys.readouterr().err == "ctrlab needs the package typer: pip install 'ctrlab[local]'\n"
