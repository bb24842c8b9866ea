"""The planner's decisions: the actions and the status for one situation each."""

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from resource_examples.minimal_prepared_data import PREPARED

from ctrlab_api.names import ConditionType
from ctrlab_api.plan import FinalRun, Plan
from ctrlab_api.records import SeedDecision, search_token
from ctrlab_api.records.studies import BestChoice, StudyRecord
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.status import ExperimentStatus, ReportStatus, StatusCondition
from ctrlab_control.planner import (
    DeleteJob,
    EnsureJob,
    Facts,
    FreezeUnsearched,
    JobFacts,
    RaiseTrials,
    ScaleJob,
    StudyFacts,
    WritePlan,
    decide,
)

NOW = "2026-01-02T03:04:05Z"
LATER = "2026-01-02T04:00:00Z"


def experiment(**changes: Any) -> Experiment:
    spec: dict[str, Any] = {
        "dataset": {
            "source": {"uri": "builtin://synthetic"},
            "label": {"column": "label"},
            "features": [{"name": "user", "type": "Categorical"}],
            "split": {"strategy": "Random"},
        },
        "models": [
            {"name": "FM", "architecture": "fm", "search": {"learning_rate": {"categorical": ["1e-2", "1e-3"]}}},
            {"name": "LR", "architecture": "lr"},
        ],
        "tuning": {"trials": 6, "workers": 2, "maxFailedTrials": 1, "timeout": "1h"},
        "evaluation": {"seeds": {"count": 5}},
    }
    for path, value in changes.items():
        *parents, last = path.split("__")
        fields = spec
        for parent in parents:
            fields = fields.setdefault(parent, {})
        fields[last] = value
    return Experiment.model_validate_json(json.dumps({"metadata": {"name": "study"}, "spec": spec}))


WITH_PRECISION = {
    "evaluation__precision": {"metric": "auc", "halfWidth": "0.001"},
    "evaluation__seeds": {"count": 5, "max": 9},
}
DECISION = SeedDecision(pilot=5, count=7, half_width=0.001, metric="auc", pilot_sd={}, reason="because")
FROZEN_STUDIES = {
    "FM": StudyFacts(done=6, failed=1, best=0.712345, digest="sha256:f"),
    "LR": StudyFacts(digest="sha256:1"),
}
REPORT = ReportStatus(uri="file:///r", digest="abc")


def started(resource: Experiment, **observed: Any) -> Facts:
    return Facts(experiment=resource, now=NOW, frozen_plan=Plan.from_experiment(resource), **observed)


def runs(resource: Experiment, count: int | None = None, without: frozenset[int] = frozenset()) -> frozenset[FinalRun]:
    planned = Plan.from_experiment(resource).final_runs(count)
    return frozenset(run for index, run in enumerate(planned) if index not in without)


def condition(status: ExperimentStatus, name: str) -> StatusCondition:
    return next(condition for condition in status.conditions if condition.type == name)


def requested_jobs(facts: Facts) -> list[str]:
    return [action.request.name for action in decide(facts).actions if isinstance(action, EnsureJob)]


def test_the_plan_is_written_before_the_first_job() -> None:
    resource = experiment()
    decision = decide(Facts(experiment=resource, now=NOW))
    assert decision.actions[0] == WritePlan(Plan.from_experiment(resource))
    assert [type(action) for action in decision.actions] == [WritePlan, EnsureJob]
    assert decision.status.plan_digest == Plan.from_experiment(resource).digest
    assert decision.status.stage == "Preparing"


def test_a_model_with_a_search_space_gets_a_job_and_one_without_gets_none() -> None:
    first, second = decide(started(experiment(tuning__workers=4), prepared=PREPARED)).actions
    assert isinstance(first, EnsureJob)
    job = first.request
    assert (job.name, job.arguments, job.completions) == ("tune-fm", ("tune", "--variant", "FM"), 4)
    assert second == FreezeUnsearched("LR")


def test_names_that_differ_only_in_case_get_jobs_of_different_names() -> None:
    rates = {"learning_rate": {"categorical": ["1e-2", "1e-3"]}}
    models = [{"name": name, "architecture": "lr", "search": rates} for name in ("SIN", "sin", "LR")]
    jobs = requested_jobs(started(experiment(models=models), prepared=PREPARED))
    assert len(set(jobs)) == 3
    assert jobs[2] == "tune-lr"


