"""`ctrlab run` interrupted in its search and run again with more trials; `ctrlab search` on what came of it."""

import csv
import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ctrlab.cli import main
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


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "ctrlab.cli", *arguments]


@pytest.fixture
def ctrlab(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs a command in this process, since another would be a second of imports; its exit code."""

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["ctrlab", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    return run


def finished_trials(place: Workspace) -> int:
    """Of the search that goes on; 0 before there is one."""
    try:
        saved = resource_files.find(place, "growing")
    except WorkspaceError:
        return 0
    assert isinstance(saved, Experiment)
    if saved.metadata.uid is None or not (place.root / "study.db").exists():
        return 0
    database = StudyDatabase(place.database_url)
    try:
        return database.progress(
            ExperimentKey(namespace="default", name="growing", uid=saved.metadata.uid), Plan.from_experiment(saved)
        )["FM"].done
    finally:
        database.dispose()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace whose search was interrupted after its first trials, and then raised and frozen."""
    folder = tmp_path_factory.mktemp("growing")
    file, found = folder / "growing.yaml", Workspace.open(folder / "w")
    file.write_text(SPECIFICATION.replace("TRIALS", str(FEWER)))
    arguments = ("run", str(file), "--workspace", str(found.root), "--workers", "1")
    first = subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while finished_trials(found) < 2:
        assert first.poll() is None, first.communicate()
        time.sleep(0.3)
    first.send_signal(signal.SIGINT)
    _, said = first.communicate(timeout=60)
    assert first.returncode == 130, said
    assert 2 <= finished_trials(found) < FEWER
    file.write_text(SPECIFICATION.replace("TRIALS", str(MORE)))
    again = subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not folder_of(found).exists(ObjectKey.study("FM")):
        assert again.poll() is None, again.communicate()
        time.sleep(0.3)
    again.send_signal(signal.SIGINT)  # The final runs are not needed.
    again.communicate(timeout=60)
    return found


def folder_of(place: Workspace) -> Store:
    return place.store.below(f"default/growing/{resource_files.find(place, 'growing').metadata.uid}")


def test_a_raised_search_keeps_its_trials_and_has_the_new_number(place: Workspace) -> None:
    assert len([key for key in place.store.list("default/growing/") if key.endswith(ObjectKey.PLAN)]) == 1
    record = StudyRecord.model_validate_json(folder_of(place).get(ObjectKey.study("FM")))
    assert {trial.slot for trial in record.trials if trial.counted} == set(range(MORE))
    assert sum(trial.counted for trial in record.trials) == MORE
    assert record.budget == MORE


def test_a_frozen_search_is_exported_as_record_and_as_table(
    place: Workspace, ctrlab: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--model", "FM", "--workspace", str(place.root))
    assert ctrlab("search", "export", "growing", *where) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(folder_of(place).get(ObjectKey.study("FM")))
    table = tmp_path / "trials.csv"
    assert ctrlab("search", "export", "growing", *where, "--format", "csv", "--output", str(table)) == 0
    assert len(list(csv.DictReader(io.StringIO(table.read_text())))) >= MORE


def test_replayed_trials_are_equal_and_a_changed_curve_is_found(
    place: Workspace, ctrlab: Callable[..., int], capfd: pytest.CaptureFixture[str]
) -> None:
    where = ("--model", "FM", "--workspace", str(place.root))
    assert ctrlab("search", "replay", "growing", *where, "--trials", "2") == 0
    assert capfd.readouterr().out.count("2 epochs recorded, 2 repeated: bit-equal") == 2
    folder = folder_of(place)
    sound = folder.get(ObjectKey.study("FM"))
    record = json.loads(sound)
    (best,) = [trial for trial in record["trials"] if trial["number"] == record["best"]["trial"]]
    best["curve"]["1"] += 0.25
    folder.replace(ObjectKey.study("FM"), json.dumps(record).encode())
    try:
        assert ctrlab("search", "replay", "growing", *where) == 3
    finally:
        folder.replace(ObjectKey.study("FM"), sound)
    assert f"trial {best['number']}: 2 epochs recorded, 2 repeated: different" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("export", "growing", "--model", "DIN"), "--model: growing has no model 'DIN'; known: FM"),
        (("replay", "growing", "--model", "DIN"), "--model: growing has no model 'DIN'; known: FM"),
        (("replay", "growing", "--model", "FM", "--trials", "0"), "--trials"),
        (("export", "shrinking", "--model", "FM"), "no experiment is named 'shrinking' here; known: growing"),
        (("export", "growing", "--model", "FM", "--format", "xml"), "--format"),
    ],
)
def test_a_search_that_is_not_there_is_named(
    place: Workspace,
    ctrlab: Callable[..., int],
    capfd: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    said: str,
) -> None:
    assert ctrlab("search", *arguments, "--workspace", str(place.root)) == 2
    words = capfd.readouterr().err
    assert said in words
    assert "Traceback" not in words
