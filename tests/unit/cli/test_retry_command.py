"""`ctrlab retry`: what it rejects, and the annotation that it sets on a cluster."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from builders import make_small_experiment
from command_line import ctrlab

from ctrlab.local import resource_files
from ctrlab.local.workspace import Workspace
from ctrlab_api.resources.status import ExperimentStatus, Stage


def save(folder: Path, stage: Stage) -> None:
    workspace = Workspace.open(folder)
    workspace.experiments.mkdir()
    resource_files.save(workspace, make_small_experiment().model_copy(update={"status": ExperimentStatus(stage=stage)}))


@pytest.mark.parametrize(
    ("stage", "message"), [("Succeeded", "there is nothing to retry"), ("Tuning", "resume it with `ctrlab run`")]
)
def test_an_experiment_that_lost_nothing_is_not_retried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stage: Stage, message: str
) -> None:
    save(tmp_path, stage)
    assert ctrlab(monkeypatch, "retry", "study", "--workspace", str(tmp_path)) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["ctrexperiments", "ablations"])
def test_a_retry_on_a_cluster_is_an_annotation_of_the_experiment_or_ablation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        if command[2] == f"{kind}.ctrlab.dev":
            return subprocess.CompletedProcess(command, 0, f"{kind} annotated\n", "")
        return subprocess.CompletedProcess(command, 1, "", 'Error from server (NotFound): "study" not found')

    monkeypatch.setattr(subprocess, "run", run)
    assert ctrlab(monkeypatch, "retry", "team/study", "--cluster") == 0
    assert capsys.readouterr().out == f"{kind} annotated\n"
    assert commands[-1][:4] == ["kubectl", "annotate", f"{kind}.ctrlab.dev", "study"]
    assert commands[-1][4].startswith("ctrlab.dev/retry=2")
    assert commands[-1][5:] == ["--overwrite", "--namespace", "team"]


def test_a_failure_of_kubectl_is_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "error: You must be logged in to the server (Unauthorized)")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    assert ctrlab(monkeypatch, "retry", "study", "--cluster") == 2
    assert "Unauthorized" in capsys.readouterr().err