def test_final_runs_wait_for_the_last_study() -> None:
    first_only = {"FM": StudyFacts(), "LR": FROZEN_STUDIES["LR"]}
    assert requested_jobs(started(experiment(), prepared=PREPARED, studies=first_only)) == ["tune-fm"]
    assert requested_jobs(started(experiment(), prepared=PREPARED, studies=FROZEN_STUDIES)) == ["evaluate"]


def test_each_index_of_the_final_job_is_one_variant_and_seed() -> None:
    resource = experiment()
    [action] = decide(started(resource, prepared=PREPARED, studies=FROZEN_STUDIES)).actions
    assert isinstance(action, EnsureJob)
    assert action.request.groups == tuple((run,) for run in Plan.from_experiment(resource).final_runs())
    assert action.request.completions == 10


def test_the_token_in_status_is_the_one_that_opens_the_test_rows() -> None:
    frozen = [
        StudyRecord(
            variant=name,
            plan_digest="p",
            dataset_digest="d",
            primary_metric="auc",
            direction="maximize",
            sampler="TPE",
            sampler_seed=1,
            pruner="None",
            budget=0,
            trials=(),
            best=BestChoice(trial=None, value=None, parameters={}, justification="nothing was tuned"),
            versions={},
            seconds=0.0,
        )
        for name in ("FM", "LR")
    ]
    studies = {record.variant: StudyFacts(digest=record.digest) for record in frozen}
    status = decide(started(experiment(), prepared=PREPARED, studies=studies)).status
    assert status.search_digest == search_token(frozen)


def test_an_extension_decides_once_and_then_runs_only_the_added_seeds() -> None:
    resource = experiment(**WITH_PRECISION)
    pilot = started(resource, prepared=PREPARED, studies=FROZEN_STUDIES, runs=runs(resource))
    assert requested_jobs(pilot) == ["decide"]
    [action] = decide(replace(pilot, decision=DECISION)).actions
    assert isinstance(action, EnsureJob)
    assert action.request.arguments == ("evaluate", "--seed-count", "7", "--first-index", "10")
    assert {run.seed for group in action.request.groups for run in group} == {2029, 2030}
    done = replace(pilot, decision=DECISION, runs=runs(resource, 7))
    assert requested_jobs(done) == ["report"]
    assert decide(done).status.seeds == "7/7"


def test_a_decision_against_more_seeds_leads_to_the_report() -> None:
    resource = experiment(**WITH_PRECISION)
    no_increase = DECISION.model_copy(update={"count": 5})
    facts = started(resource, prepared=PREPARED, studies=FROZEN_STUDIES, runs=runs(resource), decision=no_increase)
    assert requested_jobs(facts) == ["report"]


def test_a_raised_maximum_of_seeds_reaches_the_decision() -> None:
    resource = experiment(**WITH_PRECISION)
    raised = experiment(**{**WITH_PRECISION, "evaluation__seeds": {"count": 5, "max": 12}})
    facts = replace(
        started(resource, prepared=PREPARED, studies=FROZEN_STUDIES, runs=runs(resource)), experiment=raised
    )
    [action] = decide(facts).actions
    assert isinstance(action, EnsureJob)
    assert action.request.arguments == ("decide-seeds", "--max", "12")


def test_a_successful_experiment_has_its_report_in_status() -> None:
    resource = experiment()
    decision = decide(started(resource, prepared=PREPARED, studies=FROZEN_STUDIES, runs=runs(resource), report=REPORT))
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
            "studies": FROZEN_STUDIES,
            "jobs": {"evaluate": JobFacts("Failed", failed_indexes=frozenset(range(10)), message="disk is full")},
        },
        "EvaluationFailed",
        "10 of 10 final runs were lost: disk is full; LR and FM share 0 finished seeds, at least 2 are needed",
    ),
    FailureCase(
        "final runs reject their input",
        {
            "prepared": PREPARED,
            "studies": FROZEN_STUDIES,
            "runs": frozenset(Plan.from_experiment(experiment()).final_runs()[:8]),
            "jobs": {"evaluate": JobFacts("Failed", non_retriable=True, message="the seal is broken")},
        },
        "EvaluationFailed",
        "the seal is broken",
    ),
    FailureCase(
        "the report failed",
        {
            "prepared": PREPARED,
            "studies": FROZEN_STUDIES,
            "runs": frozenset(Plan.from_experiment(experiment()).final_runs()),
            "jobs": {"report": JobFacts("Failed", message="no font")},
        },
        "ReportFailed",
        "the report could not be made: no font; every run is kept",
    ),
]


