"""Failures: what fails an experiment for good, with which reason and message, and which losses it survives."""

from dataclasses import dataclass
from typing import Any

import pytest
from builders import (
    condition_of,
    final_runs,
    frozen_studies,
    make_facts,
    make_prepared_data,
    make_small_experiment,
    make_tuned_facts,
    requested_jobs,
)

from ctrlab_api.names import ConditionType
from ctrlab_api.plan import Plan
from ctrlab_control.planner import DeleteJob, JobFacts, StudyFacts, decide

EXPERIMENT = make_small_experiment(tuning__trials=6, tuning__maxFailedTrials=1, tuning__timeout="1h")
PREPARED = make_prepared_data()
STUDIES = frozen_studies(Plan.from_experiment(EXPERIMENT))


@dataclass(frozen=True)
class FailureCase:
    name: str
    observed: dict[str, Any]
    reason: str
    message: str


FAILURES = [
    FailureCase(
        "prepare failed",
        {"jobs": {"prepare": JobFacts("Failed", message="ratings.csv, row 3, column label: 2 is not 0 or 1")}},
        "PrepareFailed",
        "ratings.csv, row 3, column label: 2 is not 0 or 1; correct that",
    ),
    FailureCase(
        "prepare wrote nothing",
        {"jobs": {"prepare": JobFacts("Complete")}},
        "PrepareFailed",
        "ended without writing prepared.json",
    ),
    FailureCase(
        "too many failed trials",
        {
            "prepared": PREPARED,
            "studies": {"FM": StudyFacts(done=3, failed=2, last_failure="loss is nan")},
            "jobs": {"tune-fm": JobFacts("Active", 2), "tune-lr": JobFacts("Active")},
        },
        "TooManyFailedTrials",
        "2 trials of FM failed, more than tuning.maxFailedTrials 1; the last one: loss is nan",
    ),
    FailureCase(
        "tuning took too long",
        {"prepared": PREPARED, "jobs": {"tune-fm": JobFacts("Active", 2, active_seconds=3601.0)}},
        "TuningTimeout",
        "longer than tuning.timeout 1h (0 of 6 trials done)",
    ),
    FailureCase(
        "tuning workers crash",
        {"prepared": PREPARED, "jobs": {"tune-fm": JobFacts("Failed", 2, message="killed by SIGKILL")}},
        "TuningFailed",
        "the study of FM failed: killed by SIGKILL",
    ),
    FailureCase(
        "all final runs lost",
        {
            "prepared": PREPARED,
            "studies": STUDIES,
            "jobs": {"evaluate": JobFacts("Failed", failed_indexes=frozenset(range(10)), message="disk is full")},
        },
        "EvaluationFailed",
        "10 of 10 final runs were lost: disk is full; LR and FM share 0 finished seeds, at least 2 are needed",
    ),
    FailureCase(
        "final runs reject their input",
        {
            "prepared": PREPARED,
            "studies": STUDIES,
            "runs": final_runs(EXPERIMENT, without=frozenset({8, 9})),
            "jobs": {"evaluate": JobFacts("Failed", non_retriable=True, message="the seal is broken")},
        },
        "EvaluationFailed",
        "the seal is broken",
    ),
    FailureCase(
        "the report failed",
        {
            "prepared": PREPARED,
            "studies": STUDIES,
            "runs": final_runs(EXPERIMENT),
            "jobs": {"report": JobFacts("Failed", message="no font")},
        },
        "ReportFailed",
        "the report could not be made: no font; every run is kept",
    ),
]


@pytest.mark.parametrize("case", FAILURES, ids=lambda case: case.name)
def test_a_failure_is_final_has_a_reason_and_stops_every_job(case: FailureCase) -> None:
    facts = make_facts(EXPERIMENT, **case.observed)
    decision = decide(facts)
    assert set(decision.actions) == {DeleteJob(name) for name in facts.active_jobs}
    assert decision.status.stage == "Failed"
    for name in (ConditionType.FAILED, ConditionType.STALLED):
        failure = condition_of(decision.status, name)
        assert (failure.status, failure.reason) == ("True", case.reason)
        assert case.message in failure.message
    assert condition_of(decision.status, ConditionType.READY).status == "False"


def test_lost_runs_do_not_stop_the_report_while_pairs_share_two_seeds() -> None:
    lost = frozenset(range(4, 10))
    facts = make_tuned_facts(
        EXPERIMENT,
        runs=final_runs(EXPERIMENT, without=lost),
        jobs={"evaluate": JobFacts("Failed", failed_indexes=lost)},
    )
    assert requested_jobs(facts) == ["report"]
    status = decide(facts).status
    assert [(model.name, model.runs_done, model.runs_failed) for model in status.models] == [("FM", 2, 3), ("LR", 2, 3)]
    assert condition_of(status, ConditionType.EVALUATION_COMPLETE).status == "True"


def test_lost_runs_are_final_only_when_their_job_has_ended() -> None:
    facts = make_tuned_facts(
        EXPERIMENT,
        runs=final_runs(EXPERIMENT, without=frozenset({9})),
        jobs={"evaluate": JobFacts("Active", 4, failed_indexes=frozenset({9}))},
    )
    decision = decide(facts)
    assert decision.actions == ()
    assert decision.status.stage == "Evaluating"
