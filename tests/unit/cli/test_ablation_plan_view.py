"""`ctrlab plan` of an experiment and its ablations: what is reused, what runs, and what is not known yet."""

import json
from pathlib import Path
from typing import Any

import pytest
from builders import (
    LEARNING_RATES,
    ablation_manifest,
    categorical,
    experiment_manifest,
    make_condition,
    make_experiment,
    model_spec,
)
from command_line import ctrlab

from ctrlab.local import resource_files
from ctrlab.local.workspace import Workspace
from ctrlab_api.names import ConditionType
from ctrlab_api.resources.status import ExperimentStatus

EXPERIMENT = experiment_manifest(
    dataset__features=categorical("user_id", "item_id"),
    models=[model_spec("DeepFM", search={**LEARNING_RATES, "dropout": {"categorical": ["0", "0.1"]}})],
    tuning={"trials": 7},
    evaluation={"seeds": {"count": 5}},
)
NO_FM = {"name": "no-fm", "remove": ["fm"]}


def ablation(name: str, *variants: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return ablation_manifest(name, model="DeepFM", variants=list(variants or [NO_FM]), **spec)


@pytest.fixture
def planner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> "PlanCommand":
    return PlanCommand(tmp_path, monkeypatch, capsys)


class PlanCommand:
    """Runs `ctrlab plan` without reading data."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._monkeypatch, self._capsys = folder, monkeypatch, capsys

    def plan(self, *documents: dict[str, Any]) -> tuple[int, str, str]:
        """Return exit code, output and errors; each document is a separate file."""
        files = [self.folder / f"{number}.yaml" for number in range(len(documents))]
        for file, document in zip(files, documents, strict=True):
            file.write_text(json.dumps(document))
        arguments = ["plan", *map(str, files), "--no-estimate", "--workspace", str(self.folder / "w")]
        code = ctrlab(self._monkeypatch, *arguments)
        captured = self._capsys.readouterr()
        return code, captured.out, captured.err


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
    more = ablation("more", {"name": "with-hour", "addFeatures": categorical("hour")})
    seeds = ablation("seeds", seeds={"from": "Explicit", "count": 6, "base": 2027})
    retuned = ablation("retuned", hyperparameters="Retune")
    code, out, err = planner.plan(EXPERIMENT, more, seeds, retuned)
    assert code == 0, err
    assert amounts(out, "more")["data"] == "that of study with hour"
    assert amounts(out, "more")["final runs"] == (
        "10: 0 of DeepFM reused from study, 10 to train; DeepFM is trained again because the data set also has hour"
    )
    assert amounts(out, "seeds")["final runs"] == "12: 2 of DeepFM reused from study, 10 to train"
    assert amounts(out, "retuned")["tuning"] == "7 trials: no-fm"


def test_ablation_of_an_experiment_in_the_workspace(planner: PlanCommand) -> None:
    succeeded = make_condition(ConditionType.SUCCEEDED)
    status = ExperimentStatus(stage="Succeeded", conditions=(succeeded,), seed_count=8)
    experiment = make_experiment(metadata={"uid": "u1"}, status=status, **EXPERIMENT["spec"])
    resource_files.save(Workspace.open(planner.folder / "w"), experiment)

    code, out, err = planner.plan(ablation("parts"))

    assert code == 0, err
    assert "ablation: parts of DeepFM in study, plan sha256:" in out
    assert amounts(out, "parts")["final runs"] == "16: 8 of DeepFM reused from study, 8 to train"


def test_ablation_without_experiment_or_with_an_unknown_part_is_rejected(planner: PlanCommand) -> None:
    code, out, err = planner.plan(ablation("parts"))
    assert (code, out) == (2, "")
    assert "no CTRExperiment default/study is in the given files or in the workspace" in err
    code, out, err = planner.plan(EXPERIMENT, ablation("parts", {"name": "v", "remove": ["cin"]}))
    assert (code, out) == (2, "")
    assert "DeepFM has no removable part 'cin'; known: dnn, fm, linear" in err
