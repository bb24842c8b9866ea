"""The planner's decisions: the actions and the status for one situation each."""

from dataclasses import replace
from typing import Any

from builders import (
    LEARNING_RATES,
    NOW,
    condition_of,
    final_runs,
    make_experiment,
    make_facts,
    make_prepared_data,
    make_seed_decision,
    make_small_experiment,
    make_study_record,
    make_tuned_facts,
    model_spec,
    requested_jobs,
)

from ctrlab_api.names import ConditionType
from ctrlab_api.plan import Plan
from ctrlab_api.records import search_token
from ctrlab_api.resources.status import ReportStatus
from ctrlab_control.planner import DeleteJob, EnsureJob, FreezeUnsearched, JobFacts, StudyFacts, WritePlan, decide

LATER = "2026-01-02T04:00:00Z"
WITH_PRECISION: dict[str, Any] = {
    "evaluation__precision": {"metric": "auc", "halfWidth": "0.001"},
    "evaluation__seeds": {"count": 5, "max": 9},
}
PREPARED = make_prepared_data()
DECISION = make_seed_decision(7)
REPORT = ReportStatus(uri="file:///r", digest="abc")


def test_the_plan_is_written_before_the_first_job() -> None:
    resource = make_small_experiment()
    decision = decide(make_facts(resource, frozen_plan=None))
    assert decision.actions[0] == WritePlan(Plan.from_experiment(resource))
    assert [type(action) for action in decision.actions] == [WritePlan, EnsureJob]
    assert decision.status.plan_digest == Plan.from_experiment(resource).digest
    assert decision.status.stage == "Preparing"


def test_a_model_with_a_search_space_gets_a_job_and_one_without_gets_none() -> None:
    first, second = decide(make_facts(make_small_experiment(tuning__workers=4), prepared=PREPARED)).actions
    assert isinstance(first, EnsureJob)
    job = first.request
    assert (job.name, job.arguments, job.completions) == ("tune-fm", ("tune", "--variant", "FM"), 4)
    assert second == FreezeUnsearched("LR")


def test_names_that_differ_only_in_case_get_jobs_of_different_names() -> None:
    models = [model_spec(name, "lr", search=LEARNING_RATES) for name in ("SIN", "sin", "LR")]
    jobs = requested_jobs(make_facts(make_experiment(models=models), prepared=PREPARED))
    assert len(set(jobs)) == 3
    assert jobs[2] == "tune-lr"


def test_final_runs_wait_for_the_last_study() -> None:
    tuned = make_tuned_facts(make_small_experiment())
    assert requested_jobs(replace(tuned, studies={**tuned.studies, "FM": StudyFacts()})) == ["tune-fm"]
    assert requested_jobs(tuned) == ["evaluate"]


def test_each_index_of_the_final_job_is_one_variant_and_seed() -> None:
    resource = make_small_experiment()
    [action] = decide(make_tuned_facts(resource)).actions
    assert isinstance(action, EnsureJob)
    assert action.request.groups == tuple((run,) for run in Plan.from_experiment(resource).final_runs())
    assert action.request.completions == 10


def test_the_token_in_status_is_the_one_that_opens_the_test_rows() -> None:
    frozen = [make_study_record(name) for name in ("FM", "LR")]
    studies = {record.variant: StudyFacts(digest=record.digest) for record in frozen}
    status = decide(make_facts(make_small_experiment(), prepared=PREPARED, studies=studies)).status
    assert status.search_digest == search_token(frozen)


def test_an_extension_decides_once_and_then_runs_only_the_added_seeds() -> None:
    resource = make_small_experiment(**WITH_PRECISION)
    pilot = make_tuned_facts(resource, runs=final_runs(resource))
    assert requested_jobs(pilot) == ["decide"]
    [action] = decide(replace(pilot, decision=DECISION)).actions
    assert isinstance(action, EnsureJob)
    assert action.request.arguments == ("evaluate", "--seed-count", "7", "--first-index", "10")
    assert {run.seed for group in action.request.groups for run in group} == {2029, 2030}
    done = replace(pilot, decision=DECISION, runs=final_runs(resource, 7))
    assert requested_jobs(done) == ["report"]
    assert decide(done).status.seeds == "7/7"


def test_a_decision_against_more_seeds_leads_to_the_report() -> None:
    resource = make_small_experiment(**WITH_PRECISION)
    no_increase = make_seed_decision(5)
    facts = make_tuned_facts(resource, runs=final_runs(resource), decision=no_increase)
    assert requested_jobs(facts) == ["report"]


def test_a_successful_experiment_has_its_report_in_status() -> None:
    resource = make_small_experiment()
    decision = decide(make_tuned_facts(resource, runs=final_runs(resource), report=REPORT))
    assert decision.actions == ()
    assert decision.status.report == REPORT
    assert decision.status.stage == "Succeeded"
    true = {c.type for c in decision.status.conditions if c.status == "True"}
    assert true == {
        ConditionType.READY,
        ConditionType.PREPARED,
        ConditionType.TUNING_COMPLETE,
        ConditionType.EVALUATION_COMPLETE,
        ConditionType.REPORT_PUBLISHED,
        ConditionType.SUCCEEDED,
    }


def test_an_ended_experiment_keeps_its_status_and_has_no_active_job() -> None:
    failed = decide(
        make_facts(make_small_experiment(), jobs={"prepare": JobFacts("Failed", message="no such file")})
    ).status
    updated = make_small_experiment(status=failed)
    facts = make_facts(updated, now=LATER, jobs={"tune-fm": JobFacts("Active", 2)})
    assert decide(facts).actions == (DeleteJob("tune-fm"),)
    assert decide(facts).status == failed


def test_a_transition_time_changes_only_with_its_condition() -> None:
    first = decide(make_facts(make_small_experiment())).status
    updated = make_small_experiment(status=first)
    second = decide(make_facts(updated, now=LATER, prepared=PREPARED)).status
    assert condition_of(second, ConditionType.READY).last_transition_time == NOW
    assert condition_of(second, ConditionType.READY).reason == "Tuning"
    assert condition_of(second, ConditionType.PREPARED).last_transition_time == LATER
    names = [c.type for c in second.conditions]
    assert names == sorted(names)


def test_the_best_value_of_a_minimized_metric_is_the_smallest() -> None:
    resource = make_small_experiment(analysis={"primaryMetric": "logloss", "metrics": ["logloss"]})
    studies = {"FM": StudyFacts(best=0.4), "LR": StudyFacts(best=0.5)}
    assert decide(make_facts(resource, prepared=PREPARED, studies=studies)).status.best == "0.40000"


def test_a_status_of_twenty_models_and_twenty_seeds_stays_small() -> None:
    models = [model_spec(f"model-with-a-name-of-forty-characters-{i:02}", "fm") for i in range(20)]
    resource = make_small_experiment(models=models, evaluation={"seeds": {"count": 20}})
    studies = {
        name: StudyFacts(99, 3, 0.5, "x" * 500, "sha256:" + "0" * 64) for name in Plan.from_experiment(resource).names
    }
    status = decide(make_facts(resource, prepared=PREPARED, studies=studies, runs=final_runs(resource))).status
    assert len(status.model_dump_json(by_alias=True, exclude_none=True)) < 16 * 1024
