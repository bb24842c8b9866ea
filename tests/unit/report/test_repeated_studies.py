"""Statements on studies that were stopped, extended, warm-started or repeated, and the unit of their comparisons."""

import math

import numpy as np
import pytest
from builders import LEARNING_RATES, make_plan, make_variant

from ctrlab_api.plan import Plan
from ctrlab_api.records import StudyRecord
from ctrlab_api.records.studies import SearchStop, WarmStartRecord
from ctrlab_report.analysis.repeated_studies import (
    average_by_study,
    study_deviations,
    variance_components,
)
from ctrlab_report.analysis.scored_metrics import ScoredMetric
from ctrlab_report.statistics.covariance import MetricCovariance
from ctrlab_report.statistics.supported_metrics import Metric
from ctrlab_study import untuned_record


def plan(repeats: int | None = None) -> Plan:
    return make_plan(
        make_variant("M", "lr", search=LEARNING_RATES),
        tuning={"trials": 20, "repeats": repeats},
        evaluation={"seeds": {"count": 6, "base": 100}},
    )


def record(**changes: object) -> StudyRecord:
    return untuned_record(plan(), "M", "sha256:data").model_copy(update={"budget": 20, **changes})


def test_study_as_planned_has_no_statement() -> None:
    assert study_deviations(record(), plan()) is None


def test_statement_of_a_stopped_extended_and_warm_started_study() -> None:
    study = record(
        budget=30,
        stopped=SearchStop(rule="noImprovement", reason="after 23 of 30 trials: the last 10 brought no new best"),
        warm_start=WarmStartRecord(experiment="default/before/1", search_digest="sha256:1", trials=18, outside=2),
    )
    assert study_deviations(study, plan()) == (
        "The study was stopped after 23 of 30 trials: the last 10 brought no new best (tuning.stop.noImprovement). "
        "The trial budget was raised from 20 to 30 before the study was frozen. "
        "The study was warm-started with 18 trials of default/before/1; 2 were omitted."
    )


def test_variance_components_of_a_balanced_one_way_layout() -> None:
    # Means 2, 4, 6 with n = 2: MSB = 8, MSW = 2, so between = (8 - 2) / 2.
    between, within = variance_components([[1.0, 3.0], [3.0, 5.0], [5.0, 7.0]]) or (math.nan, math.nan)
    assert between == pytest.approx(math.sqrt(3))
    assert within == pytest.approx(math.sqrt(2))
    assert variance_components([[1.0], [2.0]]) is None
    assert variance_components([[1.0, 1.0], [1.0, 1.0]]) == (0.0, 0.0)


def test_study_and_not_run_is_the_unit_of_comparisons() -> None:
    values = {("M", 100 + index): float(index) for index in range(6)}
    matrix = np.diag([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    estimates = np.arange(6.0)
    covariance = MetricCovariance("method", Metric.AUC, "definition", estimates, matrix, 50, math.inf)
    metric = ScoredMetric("auc", values, covariance)
    averaged = average_by_study(metric, plan(repeats=3))
    assert averaged.values == {("M", 100): 1.5, ("M", 101): 2.5, ("M", 102): 3.5}
    assert averaged.covariance is not None
    assert np.diag(averaged.covariance.matrix) == pytest.approx([5 / 4, 7 / 4, 9 / 4])
    assert average_by_study(metric, plan()) is metric
    assert average_by_study(metric, plan(repeats=6)) is metric
