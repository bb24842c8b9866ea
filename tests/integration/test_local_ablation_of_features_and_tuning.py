"""Ablations whose variants add features, or are tuned anew, with real training on generated rows."""

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


def folder_of(place: Workspace, name: str) -> Store:
    return place.store.below(f"default/{name}/{resource_files.find(place, name).metadata.uid}")


def record(folder: Store, variant: str, seed: int = 2024) -> RunRecord:
    return RunRecord.model_validate_json(folder.get(f"runs/{variant}/{seed}/1/record.json"))


def prepared(folder: Store) -> PreparedData:
    return PreparedData.model_validate_json(folder.get("prepared.json"))


def summary(place: Workspace, name: str) -> ReportSummary:
    shown = ctrlab("report", name, "--workspace", str(place.root), "-o", "json")
    return ReportSummary.model_validate_json(shown.stdout)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace in which the experiment and both ablations have run."""
    folder = tmp_path_factory.mktemp("ablations")
    (folder / "all.yaml").write_text(f"{EXPERIMENT}---\n{ADDED}---\n{RETUNED}")
    ran = ctrlab("run", str(folder / "all.yaml"), "--workspace", str(folder / "w"), "--workers", "2")
    assert ran.returncode == 0, ran.stderr
    return Workspace(folder / "w")


def test_added_features_change_nothing_else_of_the_data(place: Workspace) -> None:
    before, after = prepared(folder_of(place, "small")), prepared(folder_of(place, "more"))
    assert after.digest != before.digest
    assert after.extends is not None
    assert (after.extends.dataset_digest, after.extends.added_features) == (before.digest, ("hour", "device"))
    for one, other in ((before.train, after.train), (before.valid, after.valid), (before.test, after.test)):
        assert one.row_ids_digest == other.row_ids_digest
        assert one.features is not None
        assert other.features is not None
        assert other.features.keys() == {*one.features, "hour", "device"}
        assert {name: other.features[name] for name in one.features} == one.features


def test_the_full_model_is_run_again_on_other_data_and_is_the_same_in_every_bit(place: Workspace) -> None:
    parent, own = folder_of(place, "small"), folder_of(place, "more")
    for seed in range(2024, 2029):
        before, after = record(parent, "DeepFM", seed), record(own, "DeepFM", seed)
        assert after.reused_from is None
        assert after.dataset_digest != before.dataset_digest
        assert (after.model_sha256, after.parameters) == (before.model_sha256, before.parameters)
        assert after.metrics_test == before.metrics_test
    found = summary(place, "more").ablation
    assert found is not None
    assert found.reused_runs == 0


def test_each_variant_sees_what_it_adds_and_not_what_another_does(place: Workspace) -> None:
    own = folder_of(place, "more")
    hour, device, full = record(own, "with-hour"), record(own, "with-device-no-user"), record(own, "DeepFM")
    assert hour.change is not None
    assert device.change is not None
    assert (hour.change.added_features, device.change.added_features) == (("hour",), ("device",))
    assert device.change.dropped_features == ("user_id",)
    rows = prepared(own).vocabulary
    # Of a table row the embedding has 4 numbers and the linear term one; another field widens the perceptron's input.
    assert hour.parameters - full.parameters == 5 * rows["hour"] + 4 * 8
    assert device.parameters - full.parameters == 5 * (rows["device"] - rows["user_id"])
    found = summary(place, "more").ablation
    assert found is not None
    changes = {row.variant: row.change for row in found.rows}
    assert changes == {
        "with-hour": "with the feature hour",
        "with-device-no-user": "without the feature user_id, with the feature device",
    }


def test_an_added_feature_without_a_column_is_refused_at_the_cost_of_the_preparation(
    place: Workspace, tmp_path: Path
) -> None:
    file = tmp_path / "absent.yaml"
    file.write_text(ADDED.replace("name: more", "name: absent").replace("name: hour", "name: price"))
    ran = ctrlab("run", str(file), "--workspace", str(place.root))
    assert ran.returncode == 3
    assert "addFeatures (price).name: builtin://synthetic has no column 'price'; known: user_id, item_id" in ran.stderr
    assert not folder_of(place, "absent").list("runs/")


def test_retuning_gives_each_variant_the_full_models_budget_and_the_report_says_so(place: Workspace) -> None:
    parent, own = folder_of(place, "small"), folder_of(place, "retuned")
    plan = Plan.model_validate_json(own.get("plan.json"))
    assert [plan.trial_budget(name) for name in plan.names] == [2, 2]
    full, variant = (StudyRecord.model_validate_json(own.get(f"studies/{name}.json")) for name in plan.names)
    search = StudyRecord.model_validate_json(parent.get("studies/DeepFM.json"))
    assert (full.inherited_from, full.trials, full.best) == (search.digest, search.trials, search.best)
    assert variant.inherited_from is None
    assert sum(trial.counted for trial in variant.trials) == variant.budget == 2
    assert record(own, "DeepFM").reused_from is not None
    assert record(own, "no-fm").tuned == variant.best.parameters
    found = summary(place, "retuned").ablation
    assert found is not None
    assert found.tuning_statement == "Every variant was tuned anew with the full model's budget of 2 trials."
    assert found.reused_runs == 5


def test_the_experiments_page_links_to_every_ablation(place: Workspace) -> None:
    folder = folder_of(place, "small")
    page = folder.get(f"{folder.get('LATEST').decode().strip()}report.html").decode()
    for name in ("more", "retuned"):
        assert f"default/{name}/{resource_files.find(place, name).metadata.uid}/report/index.html" in page
