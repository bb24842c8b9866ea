"""Lost runs: an experiment without them is incomplete, says which and why, and runs them again on request."""

from dataclasses import replace

from builders import (
    NOW,
    condition_of,
    final_runs,
    make_facts,
    make_prepared_data,
    make_small_experiment,
    make_tuned_facts,
    requested_jobs,
)

from ctrlab_api.names import RETRY_ANNOTATION, ConditionType
from ctrlab_api.records import LostRun, RetryRecord
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.status import ExperimentStatus, ReportStatus
from ctrlab_control.planner import DeleteJob, Facts, JobFacts, RecordRetry, decide

EXPERIMENT = make_small_experiment()
LOST = frozenset({8, 9})
"""Positions of the lost runs among the ten planned ones: the last seed of both models."""
ENDED_JOBS = {
    "evaluate": JobFacts("Failed", failed_indexes=LOST, index_messages={8: "out of memory", 9: "it crashed"}),
    "report": JobFacts("Complete"),
}
REPORT = ReportStatus(uri="s3://b/report/1", digest="sha256:1")
SENTENCE = "2 of 10 final runs were lost: FM seed 2028 (out of memory), LR seed 2028 (it crashed)"


def with_status(facts: Facts, status: ExperimentStatus) -> Facts:
    return replace(facts, experiment=facts.experiment.model_copy(update={"status": status}))


def with_retry(facts: Facts, token: str) -> Facts:
    metadata = facts.experiment.metadata.model_copy(update={"annotations": {RETRY_ANNOTATION: token}})
    return replace(facts, experiment=facts.experiment.model_copy(update={"metadata": metadata}))


def incomplete_facts(experiment: Experiment = EXPERIMENT) -> Facts:
    """Return the facts of an experiment with a report and two lost runs, and the status that follows."""
    facts = make_tuned_facts(experiment, runs=final_runs(experiment, without=LOST), jobs=ENDED_JOBS, report=REPORT)
    return with_status(facts, decide(facts).status)


def test_an_experiment_without_all_planned_runs_does_not_succeed_and_says_which_are_lost_and_why() -> None:
    status = decide(incomplete_facts()).status
    assert status.stage == "Incomplete"
    assert condition_of(status, ConditionType.SUCCEEDED).status == "False"
    assert condition_of(status, ConditionType.FAILED).status == "False"
    assert condition_of(status, ConditionType.REPORT_PUBLISHED).status == "True"
    lost = condition_of(status, ConditionType.RUNS_LOST)
    assert (lost.status, lost.reason, lost.message) == ("True", "RunsFailed", SENTENCE)
    for name, value in ((ConditionType.STALLED, "True"), (ConditionType.READY, "False")):
        condition = condition_of(status, name)
        assert (condition.status, condition.reason) == (value, "RunsLost")
        assert "ctrlab retry study" in condition.message


def test_the_names_and_reasons_outlive_the_jobs() -> None:
    facts = incomplete_facts()
    status = decide(replace(facts, jobs={})).status
    assert status.stage == "Incomplete"
    assert condition_of(status, ConditionType.RUNS_LOST).message == SENTENCE
    assert [model.runs_failed for model in status.models] == [1, 1]


def test_a_lost_run_is_reported_while_the_others_continue() -> None:
    job = JobFacts("Active", 2, failed_indexes=frozenset({8}), index_messages={8: "out of memory"})
    status = decide(
        make_tuned_facts(EXPERIMENT, runs=final_runs(EXPERIMENT, without=LOST), jobs={"evaluate": job})
    ).status
    assert condition_of(status, ConditionType.RUNS_LOST).message.endswith("FM seed 2028 (out of memory)")
    assert condition_of(status, ConditionType.STALLED).status == "False"


def test_a_record_that_appears_late_completes_the_experiment() -> None:
    facts = replace(incomplete_facts(), runs=final_runs(EXPERIMENT))
    status = decide(facts).status
    assert status.stage == "Succeeded"
    assert condition_of(status, ConditionType.RUNS_LOST).status == "False"


def test_many_lost_runs_are_counted() -> None:
    experiment = make_small_experiment(evaluation__seeds={"count": 20})
    lost = frozenset(range(8, 40))
    job = JobFacts("Failed", failed_indexes=lost, index_messages=dict.fromkeys(lost, "x" * 200))
    facts = make_tuned_facts(
        experiment, runs=final_runs(experiment, without=lost), jobs={"evaluate": job}, report=REPORT
    )
    message = condition_of(decide(facts).status, ConditionType.RUNS_LOST).message
    assert message.startswith("32 of 40 final runs were lost: FM seed")
    assert message.endswith(", and 24 more")


