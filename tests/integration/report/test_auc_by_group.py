"""A report of AUC by group: its values, its errors by user or group, and its definition."""

import numpy as np
import pytest
from builders.finished_experiment import ExperimentWriter

from ctrlab_report.analysis.report_analysis import analyse_report
from ctrlab_report.analysis.scored_metrics import score_metrics
from ctrlab_report.inputs.report_inputs import read_report_inputs

METRICS = ("auc", "logloss", "auc_by_group")


@pytest.mark.parametrize(
    ("users", "group_rows", "cluster"),
    [(150, None, "user_id"), (150, 6, "user_id"), (None, 6, "page_view"), (None, None, None), (1, 6, "page_view")],
)
def test_errors_are_clustered_by_user_else_by_group(
    written: ExperimentWriter, users: int | None, group_rows: int | None, cluster: str | None
) -> None:
    experiment = written(users=users, group_rows=group_rows, metrics=("auc", "logloss"))
    inputs = read_report_inputs(experiment.folder, experiment.key)
    assert analyse_report(inputs).cluster == cluster
    assert inputs.test_rows is not None
    by_cluster = {"user_id": inputs.test_rows.users, "page_view": inputs.test_rows.groups, None: inputs.test_rows.rows}
    ids = by_cluster[cluster]
    covariance = score_metrics(inputs).metrics["logloss"].covariance
    assert covariance is not None
    assert ids is not None
    assert covariance.units == len(np.unique(ids))


def test_auc_by_group_has_a_value_an_interval_and_a_definition(written: ExperimentWriter) -> None:
    experiment = written(users=60, group_rows=300, metrics=METRICS, primary_metric="auc_by_group")
    report = analyse_report(read_report_inputs(experiment.folder, experiment.key))
    assert report.cluster == "user_id"
    assert "AUC within each group" in report.metric_definitions["auc_by_group"]
    assert not [finding for finding in report.findings if "auc_by_group" in finding.message]
    assert all(comparison.metric == "auc_by_group" for comparison in report.comparisons[:1])
    assert report.comparisons[0].verdict is not None
