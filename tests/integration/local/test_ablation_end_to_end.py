"""`ctrlab run` of an ablation and its experiment, in this order, with real training on synthetic rows."""

import subprocess
import sys

import pytest

from ctrlab.local import resource_files
from ctrlab.local.workspace import Workspace
from ctrlab_api.canonical_json import digest
from ctrlab_api.plan import Plan
from ctrlab_api.records import ReportSummary, RunRecord, StudyRecord
from ctrlab_api.resources.ablation import Ablation
from ctrlab_store import Store

EXPERIMENT = """\
apiVersion: ctrlab.dev/v1alpha1
kind: CTRExperiment
metadata: {name: small}
spec:
  dataset:
    source: {uri: "builtin://synthetic", options: {rows: "3000", users: "150", items: "80"}}
    label: {column: click}
    features:
      - {name: user_id, type: Categorical}
      - {name: item_id, type: Categorical}
    user: user_id
    split: {strategy: Random}
  models:
    - name: DeepFM
      architecture: deepfm
      parameters: {embedding_dim: 4, batch_size: 512, epochs: 1, hidden_units: "8"}
      search:
        learning_rate: {float: {low: "1e-3", high: "1e-1", log: true}}
        dropout: {categorical: ["0", "0.1"]}
  tuning: {trials: 2, workers: 2, sampler: Random}
  evaluation: {seeds: {count: 5}}
  analysis: {margin: "0.01"}
"""

ABLATION = """\
apiVersion: ctrlab.dev/v1alpha1
kind: Ablation
metadata: {name: parts}
spec:
  experimentRef: {name: small}
  model: DeepFM
  variants:
    - {name: no-fm, remove: [fm]}
    - {name: slow-no-user, set: {learning_rate: "0.0005"}, dropFeatures: [user_id]}
"""


def ctrlab(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "ctrlab.cli", *arguments], capture_output=True, text=True, check=False)


def folder_of(workspace: Workspace, name: str) -> Store:
    return workspace.store.below(f"default/{name}/{resource_files.find(workspace, name).metadata.uid}")


def record(folder: Store, variant: str, seed: int = 2024) -> RunRecord:
    return RunRecord.model_validate_json(folder.get(f"runs/{variant}/{seed}/1/record.json"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, str, tuple[str, ...]]:
    """The workspace, the standard output, and the arguments of the command."""
    folder = tmp_path_factory.mktemp("ablation")
    (folder / "a.yaml").write_text(ABLATION)
    (folder / "e.yaml").write_text(EXPERIMENT)
    arguments = ("run", str(folder / "a.yaml"), str(folder / "e.yaml"), "--workspace", str(folder / "w"))
    completed = ctrlab(*arguments, "--workers", "2")
    assert completed.returncode == 0, completed.stderr
    return Workspace(folder / "w"), completed.stdout, arguments


def test_full_model_runs_are_reused(finished: tuple[Workspace, str, tuple[str, ...]]) -> None:
    workspace, _, _ = finished
    parent, ablation = folder_of(workspace, "small"), folder_of(workspace, "parts")
    for seed in range(2024, 2029):
        parent_record = parent.get(f"runs/DeepFM/{seed}/1/record.json")
        before, after = RunRecord.model_validate_json(parent_record), record(ablation, "DeepFM", seed)
        assert after.reused_from is not None
        assert after.reused_from.record_sha256 == digest(parent_record)
        assert after.predictions_sha256 == before.predictions_sha256
        assert after.process == before.process
        assert ablation.get(f"runs/DeepFM/{seed}/1/predictions.parquet") == parent.get(
            f"runs/DeepFM/{seed}/1/predictions.parquet"
        )
        assert not ablation.exists(f"runs/DeepFM/{seed}/1/opening.json"), "test was not opened again"
        assert not ablation.exists(f"runs/DeepFM/{seed}/1/model.safetensors")


def test_variant_records_contain_only_their_changes(
    finished: tuple[Workspace, str, tuple[str, ...]],
) -> None:
    workspace, _, _ = finished
    ablation = folder_of(workspace, "parts")
    full = record(ablation, "DeepFM")
    assert full.change is None
    assert full.role == "final"
    no_fm, slow = record(ablation, "no-fm"), record(ablation, "slow-no-user")
    assert no_fm.change is not None
    assert no_fm.change.config == {}
    assert no_fm.change.removed_parts == ("fm",)
    assert slow.change is not None
    assert slow.change.config.keys() == {"learning_rate"}
    assert slow.change.config["learning_rate"].variant == 0.0005
    assert slow.change.config["learning_rate"].full == full.config["learning_rate"]
    assert slow.change.dropped_features == ("user_id",)
    for run in (no_fm, slow):
        assert run.role == "ablation"
        assert run.change is not None
        assert run.change.parameters_full == full.parameters
        assert run.change.parameters_variant == run.parameters
        assert run.dataset_digest == full.dataset_digest
        assert run.randomness == full.randomness
        for name, value in full.config.items():
            assert run.config[name] == value or name in run.change.config


def test_inherited_studies_name_the_parent_and_have_no_trials(
    finished: tuple[Workspace, str, tuple[str, ...]],
) -> None:
    workspace, _, _ = finished
    parent, ablation = folder_of(workspace, "small"), folder_of(workspace, "parts")
    parent_study = StudyRecord.model_validate_json(parent.get("studies/DeepFM.json"))
    plan = Plan.model_validate_json(ablation.get("plan.json"))
    assert plan.parent is not None
    for name in plan.names:
        study = StudyRecord.model_validate_json(ablation.get(f"studies/{name}.json"))
        assert (study.budget, study.trials, study.inherited_from) == (0, (), parent_study.digest)
        unchanged = {
            key: value
            for key, value in parent_study.best.parameters.items()
            if (name, key) != ("slow-no-user", "learning_rate")
        }
        assert study.best.parameters == unchanged
        assert "Inherited from the study of DeepFM" in study.best.justification


def test_every_variant_is_compared_with_the_full_model(finished: tuple[Workspace, str, tuple[str, ...]]) -> None:
    workspace, printed, _ = finished
    shown = ctrlab("report", "parts", "--workspace", str(workspace.root), "-o", "json")
    summary = ReportSummary.model_validate_json(shown.stdout)
    assert [(row.a, row.b) for row in summary.comparisons if row.role == "primary"] == [
        ("no-fm", "DeepFM"),
        ("slow-no-user", "DeepFM"),
    ]
    assert summary.experiment == "parts"
    assert "ablation parts of small:" in printed


def test_second_run_does_no_work(finished: tuple[Workspace, str, tuple[str, ...]]) -> None:
    workspace, printed, arguments = finished
    before = workspace.store.list("")
    second = ctrlab(*arguments)
    assert second.returncode == 0, second.stderr
    assert second.stdout == printed
    assert workspace.store.list("") == before
    assert isinstance(resource_files.find(workspace, "parts"), Ablation)
    listed = ctrlab("status", "--workspace", str(workspace.root))
    assert "parts\tTrue\tSucceeded" in listed.stdout
