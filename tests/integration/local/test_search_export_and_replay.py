"""`ctrlab run` interrupted while tuning and resumed with more trials; `ctrlab search` on the resulting study."""

import csv
import io
import json
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from command_line import ctrlab, ctrlab_command

from ctrlab.local import resource_files
from ctrlab.local.errors import WorkspaceError
from ctrlab.local.workspace import Workspace
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import StudyRecord
from ctrlab_api.resources.experiment import Experiment
from ctrlab_store import Store
from ctrlab_study import StudyDatabase

SPECIFICATION = """\
apiVersion: ctrlab.dev/v1alpha1
kind: CTRExperiment
metadata: {name: growing}
spec:
  dataset:
    source: {uri: "builtin://synthetic", options: {rows: "4000", users: "200", items: "100"}}
    label: {column: click}
    features:
      - {name: user_id, type: Categorical}
      - {name: item_id, type: Categorical}
    split: {strategy: Random}
  models:
    - name: FM
      architecture: fm
      parameters: {embedding_dim: 4, batch_size: 512, epochs: 2}
      search: {learning_rate: {float: {low: "1e-3", high: "1e-1", log: true}}}
  tuning: {trials: TRIALS, workers: 1, sampler: Random}
  evaluation: {seeds: {count: 5}}
"""
FEWER, MORE = 10, 11


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run a command in this process; return its exit code."""
    return partial(ctrlab, monkeypatch)


def finished_trials(workspace: Workspace) -> int:
    """Return the number of finished trials of the study; 0 before it exists."""
    try:
        saved = resource_files.find(workspace, "growing")
    except WorkspaceError:
        return 0
    assert isinstance(saved, Experiment)
    if saved.metadata.uid is None or not (workspace.root / "study.db").exists():
        return 0
    database = StudyDatabase(workspace.database_url)
    try:
        return database.progress(
            ExperimentKey(namespace="default", name="growing", uid=saved.metadata.uid), Plan.from_experiment(saved)
        )["FM"].done
    finally:
        database.dispose()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace whose study was interrupted after its first trials, then resumed with more trials and frozen."""
    folder = tmp_path_factory.mktemp("growing")
    file, created = folder / "growing.yaml", Workspace.open(folder / "w")
    file.write_text(SPECIFICATION.replace("TRIALS", str(FEWER)))
    arguments = ("run", str(file), "--workspace", str(created.root), "--workers", "1")
    first = subprocess.Popen(ctrlab_command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while finished_trials(created) < 2:
        assert first.poll() is None, first.communicate()
        time.sleep(0.3)
    first.send_signal(signal.SIGINT)
    _, errors = first.communicate(timeout=60)
    assert first.returncode == 130, errors
    assert 2 <= finished_trials(created) < FEWER
    file.write_text(SPECIFICATION.replace("TRIALS", str(MORE)))
    second = subprocess.Popen(ctrlab_command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not folder_of(created).exists(ObjectKey.study("FM")):
        assert second.poll() is None, second.communicate()
        time.sleep(0.3)
    second.send_signal(signal.SIGINT)  # The final runs are not needed.
    second.communicate(timeout=60)
    return created


def folder_of(workspace: Workspace) -> Store:
    return workspace.store.below(f"default/growing/{resource_files.find(workspace, 'growing').metadata.uid}")


def test_study_with_increased_trials_keeps_its_trials(workspace: Workspace) -> None:
    assert len([key for key in workspace.store.list("default/growing/") if key.endswith(ObjectKey.PLAN)]) == 1
    record = StudyRecord.model_validate_json(folder_of(workspace).get(ObjectKey.study("FM")))
    assert {trial.slot for trial in record.trials if trial.counted} == set(range(MORE))
    assert sum(trial.counted for trial in record.trials) == MORE
    assert record.budget == MORE


def test_frozen_study_is_exported_as_json_and_csv(
    workspace: Workspace, run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--model", "FM", "--workspace", str(workspace.root))
    assert run("search", "export", "growing", *options) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(folder_of(workspace).get(ObjectKey.study("FM")))
    table = tmp_path / "trials.csv"
    assert run("search", "export", "growing", *options, "--format", "csv", "--output", str(table)) == 0
    assert len(list(csv.DictReader(io.StringIO(table.read_text())))) >= MORE


def test_replayed_trials_are_equal_and_a_changed_curve_is_reported(
    workspace: Workspace, run: Callable[..., int], capfd: pytest.CaptureFixture[str]
) -> None:
    options = ("--model", "FM", "--workspace", str(workspace.root))
    assert run("search", "replay", "growing", *options, "--trials", "2") == 0
    assert capfd.readouterr().out.count("2 epochs recorded, 2 repeated: bit-equal") == 2
    folder = folder_of(workspace)
    original = folder.get(ObjectKey.study("FM"))
    record = json.loads(original)
    (best,) = [trial for trial in record["trials"] if trial["number"] == record["best"]["trial"]]
    best["curve"]["1"] += 0.25
    folder.replace(ObjectKey.study("FM"), json.dumps(record).encode())
    try:
        assert run("search", "replay", "growing", *options) == 3
    finally:
        folder.replace(ObjectKey.study("FM"), original)
    assert f"trial {best['number']}: 2 epochs recorded, 2 repeated: different" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("export", "growing", "--model", "DIN"), "--model: growing has no model 'DIN'; known: FM"),
        (("replay", "growing", "--model", "DIN"), "--model: growing has no model 'DIN'; known: FM"),
        (("replay", "growing", "--model", "FM", "--trials", "0"), "--trials"),
        (("export", "shrinking", "--model", "FM"), "has no experiment or ablation named 'shrinking'; known: growing"),
        (("export", "growing", "--model", "FM", "--format", "xml"), "--format"),
    ],
)
def test_invalid_arguments_are_named(
    workspace: Workspace,
    run: Callable[..., int],
    capfd: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    assert run("search", *arguments, "--workspace", str(workspace.root)) == 2
    errors = capfd.readouterr().err
    assert message in errors
    assert "Traceback" not in errors