@pytest.mark.parametrize("case", FAILURES, ids=lambda case: case.name)
def test_a_failure_is_final_has_a_reason_and_stops_every_job(case: FailureCase) -> None:
    facts = started(experiment(), **case.observed)
    decision = decide(facts)
    assert set(decision.actions) == {DeleteJob(name) for name in facts.active_jobs}
    assert decision.status.stage == "Failed"
    for name in (ConditionType.FAILED, ConditionType.STALLED):
        failure = condition(decision.status, name)
        assert (failure.status, failure.reason) == ("True", case.reason)
        assert case.message in failure.message
    assert condition(decision.status, ConditionType.READY).status == "False"


def test_lost_runs_do_not_stop_the_report_while_pairs_share_two_seeds() -> None:
    resource = experiment()
    lost = frozenset(range(4, 10))
    facts = started(
        resource,
        prepared=PREPARED,
        studies=FROZEN_STUDIES,
        runs=runs(resource, without=lost),
        jobs={"evaluate": JobFacts("Failed", failed_indexes=lost)},
    )
    assert requested_jobs(facts) == ["report"]
    status = decide(facts).status
    assert [(model.name, model.runs_done, model.runs_failed) for model in status.models] == [("FM", 2, 3), ("LR", 2, 3)]
    assert condition(status, ConditionType.EVALUATION_COMPLETE).status == "True"


def test_lost_runs_are_final_only_when_their_job_has_ended() -> None:
    resource = experiment()
    facts = started(
        resource,
        prepared=PREPARED,
        studies=FROZEN_STUDIES,
        runs=runs(resource, without=frozenset({9})),
        jobs={"evaluate": JobFacts("Active", 4, failed_indexes=frozenset({9}))},
    )
    decision = decide(facts)
    assert decision.actions == ()
    assert decision.status.stage == "Evaluating"


def test_suspending_deletes_active_jobs_and_resuming_creates_them_again() -> None:
    resource = experiment(suspend=True)
    jobs = {"tune-fm": JobFacts("Active", 2), "prepare": JobFacts("Complete")}
    decision = decide(started(resource, prepared=PREPARED, jobs=jobs))
    assert decision.actions == (DeleteJob("tune-fm"),)
    assert decision.status.stage == "Suspended"
    assert condition(decision.status, ConditionType.SUSPENDED).status == "True"
    assert condition(decision.status, ConditionType.READY).status == "True"
    resumed = started(experiment(), prepared=PREPARED, jobs={"tune-fm": JobFacts("Deleting")})
    assert requested_jobs(resumed) == []
    assert requested_jobs(replace(resumed, jobs={})) == ["tune-fm"]


def test_more_workers_scale_active_jobs() -> None:
    studies, jobs = {"LR": FROZEN_STUDIES["LR"]}, {"tune-fm": JobFacts("Active", 2)}
    facts = started(experiment(tuning__workers=4), prepared=PREPARED, studies=studies, jobs=jobs)
    assert decide(facts).actions == (ScaleJob("tune-fm", 4, 4),)


def test_trials_can_be_raised_while_studies_are_in_progress() -> None:
    frozen, raised = Plan.from_experiment(experiment()), experiment(tuning__trials=50)
    jobs = {"tune-fm": JobFacts("Active", 2)}
    facts = Facts(experiment=raised, now=NOW, frozen_plan=frozen, prepared=PREPARED, jobs=jobs)
    decision = decide(facts)
    assert decision.actions[0] == RaiseTrials(50)
    assert decision.status.plan_digest == frozen.digest
    larger = {name: StudyFacts(done=1, budget=50) for name in frozen.names if frozen.trial_budget(name)}
    after = decide(replace(facts, studies=larger))
    assert not any(isinstance(action, RaiseTrials) for action in after.actions)
    assert after.status.trials == f"{len(larger)}/{50 * len(larger)}"


