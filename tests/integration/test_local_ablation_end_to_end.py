"""`ctrlab run` of an experiment and its ablation with real training on generated rows, given in the wrong order."""

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


def folder_of(place: Workspace, name: str) -> Store:
    return place.store.below(f"default/{name}/{resource_files.find(place, name).metadata.uid}")


def record(folder: Store, variant: str, seed: int = 2024) -> RunRecord:
    return RunRecord.model_validate_json(folder.get(f"runs/{variant}/{seed}/1/record.json"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, str, tuple[str, ...]]:
    """The workspace, what was printed, and the command's arguments."""
    folder = tmp_path_factory.mktemp("ablation")
    (folder / "a.yaml").write_text(ABLATION)
    (folder / "e.yaml").write_text(EXPERIMENT)
    arguments = ("run", str(folder / "a.yaml"), str(folder / "e.yaml"), "--workspace", str(folder / "w"))
    ran = ctrlab(*arguments, "--workers", "2")
    assert ran.returncode == 0, ran.stderr
    return Workspace(folder / "w"), ran.stdout, arguments


def test_full_model_runs_are_taken_over_and_not_repeated(finished: tuple[Workspace, str, tuple[str, ...]]) -> None:
    place, _, _ = finished
    parent, own = folder_of(place, "small"), folder_of(place, "parts")
    for seed in range(2024, 2029):
        raw = parent.get(f"runs/DeepFM/{seed}/1/record.json")
        before, after = RunRecord.model_validate_json(raw), record(own, "DeepFM", seed)
        assert after.reused_from is not None
        assert after.reused_from.record_sha256 == digest(raw)
        assert after.predictions_sha256 == before.predictions_sha256
        assert after.process == before.process
        assert own.get(f"runs/DeepFM/{seed}/1/predictions.parquet") == parent.get(
            f"runs/DeepFM/{seed}/1/predictions.parquet"
        )
        assert not own.exists(f"runs/DeepFM/{seed}/1/opening.json"), "test was not opened again"
        assert not own.exists(f"runs/DeepFM/{seed}/1/model.safetensors")


def test_each_variant_records_what_it_changed_and_nothing_else(
    finished: tuple[Workspace, str, tuple[str, ...]],
) -> None:
    place, _, _ = finished
    own = folder_of(place, "parts")
    full = record(own, "DeepFM")
    assert full.change is None
    assert full.role == "final"
    no_fm, slow = record(own, "no-fm"), record(own, "slow-no-user")
    assert no_fm.change is not None
    assert no_fm.change.config == {}
    assert no_fm.change.removed_parts == ("fm",)
    assert slow.change is not None
    assert slow.change.config.keys() == {"learning_rate"}
    assert slow.change.config["learning_rate"].variant == 0.0005
    assert slow.change.config["learning_rate"].full == full.config["learning_rate"]
    assert slow.change.dropped_features == ("user_id",)
    for found in (no_fm, slow):
        assert found.role == "ablation"
        assert found.change is not None
        assert found.change.parameters_full == full.parameters
        assert found.change.parameters_variant == found.parameters
        assert found.dataset_digest == full.dataset_digest
        assert found.randomness == full.randomness
        for name, value in full.config.items():
            assert found.config[name] == value or name in found.change.config


def test_inherited_searches_name_the_parents_and_spend_no_trial(
    finished: tuple[Workspace, str, tuple[str, ...]],
) -> None:
    place, _, _ = finished
    parent, own = folder_of(place, "small"), folder_of(place, "parts")
    search = StudyRecord.model_validate_json(parent.get("studies/DeepFM.json"))
    plan = Plan.model_validate_json(own.get("plan.json"))
    assert plan.parent is not None
    for name in plan.names:
        found = StudyRecord.model_validate_json(own.get(f"studies/{name}.json"))
        assert (found.budget, found.trials, found.inherited_from) == (0, (), search.digest)
        kept = {
            key: value
            for key, value in search.best.parameters.items()
            if (name, key) != ("slow-no-user", "learning_rate")
        }
        assert found.best.parameters == kept
        assert "Inherited from the study of DeepFM" in found.best.justification


def test_every_variant_is_compared_with_the_full_model(finished: tuple[Workspace, str, tuple[str, ...]]) -> None:
    place, printed, _ = finished
    shown = ctrlab("report", "parts", "--workspace", str(place.root), "-o", "json")
    summary = ReportSummary.model_validate_json(shown.stdout)
    assert [(row.a, row.b) for row in summary.comparisons if row.role == "primary"] == [
        ("no-fm", "DeepFM"),
        ("slow-no-user", "DeepFM"),
    ]
    assert summary.experiment == "parts"
    assert "ablation parts of small:" in printed


def test_the_same_command_repeats_nothing(finished: tuple[Workspace, str, tuple[str, ...]]) -> None:
    place, printed, arguments = finished
    before = place.store.list("")
    again = ctrlab(*arguments)
    assert again.returncode == 0, again.stderr
    assert again.stdout == printed
    assert place.store.list("") == before
    assert isinstance(resource_files.find(place, "parts"), Ablation)
    listed = ctrlab("status", "--workspace", str(place.root))
    assert "parts\tTrue\tSucceeded" in listed.stdout
