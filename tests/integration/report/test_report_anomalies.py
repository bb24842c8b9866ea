"""Failed and anomalous runs in the report, their retraining, and comparisons without them."""

import json
from typing import Any

import pytest
from builders.finished_experiment import ExperimentWriter, WrittenExperiment
from builders.simulated_experiment import SimulatedModel

from ctrlab_api.names import ObjectKey
from ctrlab_api.records import LostRun, RetryRecord, RunEnd, RunStart
from ctrlab_report.analysis.report_analysis import analyse_report
from ctrlab_report.inputs.report_inputs import read_report_inputs
from ctrlab_report.pages.rendering import render_report

ANOMALY = {"kind": "auc-at-or-below-half", "detail": "test auc 0.48"}


def retraining(repeated: str, auc: float) -> dict[str, Any]:
    """Return the record of a run's retraining."""
    return {
        "reasons": [ANOMALY["kind"]],
        "recorded": "sha256:1",
        "repeated": repeated,
        "metricsValid": {"auc": auc},
        "constantPredictions": False,
        "seconds": 3.5,
    }


@pytest.mark.parametrize(
    ("repeated", "auc", "outcome", "severity", "message"),
    [
        ("sha256:1", 0.49, "property-of-the-seed", "note", "bit-identical"),
        ("sha256:2", 0.74, "fault-of-the-first-run", "warning", "a fault of the first run"),
        ("sha256:2", 0.47, "not-reproducible", "warning", "is not reproducible"),
    ],
)
def test_the_retraining_of_an_anomalous_run_is_classified(
    experiment: WrittenExperiment, repeated: str, auc: float, outcome: str, severity: str, message: str
) -> None:
    target = experiment.path / "runs/DIN/2026/0/record.json"
    record = json.loads(target.read_text())
    target.write_text(json.dumps(record | {"anomalies": [ANOMALY], "repetition": retraining(repeated, auc)}))
    inputs = read_report_inputs(experiment.folder, experiment.key)
    summary = analyse_report(inputs)
    run = next(run for run in summary.models[1].runs if run.seed == 2026)
    assert run.repetition == outcome
    findings = [finding for finding in summary.findings if finding.where == "DIN, seed 2026"]
    assert [finding.severity for finding in findings] == sorted(["note", severity], reverse=True), "warnings first"
    matching = next(finding.message for finding in findings if message in finding.message)
    assert matching in render_report(summary, inputs)["report.md"].decode()


def test_an_anomalous_run_counts_and_a_second_row_excludes_it(experiment: WrittenExperiment) -> None:
    target = experiment.path / "runs/DIN/2026/0/record.json"
    target.write_text(json.dumps(json.loads(target.read_text()) | {"anomalies": [ANOMALY]}))
    summary = analyse_report(read_report_inputs(experiment.folder, experiment.key))
    against_din = next(row for row in summary.comparisons if row.b == "DIN" or row.a == "DIN")
    assert len(against_din.seeds) == 5
    assert against_din.without_flagged is not None
    assert against_din.without_flagged.n == 4


def change_record(experiment: WrittenExperiment, run: str, **update: Any) -> None:
    """Replace fields in the record of a run, given as `variant/seed`."""
    target = experiment.path / "runs" / run / "0/record.json"
    target.write_text(json.dumps(json.loads(target.read_text()) | update))


def test_an_anomaly_that_most_runs_of_a_model_have_excludes_none(experiment: WrittenExperiment) -> None:
    first = {"kind": "best-epoch-is-the-first", "detail": "no later of 4 epochs was better"}
    for seed in range(2024, 2028):
        change_record(experiment, f"DIN/{seed}", anomalies=[first])
    summary = analyse_report(read_report_inputs(experiment.folder, experiment.key))
    against_din = next(row for row in summary.comparisons if "DIN" in (row.a, row.b))
    assert against_din.without_flagged is None
    findings = [finding for finding in summary.findings if "best epoch" in finding.message]
    assert [finding.where for finding in findings] == ["DIN, seeds 2024, 2025, 2026, 2027"], "one line, not four"
    assert findings[0].message == "best epoch is the first: no later of 4 epochs was better (the first of them)"


def test_an_evicted_start_is_an_infrastructure_failure_and_the_run_counts(experiment: WrittenExperiment) -> None:
    evicted = {"kind": "terminated", "detail": "start 1 (then, pod-7) was stopped by a signal: an eviction"}
    change_record(experiment, "DIN/2026", anomalies=[evicted])
    inputs = read_report_inputs(experiment.folder, experiment.key)
    summary = analyse_report(inputs)
    run = next(run for run in summary.models[1].runs if run.seed == 2026)
    assert (run.run_class, run.signals) == ("InfrastructureFailure", ("Evicted",))
    assert all(row.without_flagged is None for row in summary.comparisons), "the result itself is sound"
    assert any("an eviction" in finding.message for finding in summary.findings)
    assert "terminated: start 1 (then, pod-7)" in render_report(summary, inputs)["report.html"].decode()


def test_a_run_much_slower_than_others_of_its_model_is_marked(experiment: WrittenExperiment) -> None:
    target = experiment.path / "runs/SIN/2025/0/record.json"
    record = json.loads(target.read_text())
    slow = record["process"]["wallSeconds"] * 3.5
    change_record(experiment, "SIN/2025", process=record["process"] | {"wallSeconds": slow})
    summary = analyse_report(read_report_inputs(experiment.folder, experiment.key))
    run = next(run for run in summary.models[0].runs if run.seed == 2025)
    assert (run.run_class, run.signals) == ("Clean", ("SlowMachine",))
    [message] = [finding.message for finding in summary.findings if finding.where == "machines"]
    assert message.startswith("1 of 15 runs took more than 3 times the median of their model's runs")
    assert "SIN, seed 2025" in message


