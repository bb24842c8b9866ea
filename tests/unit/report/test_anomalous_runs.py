"""Runs are judged by their process; a score alone never removes one."""

import pytest

from ctrlab_report.statistics.anomalies import (
    GrubbsFlag,
    ProcessSignal,
    RerunFinding,
    RunClass,
    RunFacts,
    classify,
    grubbs,
    judge_rerun,
)


@pytest.mark.parametrize(
    ("facts", "run_class", "signals"),
    [
        (RunFacts(auc=0.7, best_epoch=3), RunClass.CLEAN, ()),
        (RunFacts(), RunClass.CLEAN, ()),
        (RunFacts(evicted=True), RunClass.INFRASTRUCTURE_FAILURE, (ProcessSignal.EVICTED,)),
        (RunFacts(out_of_memory=True), RunClass.INFRASTRUCTURE_FAILURE, (ProcessSignal.OUT_OF_MEMORY,)),
        (RunFacts(losses_finite=False), RunClass.TRAINING_ANOMALY, (ProcessSignal.NOT_FINITE,)),
        (RunFacts(predictions_constant=True), RunClass.TRAINING_ANOMALY, (ProcessSignal.CONSTANT,)),
        (RunFacts(auc=0.5), RunClass.TRAINING_ANOMALY, (ProcessSignal.NO_RANKING,)),
        (RunFacts(best_epoch=0), RunClass.TRAINING_ANOMALY, (ProcessSignal.NO_LEARNING,)),
        (RunFacts(wall_seconds=301, median_wall_seconds=100), RunClass.CLEAN, (ProcessSignal.SLOW,)),
        (
            RunFacts(evicted=True, losses_finite=False),
            RunClass.INFRASTRUCTURE_FAILURE,
            (ProcessSignal.EVICTED, ProcessSignal.NOT_FINITE),
        ),
    ],
)
def test_the_process_decides_the_class(
    facts: RunFacts, run_class: RunClass, signals: tuple[ProcessSignal, ...]
) -> None:
    result = classify(facts)
    assert (result.run_class, result.signals) == (run_class, signals)


def test_a_rerun_tells_a_fault_from_a_property_of_the_seed() -> None:
    clean, odd = classify(RunFacts()), classify(RunFacts(auc=0.4))
    assert judge_rerun("sha256:1", "sha256:1", odd) is RerunFinding.PROPERTY
    assert judge_rerun("sha256:1", "sha256:2", clean) is RerunFinding.FAULT
    assert judge_rerun("sha256:1", "sha256:2", odd) is RerunFinding.UNSTABLE


def test_grubbs_flags_the_low_run_and_leaves_ordinary_ones() -> None:
    ordinary = grubbs([0.700, 0.702, 0.699, 0.701, 0.703, 0.698, 0.7005, 0.7015])
    odd = grubbs([0.700, 0.702, 0.699, 0.701, 0.650, 0.698, 0.7005, 0.7015])
    assert isinstance(ordinary, GrubbsFlag)
    assert isinstance(odd, GrubbsFlag)
    assert (ordinary.flagged, odd.flagged) == (None, 4)
