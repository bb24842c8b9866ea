"""During an outage the planner waits, and says what is unavailable and since when."""

import pytest
from builders import condition_of, final_runs, make_facts, make_prepared_data, make_small_experiment, make_tuned_facts

from ctrlab_api.names import ConditionType
from ctrlab_control.planner import Facts, JobFacts, Outage, decide

EXPERIMENT = make_small_experiment()
OUTAGE = Outage("s3://bucket: connection refused", "2026-01-01T00:00:00Z")
JOB = JobFacts("Active", 2, outage=OUTAGE)


def test_an_outage_of_a_phase_that_is_over_does_not_matter() -> None:
    jobs = {"tune-fm": JOB, "evaluate": JobFacts("Active", 4)}
    status = decide(make_tuned_facts(EXPERIMENT, jobs=jobs)).status
    assert condition_of(status, ConditionType.RECONCILING).status == "False"


@pytest.mark.parametrize(
    ("facts", "stage"),
    [
        (make_facts(EXPERIMENT, jobs={"prepare": JOB}), "Preparing"),
        (make_facts(EXPERIMENT, prepared=make_prepared_data(), jobs={"tune-fm": JOB, "tune-lr": JOB}), "Tuning"),
        (make_tuned_facts(EXPERIMENT, jobs={"evaluate": JobFacts("Active", 4, outage=OUTAGE)}), "Evaluating"),
        (make_tuned_facts(EXPERIMENT, runs=final_runs(EXPERIMENT), jobs={"report": JOB}), "Reporting"),
    ],
)
def test_an_outage_is_reported_in_every_phase_and_ends_nothing(facts: Facts, stage: str) -> None:
    status = decide(facts).status
    assert status.stage == stage
    reconciling = condition_of(status, ConditionType.RECONCILING)
    assert (reconciling.status, reconciling.reason) == ("True", "InfrastructureUnavailable")
    assert "since 2026-01-01T00:00:00Z" in reconciling.message
    assert "s3://bucket: connection refused" in reconciling.message
    assert not status.is_true(ConditionType.STALLED, ConditionType.FAILED, ConditionType.RUNS_LOST)