def test_a_retry_is_recorded_runs_what_is_lost_and_makes_the_report_again() -> None:
    facts = with_retry(incomplete_facts(), "first")
    begun = decide(facts)
    record = RetryRecord(
        number=1,
        token="first",
        at=NOW,
        cause=f"RunsFailed: {SENTENCE}",
        runs=(LostRun(variant="FM", seed=2028), LostRun(variant="LR", seed=2028)),
        report="sha256:1",
    )
    assert begun.actions == (RecordRetry(record), DeleteJob("evaluate"), DeleteJob("report"))
    assert (begun.status.stage, begun.status.retry) == ("Evaluating", "first")
    assert not begun.status.is_true(ConditionType.EVALUATION_COMPLETE, ConditionType.STALLED, ConditionType.RUNS_LOST)

    running = with_status(replace(facts, jobs={}, retries=(record,)), begun.status)
    assert requested_jobs(running) == ["evaluate"]
    ended = with_status(
        replace(running, runs=final_runs(EXPERIMENT), jobs={"evaluate": JobFacts("Complete")}), decide(running).status
    )
    assert requested_jobs(ended) == ["report"]
    reported = with_status(replace(ended, report=ReportStatus(uri="r", digest="sha256:2")), decide(ended).status)
    assert decide(reported).status.stage == "Succeeded"
    assert decide(with_status(reported, decide(reported).status)).actions == ()


def test_a_crash_after_the_record_of_a_retry_records_nothing_twice() -> None:
    facts = with_retry(incomplete_facts(), "first")
    record = decide(facts).actions[0]
    assert isinstance(record, RecordRetry)
    again = decide(replace(facts, retries=(record.record,)))
    assert again.actions == (DeleteJob("evaluate"), DeleteJob("report"))
    assert again.status.retry == "first"


def test_a_retry_that_loses_the_same_runs_is_incomplete_again_and_can_be_repeated() -> None:
    facts = with_retry(incomplete_facts(), "first")
    record = decide(facts).actions[0]
    assert isinstance(record, RecordRetry)
    facts = with_status(replace(facts, retries=(record.record,)), decide(facts).status)
    facts = replace(facts, jobs={"evaluate": ENDED_JOBS["evaluate"]})
    assert requested_jobs(facts) == ["report"]
    facts = replace(facts, jobs=ENDED_JOBS, report=ReportStatus(uri="r", digest="sha256:2"))
    facts = with_status(facts, decide(facts).status)
    assert decide(facts).status.stage == "Incomplete"
    assert decide(facts).actions == ()
    second = decide(with_retry(facts, "second")).actions[0]
    assert isinstance(second, RecordRetry)
    assert (second.record.number, second.record.report) == (2, "sha256:2")


def test_a_request_waits_until_the_active_runs_have_ended_and_does_nothing_after_success() -> None:
    active = {"evaluate": JobFacts("Active", 4, failed_indexes=frozenset({8}))}
    facts = with_retry(make_tuned_facts(EXPERIMENT, runs=final_runs(EXPERIMENT, without=LOST), jobs=active), "early")
    assert decide(facts).actions == ()
    done = make_tuned_facts(EXPERIMENT, runs=final_runs(EXPERIMENT), report=REPORT)
    done = with_retry(with_status(done, decide(done).status), "late")
    assert decide(done).actions == ()
    assert decide(done).status.stage == "Succeeded"


def test_a_failed_phase_is_retried_as_well() -> None:
    failed = {"prepare": JobFacts("Failed", message="row 3")}
    facts = make_facts(EXPERIMENT, jobs=failed)
    facts = with_status(facts, decide(facts).status)
    assert decide(facts).actions == ()
    begun = decide(with_retry(facts, "1"))
    assert begun.status.stage == "Preparing"
    assert not begun.status.is_true(ConditionType.FAILED)
    record = begun.actions[0]
    assert isinstance(record, RecordRetry)
    assert record.record.cause.startswith("PrepareFailed: row 3")
    assert begun.actions[1:] == (DeleteJob("prepare"),)
    running = with_status(replace(with_retry(facts, "1"), jobs={}, retries=(record.record,)), begun.status)
    assert requested_jobs(running) == ["prepare"]
    assert decide(replace(running, prepared=make_prepared_data())).status.stage == "Tuning"
