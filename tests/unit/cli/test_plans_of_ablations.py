"""`ctrlab plan` of an experiment and its ablations: what is taken over, what is run, and what is not known yet."""

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
def ctrlab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> "Ctrlab":
    return Ctrlab(tmp_path, monkeypatch, capsys)


class Ctrlab:
    """Runs `ctrlab plan` without looking at data."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._monkeypatch, self._capsys = folder, monkeypatch, capsys

    def plan(self, *documents: str) -> tuple[int, str, str]:
        """Exit code, output and errors; each document is a file of its own."""
        files = [self.folder / f"{number}.yaml" for number in range(len(documents))]
        for file, document in zip(files, documents, strict=True):
            file.write_text(document)
        arguments = ["ctrlab", "plan", *map(str, files), "--no-estimate", "--workspace", str(self.folder / "w")]
        self._monkeypatch.setattr(sys, "argv", arguments)
        with pytest.raises(SystemExit) as ended:
            main()
        said = self._capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err


def amounts(output: str, of: str) -> dict[str, str]:
    """The table WHAT, HOW MUCH of one ablation."""
    lines = output[output.index(f"ablation: {of} ") :].splitlines()[2:7]
    return dict(line.split("\t", 1) for line in lines)


def test_an_ablation_with_its_experiment_in_another_file(ctrlab: Ctrlab) -> None:
    code, out, err = ctrlab.plan(ablation("parts"), EXPERIMENT)
    assert code == 0, err
    assert out.index("experiment: study") < out.index(
        "ablation: parts of DeepFM in study, its plan is frozen when study has succeeded"
    )
    assert amounts(out, "parts") == {
        "data": "those of study",
        "searches": "those of study; no trial",
        "seeds": "5 (2024 to 2028)",
        "final runs": "10: 5 of DeepFM taken over from study, 5 to train",
        "comparisons": "1 of auc, Holm",
    }
    assert "no-fm\twithout fm\t0" in out
    assert not (ctrlab.folder / "w").exists(), "nothing is made by looking"


def test_what_is_run_again_and_why(ctrlab: Ctrlab) -> None:
    more = ablation("more", variants="{name: with-hour, addFeatures: [{name: hour, type: Categorical}]}")
    seeds = ablation("seeds", more="  seeds: {from: Explicit, count: 6, base: 2027}\n")
    retuned = ablation("retuned", more="  hyperparameters: Retune\n")
    code, out, err = ctrlab.plan(EXPERIMENT, more, seeds, retuned)
    assert code == 0, err
    assert amounts(out, "more")["data"] == "those of study with hour"
    assert amounts(out, "more")["final runs"] == (
        "10: 0 of DeepFM taken over from study, 10 to train; DeepFM is run again, because the data have hour as well"
    )
    assert amounts(out, "seeds")["final runs"] == "12: 2 of DeepFM taken over from study, 10 to train"
    assert amounts(out, "retuned")["searches"] == "7 trials: no-fm"


def test_an_experiment_of_the_workspace_gives_the_ablation_its_plan(ctrlab: Ctrlab) -> None:
    file = ctrlab.folder / "study.yaml"
    file.write_text(EXPERIMENT)
    (found,) = load_manifests(file)
    assert isinstance(found, Experiment)
    over = StatusCondition(
        type=ConditionType.SUCCEEDED, status="True", last_transition_time="2026-01-01T00:00:00Z", reason="Done"
    )
    status = ExperimentStatus(stage="Succeeded", conditions=(over,), seed_count=8)
    metadata = found.metadata.model_copy(update={"uid": "u1"})
    place = Workspace.open(ctrlab.folder / "w")
    resource_files.save(place, found.model_copy(update={"metadata": metadata, "status": status}))

    code, out, err = ctrlab.plan(ablation("parts"))

    assert code == 0, err
    assert "ablation: parts of DeepFM in study, plan sha256:" in out
    assert amounts(out, "parts")["final runs"] == "16: 8 of DeepFM taken over from study, 8 to train"


def test_an_ablation_alone_is_refused_and_so_is_one_that_does_not_fit(ctrlab: Ctrlab) -> None:
    code, out, err = ctrlab.plan(ablation("parts"))
    assert (code, out) == (2, "")
    assert "no CTRExperiment default/study is in the given files or in the workspace" in err
    code, out, err = ctrlab.plan(EXPERIMENT, ablation("parts", variants="{name: v, remove: [cin]}"))
    assert (code, out) == (2, "")
    assert "DeepFM has no removable part 'cin'; known: dnn, fm, linear" in err