def test_a_run_without_record_has_the_ends_of_its_starts(experiment: WrittenExperiment) -> None:
    folder = experiment.path / "runs/DIN/2026"
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    for number in (1, 2):
        start = RunStart(number=number, at="2026-05-01T10:00:00Z", by=f"pod-{number}")
        experiment.folder.put(ObjectKey.starts("DIN", 2026, f"{number}.json"), start.to_json().encode())
    end = RunEnd(number=1, at="2026-05-01T10:05:00Z", how="out-of-memory", message="ran out of memory: 4 GiB")
    experiment.folder.put(ObjectKey.starts("DIN", 2026, "1-end.json"), end.to_json().encode())
    summary = analyse_report(read_report_inputs(experiment.folder, experiment.key))
    run = next(run for run in summary.models[1].runs if run.seed == 2026)
    assert (run.state, run.run_class, run.signals) == ("Missing", "InfrastructureFailure", ("Evicted", "OutOfMemory"))
    assert [anomaly.kind for anomaly in run.cut_off] == ["out-of-memory", "lost"]
    [message] = [finding.message for finding in summary.findings if finding.where == "DIN, seed 2026"]
    assert message.startswith("no result after 2 starts; the last: start 2 (2026-05-01T10:00:00Z, pod-2) ended without")


def test_a_model_worse_than_a_constant_prediction_is_a_warning_in_every_output(
    written: ExperimentWriter, simulated: type[SimulatedModel]
) -> None:
    inverted = simulated("DIN", -0.5)
    experiment = written(models=(simulated("SIN", 1.0), inverted), metrics=("auc", "logloss"))
    inputs = read_report_inputs(experiment.folder, experiment.key)
    summary = analyse_report(inputs)
    warnings = [finding for finding in summary.findings if "worse than one constant" in finding.message]
    assert [(finding.severity, finding.where) for finding in warnings] == [("warning", "DIN")]
    pages = render_report(summary, inputs)
    for page in ("report.md", "report.html", "summary.json"):
        assert "worse than one constant" in pages[page].decode(), page


def test_a_model_that_predicts_too_many_clicks_is_a_warning(experiment: WrittenExperiment) -> None:
    for seed in range(2024, 2029):
        change_record(experiment, f"DIN/{seed}", metricsTest={"auc": 0.7, "ne": 0.9, "pcoc": 1.6})
    summary = analyse_report(read_report_inputs(experiment.folder, experiment.key))
    warnings = [finding for finding in summary.findings if "times as many clicks" in finding.message]
    assert [finding.where for finding in warnings] == ["DIN"]
    [disagreement] = [finding for finding in summary.findings if "the recorded auc of" in finding.message]
    assert disagreement.where.startswith("runs/DIN/")
    assert warnings[0].message.startswith("predicts 1.60 times as many clicks as test has (PCOC, mean of 5 runs)")


@pytest.mark.parametrize(("earlier_stop", "warned"), [((), True), ((2026,), False)])
def test_a_model_of_which_every_run_kept_the_last_allowed_epoch_is_a_warning(
    experiment: WrittenExperiment, earlier_stop: tuple[int, ...], warned: bool
) -> None:
    for seed in range(2024, 2029):
        record = json.loads((experiment.path / f"runs/DIN/{seed}/0/record.json").read_text())
        epochs = 4 if seed not in earlier_stop else 9
        change_record(experiment, f"DIN/{seed}", config=record["config"] | {"epochs": epochs}, bestEpoch=4)
    summary = analyse_report(read_report_inputs(experiment.folder, experiment.key))
    warnings = [finding.message for finding in summary.findings if "stopped by epochs in all runs" in finding.message]
    assert len(warnings) == warned


def test_a_report_without_all_planned_runs_says_so_at_its_head_and_lists_retries(
    written: ExperimentWriter, simulated: type[SimulatedModel]
) -> None:
    experiment = written(models=(simulated("SIN", 1.0), simulated("DIN", 0.9, missing=(1, 3))), metrics=("auc",))
    complete = analyse_report(read_report_inputs(experiment.folder, experiment.key))
    lost = (LostRun(variant="DIN", seed=2025),)
    retry = RetryRecord(number=1, token="t", at="2026-05-01T10:00:00Z", cause="RunsFailed: out of memory", runs=lost)
    experiment.folder.put(ObjectKey.retry(1), retry.to_json().encode())
    inputs = read_report_inputs(experiment.folder, experiment.key)
    summary = analyse_report(inputs)
    statement = "Incomplete: 2 of 10 planned final runs have no result (DIN, seeds 2025, 2027)."
    assert summary.missing_statement is not None
    assert summary.missing_statement.startswith(statement)
    assert summary.digest != complete.digest, "the report after a retry is another report"
    pages = render_report(summary, inputs)
    for page in ("report.md", "report.html"):
        text = pages[page].decode()
        assert statement in text
        assert "5 seeds planned for each" in text
        assert "out of memory" in text
    text = pages["report.md"].decode()
    assert text.index(statement) < text.index(summary.answers[0])


def test_a_complete_report_says_nothing_about_missing_runs(experiment: WrittenExperiment) -> None:
    inputs = read_report_inputs(experiment.folder, experiment.key)
    summary = analyse_report(inputs)
    assert summary.missing_statement is None
    assert "5 seeds each" in render_report(summary, inputs)["report.md"].decode()
