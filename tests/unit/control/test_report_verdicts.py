"""The verdict of a published report in the status."""

import json
from pathlib import Path
from typing import Any

from builders import condition_of, final_runs, make_small_experiment, make_tuned_facts

from ctrlab_api.names import ConditionType
from ctrlab_api.resources.status import ReportStatus
from ctrlab_control.planner import JobFacts, decide
from ctrlab_control.report_verdicts import report_status
from ctrlab_store import FileStore, Store


def store_with(tmp_path: Path, **summary: Any) -> Store:
    store = FileStore(tmp_path)
    store.put("report/abc/summary.json", json.dumps(summary).encode())
    return store


def comparison(a: str, b: str, verdict: str | None, label: str | None = None) -> dict[str, str | None]:
    return {"a": a, "b": b, "verdict": verdict, "label": label}


def test_the_verdict_names_the_first_primary_comparisons(tmp_path: Path) -> None:
    rows = [
        comparison("DeepFM", "LR", "better"),
        comparison("DeepFM", "FM", "inconclusive (needs N seeds)", "inconclusive (needs 17 seeds)"),
        comparison("DeepFM", "SIN", "worse"),
        comparison("LR", "FM", None),
    ]
    store = store_with(tmp_path, comparisons=rows, answers=["DeepFM beats LR.", "DeepFM and FM: unclear."])
    status = report_status(store, "report/abc")
    assert status.verdict == "DeepFM vs LR: better; DeepFM vs FM: inconclusive (needs 17 seeds); 1 more in the report"
    assert status.conclusion == "DeepFM beats LR. DeepFM and FM: unclear."
    assert status.page == f"{store.uri}/report/abc/report.html"
    assert (status.uri, status.digest) == (f"{store.uri}/report/abc", "abc")


def test_a_report_without_a_comparison_has_no_verdict(tmp_path: Path) -> None:
    status = report_status(store_with(tmp_path, comparisons=[], answers=["The AUC of SIN is 0.8."]), "report/abc")
    assert status.verdict is None
    assert status.conclusion == "The AUC of SIN is 0.8."


def test_many_long_answers_fit_into_the_status(tmp_path: Path) -> None:
    status = report_status(store_with(tmp_path, answers=["x" * 500] * 40), "report/abc")
    assert status.conclusion is not None
    assert len(status.conclusion) == 1024


def test_a_report_without_a_summary_has_its_location_only(tmp_path: Path) -> None:
    status = report_status(FileStore(tmp_path), "report/abc")
    assert (status.digest, status.page, status.verdict) == ("abc", None, None)


def test_the_conclusion_and_the_address_are_the_message_of_ready() -> None:
    experiment = make_small_experiment()
    report = ReportStatus(uri="s3://b/r", digest="r", page="s3://b/r/report.html", conclusion="FM beats LR.")
    facts = make_tuned_facts(
        experiment, report=report, runs=final_runs(experiment), jobs={"report": JobFacts("Complete")}
    )
    ready = condition_of(decide(facts).status, ConditionType.READY)
    assert (ready.status, ready.reason) == ("True", "Succeeded")
    assert ready.message == "FM beats LR. The report is at s3://b/r/report.html"
