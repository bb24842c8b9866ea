"""`ctrlab plan` of an experiment and its ablations: what is reused, what runs, and what is not known yet."""

import sys
from pathlib import Path

import pytest

from ctrlab.cli import main
from ctrlab.local import resource_files
from ctrlab.local.workspace import Workspace
from ctrlab_api.loading.resource_loading import load_manifests
from ctrlab_api.names import ConditionType
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.status import ExperimentStatus, StatusCondition

EXPERIMENT = """\
apiVersion: ctrlab.dev/v1alpha1
kind: CTRExperiment
metadata: {name: study}
spec:
  dataset:
    source: {uri: "builtin://synthetic"}
    label: {column: click}
    features: [{name: user_id, type: Categorical}, {name: item_id, type: Categorical}]
    split: {strategy: Random}
  models:
    - name: DeepFM
      architecture: deepfm
      search: {learning_rate: {categorical: ["1e-2", "1e-3"]}, dropout: {categorical: ["0", "0.1"]}}
  tuning: {trials: 7}
  evaluation: {seeds: {count: 5}}
"""


def ablation(name: str, more: str = "", variants: str = "{name: no-fm, remove: [fm]}") -> str:
    return (
        f"apiVersion: ctrlab.dev/v1alpha1\nkind: Ablation\nmetadata: {{name: {name}}}\nspec:\n"
        f"  experimentRef: {{name: study}}\n  model: DeepFM\n  variants: [{variants}]\n{more}"
    )


@pytest.fixture
def planner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> "PlanCommand":
    return PlanCommand(tmp_path, monkeypatch, capsys)


class PlanCommand:
    """Runs `ctrlab plan` without reading data."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._monkeypatch, self._capsys = folder, monkeypatch, capsys

    def plan(self, *documents: str) -> tuple[int, str, str]:
        """Return exit code, output and errors; each document is a separate file."""
        files = [self.folder / f"{number}.yaml" for number in range(len(documents))]
        for file, document in zip(files, documents, strict=True):
            file.write_text(document)
        arguments = ["ctrlab", "plan", *map(str, files), "--no-estimate", "--workspace", str(self.folder / "w")]
        self._monkeypatch.setattr(sys, "argv", arguments)
        with pytest.raises(SystemExit) as exit_info:
            main()
        captured = self._capsys.readouterr()
        return int(exit_info.value.code or 0), captured.out, captured.err


def amounts(output: str, ablation: str) -> dict[str, str]:
    """Return the table of items and amounts of one ablation."""
    lines = output[output.index(f"ablation: {ablation} ") :].splitlines()[2:7]
    return dict(line.split("\t", 1) for line in lines)


def test_ablation_with_its_experiment_in_another_file(planner: PlanCommand) -> None:
    code, out, err = planner.plan(ablation("parts"), EXPERIMENT)
    assert code == 0, err
    assert out.index("experiment: study") < out.index(
        "ablation: parts of DeepFM in study, its plan is frozen when study has succeeded"
    )
    assert amounts(out, "parts") == {
        "data": "that of study",
        "tuning": "that of study; no trial",
        "seeds": "5 (2024 to 2028)",
        "final runs": "10: 5 of DeepFM reused from study, 5 to train",
        "comparisons": "1 of auc, Holm",
    }
    assert "no-fm\twithout fm\t0" in out
    assert not (planner.folder / "w").exists(), "planning must not create the workspace"


def test_reason_for_repeated_runs(planner: PlanCommand) -> None:
    more = ablation("more", variants="{name: with-hour, addFeatures: [{name: hour, type: Categorical}]}")
    seeds = ablation("seeds", more="  seeds: {from: Explicit, count: 6, base: 2027}\n")
    retuned = ablation("retuned", more="  hyperparameters: Retune\n")
    code, out, err = planner.plan(EXPERIMENT, more, seeds, retuned)
    assert code == 0, err
    assert amounts(out, "more")["data"] == "that of study with hour"
    assert amounts(out, "more")["final runs"] == (
        "10: 0 of DeepFM reused from study, 10 to train; DeepFM is trained again because the data set also has hour"
    )
    assert amounts(out, "seeds")["final runs"] == "12: 2 of DeepFM reused from study, 10 to train"
    assert amounts(out, "retuned")["tuning"] == "7 trials: no-fm"


def test_ablation_of_an_experiment_in_the_workspace(planner: PlanCommand) -> None:
    file = planner.folder / "study.yaml"
    file.write_text(EXPERIMENT)
    (experiment,) = load_manifests(file)
    assert isinstance(experiment, Experiment)
    succeeded = StatusCondition(
        type=ConditionType.SUCCEEDED, status="True", last_transition_time="2026-01-01T00:00:00Z", reason="Done"
    )
    status = ExperimentStatus(stage="Succeeded", conditions=(succeeded,), seed_count=8)
    metadata = experiment.metadata.model_copy(update={"uid": "u1"})
    workspace = Workspace.open(planner.folder / "w")
    resource_files.save(workspace, experiment.model_copy(update={"metadata": metadata, "status": status}))

    code, out, err = planner.plan(ablation("parts"))

    assert code == 0, err
    assert "ablation: parts of DeepFM in study, plan sha256:" in out
    assert amounts(out, "parts")["final runs"] == "16: 8 of DeepFM reused from study, 8 to train"


def test_ablation_without_experiment_or_with_an_unknown_part_is_rejected(planner: PlanCommand) -> None:
    code, out, err = planner.plan(ablation("parts"))
    assert (code, out) == (2, "")
    assert "no CTRExperiment default/study is in the given files or in the workspace" in err
    code, out, err = planner.plan(EXPERIMENT, ablation("parts", variants="{name: v, remove: [cin]}"))
    assert (code, out) == (2, "")
    assert "DeepFM has no removable part 'cin'; known: dnn, fm, linear" in err
