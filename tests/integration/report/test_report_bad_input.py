"""Inputs that would give wrong numbers are rejected with the object and the remedy; a failed run is a result."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from builders.finished_experiment import ExperimentWriter, WrittenExperiment
from builders.simulated_experiment import SimulatedModel

from ctrlab_api.errors import InvalidData
from ctrlab_api.names import ExitCode, ObjectKey
from ctrlab_report.analysis.report_analysis import analyse_report
from ctrlab_report.cli import main
from ctrlab_report.inputs.report_inputs import read_report_inputs
from ctrlab_report.pages.rendering import render_report

RUN = "runs/DIN/2026/0"


def edit_json(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a JSON document in place."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def rewrite_columns(run: Path, columns: dict[str, Any]) -> None:
    """Change columns of the predictions, and update the digest in the record."""
    target = run / "predictions.parquet"
    table = pq.read_table(target)
    for name, values in columns.items():
        if values is None:
            table = table.drop_columns([name])
        else:
            index = table.column_names.index(name)
            table = table.set_column(index, name, [values(table.column(name).to_numpy().copy())])
    pq.write_table(table, target)
    update_digest(run)


def update_digest(run: Path) -> None:
    """Write the present digest of the predictions to the record."""
    digest = "sha256:" + hashlib.sha256((run / "predictions.parquet").read_bytes()).hexdigest()
    edit_json(run / "record.json", lambda record: record.update(predictionsSha256=digest))


def truncate(run: Path) -> None:
    """Truncate the predictions."""
    target = run / "predictions.parquet"
    target.write_bytes(target.read_bytes()[:900])


def truncate_before_the_record(run: Path) -> None:
    """Truncate the predictions as if the record had been written afterwards."""
    truncate(run)
    update_digest(run)


def set_first(value: float) -> Callable[[Any], Any]:
    """Return a change of the first value of a column."""

    def change(values: Any) -> Any:
        values[0] = value
        return values

    return change


@dataclass(frozen=True)
class Damage:
    """A change of one run, and the expected message."""

    name: str
    apply: Callable[[Path], None]
    where: str
    message: str


DAMAGES = (
    Damage(
        "missing file",
        lambda run: (run / "predictions.parquet").unlink(),
        f"{RUN}/predictions.parquet",
        "run this seed",
    ),
    Damage("truncated", truncate, f"{RUN}/predictions.parquet", "truncated or changed"),
    Damage(
        "truncated before the record",
        truncate_before_the_record,
        f"{RUN}/predictions.parquet",
        "cannot be read as Parquet",
    ),
    Damage(
        "NaN score", lambda run: rewrite_columns(run, {"score": set_first(np.nan)}), "row 0, column score", "not finite"
    ),
    Damage("logits", lambda run: rewrite_columns(run, {"score": set_first(2.5)}), "row 0, column score", "from 0 to 1"),
    Damage(
        "label 2",
        lambda run: rewrite_columns(run, {"label": set_first(2)}),
        "row 0, column label",
        "allowed are 0 and 1",
    ),
    Damage(
        "no users", lambda run: rewrite_columns(run, {"user": None}), f"{RUN}/predictions.parquet", "'user' is missing"
    ),
    Damage("row twice", lambda run: rewrite_columns(run, {"row": set_first(8801)}), "row 0, column row", "not aligned"),
    Damage(
        "other order",
        lambda run: rewrite_columns(run, {"row": lambda rows: rows[::-1].copy()}),
        "row 0, column row",
        "not aligned",
    ),
    Damage(
        "other plan",
        lambda run: edit_json(run / "record.json", lambda record: record.update(planDigest="sha256:0")),
        f"{RUN}/record.json, planDigest",
        "mixed",
    ),
    Damage(
        "other search",
        lambda run: edit_json(run / "record.json", lambda record: record.update(searchDigest="sha256:0")),
        f"{RUN}/record.json, searchDigest",
        "mixed",
    ),
    Damage(
        "no seed",
        lambda run: edit_json(run / "record.json", lambda record: record.pop("seed")),
        f"{RUN}/record.json",
        "seed: Field required",
    ),
)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_a_damaged_run_is_rejected(
    experiment: WrittenExperiment,
    damage: Damage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = tmp_path / "termination-log"
    monkeypatch.setenv("CTRLAB_TERMINATION_LOG", str(log))
    damage.apply(experiment.path / RUN)
    code = main(["make", "--store", experiment.uri, "--experiment", experiment.argument])
    stderr = capsys.readouterr().err
    assert code == ExitCode.BAD_SPEC_OR_DATA
    assert damage.where in stderr
    assert damage.message in stderr
    assert "Traceback" not in stderr
    assert f"error: {log.read_text()}" == stderr
    assert not experiment.folder.exists(ObjectKey.LATEST_REPORT)


def test_a_row_with_two_scores_is_rejected(experiment: WrittenExperiment) -> None:
    rewrite_columns(experiment.path / "runs/SIN/2024/0", {"row": set_first(8801)})
    with pytest.raises(InvalidData, match=r"runs/SIN/2024/0/predictions\.parquet, column row: .*twice"):
        read_report_inputs(experiment.folder, experiment.key)


def test_fewer_rows_than_in_the_test_split_are_rejected(experiment: WrittenExperiment) -> None:
    for run in sorted((experiment.path / "runs" / "SIN").iterdir())[:1]:
        target = run / "0" / "predictions.parquet"
        pq.write_table(pq.read_table(target).slice(0, 1000), target)
        update_digest(run / "0")
    with pytest.raises(InvalidData, match=r"has 1000 rows, but prepared\.json says 1200"):
        read_report_inputs(experiment.folder, experiment.key)


def test_a_run_that_is_not_planned_is_rejected(experiment: WrittenExperiment) -> None:
    source = experiment.path / RUN / "record.json"
    experiment.folder.put("runs/DIN/9999/0/record.json", source.read_bytes())
    with pytest.raises(InvalidData, match="the plan has no run of DIN with seed 9999"):
        read_report_inputs(experiment.folder, experiment.key)


def test_a_study_that_is_not_frozen_is_rejected(experiment: WrittenExperiment) -> None:
    (experiment.path / "studies/DeepFM.json").unlink()
    with pytest.raises(InvalidData, match=r"studies/DeepFM\.json: is missing.*not frozen"):
        read_report_inputs(experiment.folder, experiment.key)


def test_a_folder_without_plan_is_rejected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["make", "--store", tmp_path.as_uri(), "--experiment", "default/nothing/0"])
    assert code == ExitCode.BAD_SPEC_OR_DATA
    assert capsys.readouterr().err.startswith("error: plan.json: is missing")


def test_diverged_and_missing_runs_are_counted(written: ExperimentWriter, simulated: type[SimulatedModel]) -> None:
    experiment = written(models=(simulated("SIN", 1.0), simulated("DIN", 0.97, diverged=(1,), missing=(3,))))
    summary = analyse_report(read_report_inputs(experiment.folder, experiment.key))
    din = next(model for model in summary.models if model.name == "DIN")
    assert (din.failures.failed, din.failures.of) == (2, 5)
    assert din.metrics["auc"].test is not None
    assert din.metrics["auc"].test.n == 3
    assert [run.state for run in din.runs] == ["Succeeded", "Diverged", "Succeeded", "Missing", "Succeeded"]
    assert summary.comparisons[0].seeds == (2024, 2026, 2028)
    assert any(finding.where == "DIN" and "2027" in finding.message for finding in summary.findings)


def test_a_model_without_results_has_a_degenerate_comparison(
    written: ExperimentWriter, simulated: type[SimulatedModel]
) -> None:
    experiment = written(
        models=(simulated("SIN", 1.0), simulated("DIN", 0.7), simulated("LR", 0.9, diverged=(0, 1, 2, 3, 4)))
    )
    assert main(["make", "--store", experiment.uri, "--experiment", experiment.argument]) == ExitCode.SUCCESS
    summary = analyse_report(read_report_inputs(experiment.folder, experiment.key))
    degenerate = next(row for row in summary.comparisons if row.a == "LR")
    assert degenerate.verdict == "degenerate"
    assert "no run of LR finished with predictions" in degenerate.sentence


def test_a_later_attempt_never_replaces_the_first(experiment: WrittenExperiment) -> None:
    before = analyse_report(read_report_inputs(experiment.folder, experiment.key))
    record = json.loads((experiment.path / RUN / "record.json").read_text())
    record["attempt"] = 1
    record["predictionsSha256"] = "sha256:other"
    experiment.folder.put("runs/DIN/2026/1/record.json", json.dumps(record).encode())
    after = analyse_report(read_report_inputs(experiment.folder, experiment.key))
    assert after.comparisons[0].differences == before.comparisons[0].differences
    run = next(run for model in after.models if model.name == "DIN" for run in model.runs if run.seed == 2026)
    assert run.reruns == ("attempt 1: predictions differ",)
    assert after.openings.reruns == 1


def test_a_run_with_another_execution_mode_than_planned_is_rejected(experiment: WrittenExperiment) -> None:
    path = experiment.path / RUN / "record.json"
    record = json.loads(path.read_text())
    record["executionMode"] = "batched"
    path.write_text(json.dumps(record))
    with pytest.raises(InvalidData, match=rf"{RUN}/record\.json, executionMode: is batched, but plan\.json says plain"):
        read_report_inputs(experiment.folder, experiment.key)


def test_the_report_states_that_seeds_were_trained_in_batches(written: ExperimentWriter) -> None:
    experiment = written(seeds_per_pod=5)
    inputs = read_report_inputs(experiment.folder, experiment.key)
    summary = analyse_report(inputs)
    assert [machine.execution_mode for machine in summary.machines] == ["batched"]
    assert "on cpu (float32, seeds in batches)" in render_report(summary, inputs)["report.html"].decode()
