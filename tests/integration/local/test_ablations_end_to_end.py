"""`ctrlab run` of an experiment and its ablations, with real training on synthetic rows.

One command runs them all, the ablations given before their experiment: variants without parts or features, variants
with added features, and variants that are tuned again.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import ctrlab_process

from ctrlab.local import resource_files
from ctrlab.local.workspace import Workspace
from ctrlab_api.canonical_json import digest
from ctrlab_api.plan import Plan
from ctrlab_api.records import PreparedData, ReportSummary, RunRecord, StudyRecord
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
  evaluation: {seeds: {count: 5}, seedsPerPod: 5}
  analysis: {margin: "0.01"}
"""

PARTS = """\
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


def folder_of(workspace: Workspace, name: str) -> Store:
    return workspace.store.below(f"default/{name}/{resource_files.find(workspace, name).metadata.uid}")


def record(folder: Store, variant: str, seed: int = 2024) -> RunRecord:
    return RunRecord.model_validate_json(folder.get(f"runs/{variant}/{seed}/1/record.json"))


def prepared(folder: Store) -> PreparedData:
    return PreparedData.model_validate_json(folder.get("prepared.json"))


def study(folder: Store, variant: str) -> StudyRecord:
    return StudyRecord.model_validate_json(folder.get(f"studies/{variant}.json"))


def summary(workspace: Workspace, name: str) -> ReportSummary:
    shown = ctrlab_process("report", name, "--workspace", str(workspace.root), "-o", "json")
    return ReportSummary.model_validate_json(shown.stdout)


@dataclass(frozen=True)
class FinishedRun:
    """The workspace after `ctrlab run`, the command's arguments and its standard output."""

    workspace: Workspace
    arguments: tuple[str, ...]
    printed: str


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """The run of the experiment and all its ablations."""
    folder = tmp_path_factory.mktemp("ablations")
    documents = {"ablations.yaml": f"{PARTS}---\n{ADDED}---\n{RETUNED}", "experiment.yaml": EXPERIMENT}
    for name, text in documents.items():
        (folder / name).write_text(text)
    files = [str(folder / name) for name in documents]
    arguments = ("run", *files, "--workspace", str(folder / "w"))
    completed = ctrlab_process(*arguments, "--workers", "2")
    assert completed.returncode == 0, completed.stderr
    return FinishedRun(Workspace(folder / "w"), arguments, completed.stdout)


@pytest.fixture(scope="module")
def workspace(finished: FinishedRun) -> Workspace:
    return finished.workspace


def test_full_model_runs_are_reused(workspace: Workspace) -> None:
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


def test_variant_records_contain_only_their_changes(workspace: Workspace) -> None:
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


def test_inherited_studies_name_the_parent_and_have_no_trials(workspace: Workspace) -> None:
    parent, ablation = folder_of(workspace, "small"), folder_of(workspace, "parts")
    parent_study = study(parent, "DeepFM")
    plan = Plan.model_validate_json(ablation.get("plan.json"))
    assert plan.parent is not None
    for name in plan.names:
        inherited = study(ablation, name)
        assert (inherited.budget, inherited.trials, inherited.inherited_from) == (0, (), parent_study.digest)
        unchanged = {
            key: value
            for key, value in parent_study.best.parameters.items()
            if (name, key) != ("slow-no-user", "learning_rate")
        }
        assert inherited.best.parameters == unchanged
        assert "Inherited from the study of DeepFM" in inherited.best.justification


def test_every_variant_is_compared_with_the_full_model(finished: FinishedRun) -> None:
    parts = summary(finished.workspace, "parts")
    assert [(row.a, row.b) for row in parts.comparisons if row.role == "primary"] == [
        ("no-fm", "DeepFM"),
        ("slow-no-user", "DeepFM"),
    ]
    assert parts.experiment == "parts"
    assert "ablation parts of small:" in finished.printed


def test_second_run_does_no_work(finished: FinishedRun) -> None:
    workspace = finished.workspace
    before = workspace.store.list("")
    second = ctrlab_process(*finished.arguments)
    assert second.returncode == 0, second.stderr
    assert second.stdout == finished.printed
    assert workspace.store.list("") == before
    assert isinstance(resource_files.find(workspace, "parts"), Ablation)
    listed = ctrlab_process("status", "--workspace", str(workspace.root))
    assert "parts\tTrue\tSucceeded" in listed.stdout


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
    hour, device, full = (record(ablation, name) for name in ("with-hour", "with-device-no-user", "DeepFM"))
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
    completed = ctrlab_process("run", str(file), "--workspace", str(workspace.root))
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
    full, variant = (study(ablation, name) for name in plan.names)
    parent_study = study(parent, "DeepFM")
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
    assert section.tuning_statement == "Every variant was tuned again with the full model's budget of 2 trials."
    assert section.reused_runs == 5


def test_report_of_the_experiment_links_to_its_ablations(workspace: Workspace) -> None:
    folder = folder_of(workspace, "small")
    page = folder.get(f"{folder.get('LATEST').decode().strip()}report.html").decode()
    for name in ("more", "retuned"):
        assert f"default/{name}/{resource_files.find(workspace, name).metadata.uid}/report/index.html" in page
