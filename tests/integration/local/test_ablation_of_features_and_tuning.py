"""Ablations whose variants add features or are tuned again, with real training on synthetic rows."""

import subprocess
import sys
from pathlib import Path

import pytest

from ctrlab.local import resource_files
from ctrlab.local.workspace import Workspace
from ctrlab_api.plan import Plan
from ctrlab_api.records import PreparedData, ReportSummary, RunRecord, StudyRecord
from ctrlab_store import Store

DATASET = """\
    source: {uri: "builtin://synthetic", options: {rows: "3000", users: "150", items: "80"}}
    label: {column: click}
    features:
      - {name: user_id, type: Categorical}
      - {name: item_id, type: Categorical}
    user: user_id
    split: {strategy: Random}
"""
EXPERIMENT = f"""\
apiVersion: ctrlab.dev/v1alpha1
kind: CTRExperiment
metadata: {{name: small}}
spec:
  dataset:
{DATASET}
  models:
    - name: DeepFM
      architecture: deepfm
      parameters: {{embedding_dim: 4, batch_size: 512, epochs: 1, hidden_units: "8"}}
      search:
        learning_rate: {{float: {{low: "1e-3", high: "1e-1", log: true}}}}
  tuning: {{trials: 2, workers: 2, sampler: Random}}
  evaluation: {{seeds: {{count: 5}}}}
  analysis: {{margin: "0.01"}}
"""
ADDED = """\
apiVersion: ctrlab.dev/v1alpha1
kind: Ablation
metadata: {name: more}
spec:
  experimentRef: {name: small}
  model: DeepFM
  variants:
    - {name: with-hour, addFeatures: [{name: hour, type: Categorical}]}
    - {name: with-device-no-user, dropFeatures: [user_id], addFeatures: [{name: device, type: Categorical}]}
"""
RETUNED = """\
apiVersion: ctrlab.dev/v1alpha1
kind: Ablation
metadata: {name: retuned}
spec:
  experimentRef: {name: small}
  model: DeepFM
  variants:
    - {name: no-fm, remove: [fm]}
  hyperparameters: Retune
"""


def ctrlab(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "ctrlab.cli", *arguments], capture_output=True, text=True, check=False)


def folder_of(workspace: Workspace, name: str) -> Store:
    return workspace.store.below(f"default/{name}/{resource_files.find(workspace, name).metadata.uid}")


def record(folder: Store, variant: str, seed: int = 2024) -> RunRecord:
    return RunRecord.model_validate_json(folder.get(f"runs/{variant}/{seed}/1/record.json"))


def prepared(folder: Store) -> PreparedData:
    return PreparedData.model_validate_json(folder.get("prepared.json"))


def summary(workspace: Workspace, name: str) -> ReportSummary:
    shown = ctrlab("report", name, "--workspace", str(workspace.root), "-o", "json")
    return ReportSummary.model_validate_json(shown.stdout)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace in which the experiment and both ablations have finished."""
    folder = tmp_path_factory.mktemp("ablations")
    (folder / "all.yaml").write_text(f"{EXPERIMENT}---\n{ADDED}---\n{RETUNED}")
    completed = ctrlab("run", str(folder / "all.yaml"), "--workspace", str(folder / "w"), "--workers", "2")
    assert completed.returncode == 0, completed.stderr
    return Workspace(folder / "w")


def test_added_features_leave_the_other_columns_unchanged(workspace: Workspace) -> None:
    before, after = prepared(folder_of(workspace, "small")), prepared(folder_of(workspace, "more"))
    assert after.digest != before.digest
    assert after.extends is not None
    assert (after.extends.dataset_digest, after.extends.added_features) == (before.digest, ("hour", "device"))
    for split, extended in ((before.train, after.train), (before.valid, after.valid), (before.test, after.test)):
        assert split.row_ids_digest == extended.row_ids_digest
        assert split.features is not None
        assert extended.features is not None
        assert extended.features.keys() == {*split.features, "hour", "device"}
        assert {name: extended.features[name] for name in split.features} == split.features


def test_full_model_is_trained_again_on_extended_data_with_bit_equal_results(workspace: Workspace) -> None:
    parent, ablation = folder_of(workspace, "small"), folder_of(workspace, "more")
    for seed in range(2024, 2029):
        before, after = record(parent, "DeepFM", seed), record(ablation, "DeepFM", seed)
        assert after.reused_from is None
        assert after.dataset_digest != before.dataset_digest
        assert (after.model_sha256, after.parameters) == (before.model_sha256, before.parameters)
        assert after.metrics_test == before.metrics_test
    section = summary(workspace, "more").ablation
    assert section is not None
    assert section.reused_runs == 0


def test_variant_uses_its_added_feature_only(workspace: Workspace) -> None:
    ablation = folder_of(workspace, "more")
    hour, device, full = (
        record(ablation, "with-hour"),
        record(ablation, "with-device-no-user"),
        record(ablation, "DeepFM"),
    )
    assert hour.change is not None
    assert device.change is not None
    assert (hour.change.added_features, device.change.added_features) == (("hour",), ("device",))
    assert device.change.dropped_features == ("user_id",)
    rows = prepared(ablation).vocabulary
    # Each table row has 4 numbers of the embedding and 1 of the linear term; a further field widens the MLP's input.
    assert hour.parameters - full.parameters == 5 * rows["hour"] + 4 * 8
    assert device.parameters - full.parameters == 5 * (rows["device"] - rows["user_id"])
    section = summary(workspace, "more").ablation
    assert section is not None
    changes = {row.variant: row.change for row in section.rows}
    assert changes == {
        "with-hour": "with the feature hour",
        "with-device-no-user": "without the feature user_id, with the feature device",
    }


def test_added_feature_without_a_column_fails_in_preparation(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "absent.yaml"
    file.write_text(ADDED.replace("name: more", "name: absent").replace("name: hour", "name: price"))
    completed = ctrlab("run", str(file), "--workspace", str(workspace.root))
    assert completed.returncode == 3
    assert (
        "addFeatures (price).name: builtin://synthetic has no column 'price'; known: user_id, item_id"
        in completed.stderr
    )
    assert not folder_of(workspace, "absent").list("runs/")


def test_retuned_variants_get_the_budget_of_the_full_model(workspace: Workspace) -> None:
    parent, ablation = folder_of(workspace, "small"), folder_of(workspace, "retuned")
    plan = Plan.model_validate_json(ablation.get("plan.json"))
    assert [plan.trial_budget(name) for name in plan.names] == [2, 2]
    full, variant = (StudyRecord.model_validate_json(ablation.get(f"studies/{name}.json")) for name in plan.names)
    parent_study = StudyRecord.model_validate_json(parent.get("studies/DeepFM.json"))
    assert (full.inherited_from, full.trials, full.best) == (
        parent_study.digest,
        parent_study.trials,
        parent_study.best,
    )
    assert variant.inherited_from is None
    assert sum(trial.counted for trial in variant.trials) == variant.budget == 2
    assert record(ablation, "DeepFM").reused_from is not None
    assert record(ablation, "no-fm").tuned == variant.best.parameters
    section = summary(workspace, "retuned").ablation
    assert section is not None
    assert section.tuning_statement == "Every variant was tuned anew with the full model's budget of 2 trials."
    assert section.reused_runs == 5


def test_report_of_the_experiment_links_to_its_ablations(workspace: Workspace) -> None:
    folder = folder_of(workspace, "small")
    page = folder.get(f"{folder.get('LATEST').decode().strip()}report.html").decode()
    for name in ("more", "retuned"):
        assert f"default/{name}/{resource_files.find(workspace, name).metadata.uid}/report/index.html" in page
