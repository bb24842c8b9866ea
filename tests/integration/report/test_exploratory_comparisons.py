"""Comparisons of metrics other than the primary one: adjusted p-values, the planned confidence, and no verdict."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ctrlab_report.analysis.report_analysis import analyse_report
from ctrlab_report.inputs.report_inputs import read_report_inputs


@pytest.mark.parametrize("metric", ["logloss", "ece"])
def test_sentence_states_the_planned_confidence(written: Callable[..., Any], metric: str) -> None:
    experiment = written(metrics=("auc", metric), rows=300)
    inputs = read_report_inputs(experiment.folder, experiment.key)
    analysis = inputs.plan.analysis.model_copy(update={"confidence": "0.99"})
    summary = analyse_report(replace(inputs, plan=inputs.plan.model_copy(update={"analysis": analysis})))
    (row, *_) = (row for row in summary.comparisons if row.metric == metric)
    estimate = row.population or row.this_test_set
    assert estimate is not None
    assert estimate.interval is not None
    assert (row.role, row.verdict, estimate.interval.confidence) == ("exploratory", None, 0.99)
    assert "(99 % CI" in row.sentence