def test_trials_cannot_be_raised_after_a_study_is_frozen_and_never_lowered() -> None:
    frozen = Plan.from_experiment(experiment())
    name = next(name for name in frozen.names if frozen.trial_budget(name))
    budget = frozen.trial_budget(name)
    studies = {name: StudyFacts(done=budget, budget=budget, digest="sha256:1")}
    facts = Facts(experiment=experiment(tuning__trials=50), now=NOW, frozen_plan=frozen, prepared=PREPARED)
    stalled = condition(decide(replace(facts, studies=studies)).status, ConditionType.STALLED)
    assert stalled.reason == "PlanChanged"
    assert f"trials was raised to 50 after the study of {name} was frozen with {budget} trials" in stalled.message
    fewer = decide(replace(facts, experiment=experiment(tuning__trials=1)))
    assert condition(fewer.status, ConditionType.STALLED).reason == "PlanChanged"


def test_a_changed_plan_stalls_and_names_the_field() -> None:
    frozen = Plan.from_experiment(experiment())
    jobs = {"tune-fm": JobFacts("Active", 2)}
    facts = Facts(experiment=experiment(tuning__seed=7), now=NOW, frozen_plan=frozen, prepared=PREPARED, jobs=jobs)
    decision = decide(facts)
    stalled = condition(decision.status, ConditionType.STALLED)
    assert (stalled.status, stalled.reason) == ("True", "PlanChanged")
    assert "spec.tuning changed after the plan was frozen" in stalled.message
    assert decision.actions == (DeleteJob("tune-fm"),)
    assert decision.status.plan_digest == frozen.digest
    assert condition(decision.status, ConditionType.FAILED).status == "False"


def test_an_unknown_architecture_never_starts() -> None:
    resource = experiment(models=[{"name": "A", "architecture": "nonesuch"}])
    decision = decide(Facts(experiment=resource, now=NOW))
    assert decision.actions == ()
    assert "unknown architecture 'nonesuch'" in condition(decision.status, ConditionType.STALLED).message
    assert decision.status.plan_digest is None


def test_an_ended_experiment_keeps_its_status_and_has_no_active_job() -> None:
    failed = decide(started(experiment(), jobs={"prepare": JobFacts("Failed", message="no such file")})).status
    updated = experiment().model_copy(update={"status": failed})
    facts = Facts(
        experiment=updated,
        now=LATER,
        frozen_plan=Plan.from_experiment(updated),
        jobs={"tune-fm": JobFacts("Active", 2)},
    )
    assert decide(facts).actions == (DeleteJob("tune-fm"),)
    assert decide(facts).status == failed


def test_a_transition_time_changes_only_with_its_condition() -> None:
    first = decide(started(experiment())).status
    updated = experiment().model_copy(update={"status": first})
    later = replace(started(updated, prepared=PREPARED), now=LATER)
    second = decide(later).status
    assert condition(second, ConditionType.READY).last_transition_time == NOW
    assert condition(second, ConditionType.READY).reason == "Tuning"
    assert condition(second, ConditionType.PREPARED).last_transition_time == LATER
    names = [c.type for c in second.conditions]
    assert names == sorted(names)


def test_the_best_value_of_a_minimized_metric_is_the_smallest() -> None:
    resource = experiment(analysis={"primaryMetric": "logloss", "metrics": ["logloss"]})
    studies = {"FM": StudyFacts(best=0.4), "LR": StudyFacts(best=0.5)}
    assert decide(started(resource, prepared=PREPARED, studies=studies)).status.best == "0.40000"


def test_a_status_of_twenty_models_and_twenty_seeds_stays_small() -> None:
    models = [{"name": f"model-with-a-name-of-forty-characters-{i:02}", "architecture": "fm"} for i in range(20)]
    resource = experiment(models=models, evaluation={"seeds": {"count": 20}})
    studies = {
        name: StudyFacts(99, 3, 0.5, "x" * 500, "sha256:" + "0" * 64) for name in Plan.from_experiment(resource).names
    }
    status = decide(started(resource, prepared=PREPARED, studies=studies, runs=runs(resource))).status
    assert len(status.model_dump_json(by_alias=True, exclude_none=True)) < 16 * 1024
