"""Runs are classified by process signals; a score alone never excludes a run."""

import pytest

from ctrlab_report.statistics.run_anomalies import (
    GrubbsFlag,
    ProcessSignal,
    RerunOutcome,
    RunClass,
    RunSymptoms,
    classify_rerun,
    classify_symptoms,
    grubbs_test,
)


@pytest.mark.parametrize(
    ("symptoms", "run_class", "signals"),
    [
        (RunSymptoms(auc=0.7, best_epoch=3), RunClass.CLEAN, ()),
        (RunSymptoms(), RunClass.CLEAN, ()),
        (RunSymptoms(evicted=True), RunClass.INFRASTRUCTURE_FAILURE, (ProcessSignal.EVICTED,)),
        (RunSymptoms(out_of_memory=True), RunClass.INFRASTRUCTURE_FAILURE, (ProcessSignal.OUT_OF_MEMORY,)),
        (RunSymptoms(losses_finite=False), RunClass.TRAINING_ANOMALY, (ProcessSignal.NOT_FINITE,)),
        (RunSymptoms(predictions_constant=True), RunClass.TRAINING_ANOMALY, (ProcessSignal.CONSTANT,)),
        (RunSymptoms(auc=0.5), RunClass.TRAINING_ANOMALY, (ProcessSignal.NO_RANKING,)),
        (RunSymptoms(best_epoch=0), RunClass.TRAINING_ANOMALY, (ProcessSignal.NO_LEARNING,)),
        (RunSymptoms(wall_seconds=301, median_wall_seconds=100), RunClass.CLEAN, (ProcessSignal.SLOW,)),
        (
            RunSymptoms(evicted=True, losses_finite=False),
            RunClass.INFRASTRUCTURE_FAILURE,
            (ProcessSignal.EVICTED, ProcessSignal.NOT_FINITE),
        ),
    ],
)
def test_process_signals_determine_the_class(
    symptoms: RunSymptoms, run_class: RunClass, signals: tuple[ProcessSignal, ...]
) -> None:
    result = classify_symptoms(symptoms)
    assert (result.run_class, result.signals) == (run_class, signals)


def test_rerun_distinguishes_a_fault_from_a_property_of_the_seed() -> None:
    clean, anomalous = classify_symptoms(RunSymptoms()), classify_symptoms(RunSymptoms(auc=0.4))
    assert classify_rerun("sha256:1", "sha256:1", anomalous) is RerunOutcome.PROPERTY
    assert classify_rerun("sha256:1", "sha256:2", clean) is RerunOutcome.FAULT
    assert classify_rerun("sha256:1", "sha256:2", anomalous) is RerunOutcome.UNSTABLE


def test_grubbs_flags_the_low_run_only() -> None:
    ordinary = grubbs_test([0.700, 0.702, 0.699, 0.701, 0.703, 0.698, 0.7005, 0.7015])
    with_outlier = grubbs_test([0.700, 0.702, 0.699, 0.701, 0.650, 0.698, 0.7005, 0.7015])
    assert isinstance(ordinary, GrubbsFlag)
    assert isinstance(with_outlier, GrubbsFlag)
    assert (ordinary.flagged, with_outlier.flagged) == (None, 4)
