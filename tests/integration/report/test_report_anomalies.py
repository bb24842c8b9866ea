"""What the report says of runs that went wrong, of their repetition, and of what they change."""

import json
from typing import Any

import pytest

from ctrlab_report.analysis import analyse
from ctrlab_report.gather import gather
from ctrlab_report.render import render

SICK = {"kind": "auc-at-or-below-half", "detail": "test auc 0.48"}


def repetition(repeated: str, auc: float) -> dict[str, Any]:
    return {
        "reasons": [SICK["kind"]],
        "recorded": "sha256:1",
        "repeated": repeated,
        "metricsValid": {"auc": auc},
        "constantPredictions": False,
        "seconds": 3.5,
    }


@pytest.mark.parametrize(
    ("repeated", "auc", "found", "severity", "says"),
    [
        ("sha256:1", 0.49, "property-of-the-seed", "note", "bit for bit"),
        ("sha256:2", 0.74, "fault-of-the-first-run", "warning", "a fault of the first run"),
        ("sha256:2", 0.47, "not-reproducible", "warning", "does not repeat itself"),
    ],
)
def test_the_repetition_of_an_anomalous_run_is_judged(
    experiment: Any, repeated: str, auc: float, found: str, severity: str, says: str
) -> None:
    target = experiment.path / "runs/DIN/2026/0/record.json"
    record = json.loads(target.read_text())
    target.write_text(json.dumps(record | {"anomalies": [SICK], "repetition": repetition(repeated, auc)}))
    gathered = gather(experiment.folder, experiment.key)
    summary = analyse(gathered)
    run = next(run for run in summary.models[1].runs if run.seed == 2026)
    assert run.repetition == found
    about = [finding for finding in summary.findings if finding.where == "DIN, seed 2026"]
    assert [finding.severity for finding in about] == sorted(["note", severity], reverse=True), "warnings first"
    judged = next(finding.message for finding in about if says in finding.message)
    assert judged in render(summary, gathered)["report.md"].decode()


def test_an_anomalous_run_stays_in_the_headline_and_has_a_row_without_it(experiment: Any) -> None:
    target = experiment.path / "runs/DIN/2026/0/record.json"
    target.write_text(json.dumps(json.loads(target.read_text()) | {"anomalies": [SICK]}))
    summary = analyse(gather(experiment.folder, experiment.key))
    against_din = next(row for row in summary.comparisons if row.b == "DIN" or row.a == "DIN")
    assert len(against_din.seeds) == 5
    assert against_din.without_flagged is not None
    assert against_din.without_flagged.n == 4
