"""No test set prevents a report: a metric that it does not define is reported as undefined, with the reason."""

from typing import Any

import pytest
from builders.finished_experiment import ExperimentWriter

from ctrlab.cli.report_command import show_summary
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.records import ReportSummary
from ctrlab_report.analysis.report_analysis import analyse_report
from ctrlab_report.compare.comparison_page import comparison_files
from ctrlab_report.compare.experiment_comparison import compare_experiments
from ctrlab_report.inputs.report_inputs import read_report_inputs
from ctrlab_report.pages.rendering import render_report
from ctrlab_report.publishing.report_making import make_report
from ctrlab_store import open_store

METRICS = ("auc", "gauc", "logloss", "ne", "pcoc", "ece", "brier")
NO_ERROR = {"auc", "gauc", "logloss", "ne", "pcoc", "brier"}
"""Metrics that have a sampling error where the test rows define it."""

# Test rows, and the metrics without a value and without a sampling error.
TEST_SETS: dict[str, tuple[dict[str, Any], set[str], set[str]]] = {
    "no click": ({"rows": 60, "clicks": 0, "users": 5}, {"auc", "gauc", "ne", "pcoc"}, NO_ERROR),
    "only clicks": ({"rows": 60, "clicks": 60, "users": 5}, {"auc", "gauc", "ne"}, NO_ERROR),
    "one click": ({"rows": 60, "clicks": 1, "users": 5}, set(), {"auc", "gauc"}),
    "one click without users": (
        {"rows": 60, "clicks": 1, "users": None, "metrics": tuple(m for m in METRICS if m != "gauc")},
        set(),
        {"auc"},
    ),
    "one user": ({"rows": 60, "users": 1}, set(), {"gauc"}),
    "one row of each user": ({"rows": 4, "clicks": 2, "users": 10**9}, {"gauc"}, {"gauc"}),
    "two rows": ({"rows": 2, "clicks": 1, "users": 10**9}, {"gauc"}, {"auc", "gauc"}),
    "constant scores": ({"rows": 60, "constant_scores": True, "users": 5}, set(), set()),
}


@pytest.mark.parametrize("primary", ["gauc", "logloss"])
@pytest.mark.parametrize(("changes", "no_value", "no_error"), TEST_SETS.values(), ids=TEST_SETS)
def test_every_output_of_a_degenerate_test_set_is_written(
    written: ExperimentWriter, changes: dict[str, Any], no_value: set[str], no_error: set[str], primary: str
) -> None:
    metrics = changes.get("metrics", METRICS)
    primary = primary if primary in metrics else "auc"
    experiment = written(**{"metrics": metrics, "primary_metric": primary, **changes})
    inputs = read_report_inputs(experiment.folder, experiment.key)
    summary = analyse_report(inputs)
    for model in summary.models:
        assert {name for name, numbers in model.metrics.items() if numbers.test is None} == no_value & set(metrics)
        assert {name for name, numbers in model.metrics.items() if numbers.undefined} == no_error & set(metrics)
    warned = {finding.where for finding in summary.findings if "undefined on these test rows" in finding.message}
    assert warned == no_error & set(metrics)
    files = render_report(summary, inputs)
    assert ReportSummary.model_validate_json(files["summary.json"]) == summary
    for name in ("report.html", "report.md"):
        assert all(f"{metric}" in files[name].decode() for metric in no_error & set(metrics))
        assert not no_error or "undefined on these test rows" in files[name].decode()
    assert b"NaN" not in files["summary.json"]
    assert all(
        "nan" not in content.decode().lower().split(",") for name, content in files.items() if name.endswith("csv")
    )


def test_an_undefined_primary_metric_is_shown_and_compared(
    written: ExperimentWriter, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = written(rows=60, clicks=0, users=5, metrics=METRICS)
    store = open_store(experiment.uri)
    target = make_report(store, experiment.key)
    assert target
    folder = experiment.folder.below(experiment.folder.get("LATEST").decode())
    show_summary(folder)
    assert "undefined on these test rows" in capsys.readouterr().out
    other = written(rows=60, clicks=0, users=5, metrics=METRICS, key=ExperimentKey.parse("default/others/0a1b2d"))
    files = comparison_files(compare_experiments([experiment.folder_uri, other.folder_uri], "auc", None, 0.95))
    assert "cannot be compared by AUC: it is undefined" in files["comparison.md"].decode()
