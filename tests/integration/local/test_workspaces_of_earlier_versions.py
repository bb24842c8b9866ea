"""A workspace that ctrlab 0.1.0 wrote is read, verified and resumed.

`tests/data/workspace-0.1.0.tar.gz` holds a finished experiment and one that was interrupted after the study of its
first model, with their specifications. The trained models are left out.
"""

import json
import shutil
import tarfile
from pathlib import Path

import pytest
from command_line import ctrlab

from ctrlab.local import resource_files
from ctrlab.local.experiment_identity import resolve_key
from ctrlab.local.workspace import Workspace
from ctrlab_api.loading.resource_loading import load_manifests
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import PreparedData, ReportSummary, RunRecord, StudyRecord
from ctrlab_api.resources.experiment import Experiment
from ctrlab_report.cli import main as report_main
from ctrlab_study import StudyDatabase

ARCHIVE = Path(__file__).parents[2] / "data" / "workspace-0.1.0.tar.gz"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return Workspace.open(tmp_path / "workspace")


def load_experiment(workspace: Workspace, name: str) -> tuple[Experiment, Plan]:
    """Return the specification of an experiment and the plan that this version derives from it."""
    (experiment,) = load_manifests(workspace.root / f"{name}.yaml")
    assert isinstance(experiment, Experiment)
    return experiment, Plan.from_experiment(experiment)


@pytest.mark.parametrize("name", ["finished", "interrupted"])
def test_the_same_file_continues_the_experiment_under_the_same_plan(workspace: Workspace, name: str) -> None:
    experiment, plan = load_experiment(workspace, name)
    key = resolve_key(workspace, experiment, plan)
    saved = resource_files.find(workspace, name)
    assert key.uid == saved.metadata.uid
    assert Plan.model_validate_json(workspace.store.below(key.prefix).get(ObjectKey.PLAN)).digest == plan.digest
    assert saved.status is not None
    assert saved.status.plan_digest == plan.digest


def test_finished_trials_of_an_interrupted_study_are_kept(workspace: Workspace) -> None:
    experiment, plan = load_experiment(workspace, "interrupted")
    key = resolve_key(workspace, experiment, plan)
    database = StudyDatabase(workspace.database_url)
    database.create_schema()
    progress = database.progress(key, plan)
    database.dispose()
    assert (progress["DeepFM"].done, progress["DeepFM"].budget) == (40, 40)
    assert "LR" not in progress or progress["LR"].done == 0


def test_records_are_read(workspace: Workspace) -> None:
    experiment, plan = load_experiment(workspace, "finished")
    folder = workspace.store.below(resolve_key(workspace, experiment, plan).prefix)
    assert PreparedData.model_validate_json(folder.get(ObjectKey.PREPARED)).train.rows > 0
    studies = {name: StudyRecord.model_validate_json(folder.get(ObjectKey.study(name))) for name in plan.names}
    assert {name: len(study.trials) for name, study in studies.items()} == {"DeepFM": 2, "LR": 2}
    runs = [
        RunRecord.model_validate_json(folder.get(ObjectKey.run(run.variant, run.seed, 1, "record.json")))
        for run in plan.final_runs()
    ]
    assert len(runs) == 10
    assert {run.plan_digest for run in runs} == {plan.digest}


def test_status_and_report_are_shown(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def output(*arguments: str) -> str:
        assert ctrlab(monkeypatch, *arguments, "--workspace", str(workspace.root)) == 0
        return capsys.readouterr().out

    rows = [line.split("\t") for line in output("status").splitlines()]
    assert [(row[0], row[2]) for row in rows[1:]] == [("finished", "Succeeded"), ("interrupted", "Tuning")]
    # The report's URI is absolute and names the folder of the machine that wrote it.
    file = workspace.root / "experiments" / "default.finished.json"
    content = json.loads(file.read_text())
    old_root = content["status"]["report"]["uri"].partition("/default/")[0]
    file.write_text(file.read_text().replace(old_root, workspace.store.uri.rstrip("/")))
    summary = ReportSummary.model_validate_json(output("report", "finished", "-o", "json"))
    assert [model.name for model in summary.models] == ["DeepFM", "LR"]


def test_the_published_report_is_computed_again_with_equal_numbers(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment, plan = load_experiment(workspace, "finished")
    key = resolve_key(workspace, experiment, plan)
    arguments = ["--store", workspace.store.uri, "--experiment", key.prefix]
    assert report_main(["verify", *arguments]) == 0
    assert "equal: all" in capsys.readouterr().out


def test_a_changed_prediction_is_noticed(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    experiment, plan = load_experiment(workspace, "finished")
    key = resolve_key(workspace, experiment, plan)
    runs = workspace.root / "store" / key.prefix / "runs"
    shutil.copy(runs / "LR/2024/1/predictions.parquet", runs / "DeepFM/2024/1/predictions.parquet")
    assert report_main(["verify", "--store", workspace.store.uri, "--experiment", key.prefix]) != 0
