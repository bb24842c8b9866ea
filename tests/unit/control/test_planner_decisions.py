"""One row a situation: what the planner asks for, and what it says."""

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
        place = spec
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return Experiment.model_validate_json(json.dumps({"metadata": {"name": "study"}, "spec": spec}))


PRECISE = {
    "evaluation__precision": {"metric": "auc", "halfWidth": "0.001"},
    "evaluation__seeds": {"count": 5, "max": 9},
}
DECISION = SeedDecision(pilot=5, count=7, half_width=0.001, metric="auc", pilot_sd={}, reason="because")
SEARCHED = {
    "FM": StudyFacts(done=6, failed=1, best=0.712345, digest="sha256:f"),
    "LR": StudyFacts(digest="sha256:1"),
}
REPORT = ReportStatus(uri="file:///r", digest="abc")


def started(wanted: Experiment, **known: Any) -> Facts:
    return Facts(experiment=wanted, now=NOW, frozen_plan=Plan.from_experiment(wanted), **known)


def runs(wanted: Experiment, count: int | None = None, without: frozenset[int] = frozenset()) -> frozenset[FinalRun]:
    planned = Plan.from_experiment(wanted).final_runs(count)
    return frozenset(run for index, run in enumerate(planned) if index not in without)


def condition(status: ExperimentStatus, name: str) -> StatusCondition:
    return next(found for found in status.conditions if found.type == name)


def jobs_made(facts: Facts) -> list[str]:
    return [action.request.name for action in decide(facts).actions if isinstance(action, EnsureJob)]


def test_the_plan_is_written_before_the_first_job() -> None:
    wanted = experiment()
    decision = decide(Facts(experiment=wanted, now=NOW))
    assert decision.actions[0] == WritePlan(Plan.from_experiment(wanted))
    assert [type(action) for action in decision.actions] == [WritePlan, EnsureJob]
    assert decision.status.plan_digest == Plan.from_experiment(wanted).digest
    assert decision.status.stage == "Preparing"


def test_every_search_gets_a_job_and_a_model_without_one_none() -> None:
    first, second = decide(started(experiment(tuning__workers=4), prepared=PREPARED)).actions
    assert isinstance(first, EnsureJob)
    job = first.request
    assert (job.name, job.arguments, job.completions) == ("tune-fm", ("tune", "--variant", "FM"), 4)
    assert second == FreezeUnsearched("LR")


def test_names_that_only_case_tells_apart_get_jobs_of_different_names() -> None:
    rates = {"learning_rate": {"categorical": ["1e-2", "1e-3"]}}
    models = [{"name": name, "architecture": "lr", "search": rates} for name in ("SIN", "sin", "LR")]
    made = jobs_made(started(experiment(models=models), prepared=PREPARED))
    assert len(set(made)) == 3
    assert made[2] == "tune-lr"


def test_final_runs_wait_for_the_last_search() -> None:
    only_one = {"FM": StudyFacts(), "LR": SEARCHED["LR"]}
    assert jobs_made(started(experiment(), prepared=PREPARED, studies=only_one)) == ["tune-fm"]
    assert jobs_made(started(experiment(), prepared=PREPARED, studies=SEARCHED)) == ["evaluate"]


def test_each_index_of_the_final_job_is_one_variant_and_seed() -> None:
    wanted = experiment()
    [action] = decide(started(wanted, prepared=PREPARED, studies=SEARCHED)).actions
    assert isinstance(action, EnsureJob)
    assert action.request.groups == tuple((run,) for run in Plan.from_experiment(wanted).final_runs())
    assert action.request.completions == 10


def test_the_token_in_status_is_the_one_that_opens_test() -> None:
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
    searches = {record.variant: StudyFacts(digest=record.digest) for record in frozen}
    status = decide(started(experiment(), prepared=PREPARED, studies=searches)).status
    assert status.search_digest == search_token(frozen)


def test_extension_asks_once_and_then_runs_the_added_seeds_alone() -> None:
    wanted = experiment(**PRECISE)
    pilot = started(wanted, prepared=PREPARED, studies=SEARCHED, runs=runs(wanted))
    assert jobs_made(pilot) == ["decide"]
    [action] = decide(replace(pilot, decision=DECISION)).actions
    assert isinstance(action, EnsureJob)
    assert action.request.arguments == ("evaluate", "--seed-count", "7", "--first-index", "10")
    assert {run.seed for group in action.request.groups for run in group} == {2029, 2030}
    done = replace(pilot, decision=DECISION, runs=runs(wanted, 7))
    assert jobs_made(done) == ["report"]
    assert decide(done).status.seeds == "7/7"


def test_a_decision_against_more_seeds_leads_straight_to_the_report() -> None:
    wanted = experiment(**PRECISE)
    enough = DECISION.model_copy(update={"count": 5})
    facts = started(wanted, prepared=PREPARED, studies=SEARCHED, runs=runs(wanted), decision=enough)
    assert jobs_made(facts) == ["report"]


def test_a_raised_maximum_of_seeds_reaches_the_decision() -> None:
    wanted = experiment(**PRECISE)
    raised = experiment(**{**PRECISE, "evaluation__seeds": {"count": 5, "max": 12}})
    facts = replace(started(wanted, prepared=PREPARED, studies=SEARCHED, runs=runs(wanted)), experiment=raised)
    [action] = decide(facts).actions
    assert isinstance(action, EnsureJob)
    assert action.request.arguments == ("decide-seeds", "--max", "12")


def test_success_ends_with_the_report_in_status() -> None:
    wanted = experiment()
    decision = decide(started(wanted, prepared=PREPARED, studies=SEARCHED, runs=runs(wanted), report=REPORT))
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
class Failing:
    name: str
    known: dict[str, Any]
    reason: str
    message: str


FAILURES = [
    Failing(
        "prepare failed",
        {"jobs": {"prepare": JobFacts("Failed", message="ratings.csv, row 3, column label: 2 is not 0 or 1")}},
        "PrepareFailed",
        "ratings.csv, row 3, column label: 2 is not 0 or 1; correct that",
    ),
    Failing(
        "prepare left nothing",
        {"jobs": {"prepare": JobFacts("Complete")}},
        "PrepareFailed",
        "ended without writing prepared.json",
    ),
    Failing(
        "too many failed trials",
        {
            "prepared": PREPARED,
            "studies": {"FM": StudyFacts(done=3, failed=2, last_failure="loss is nan")},
            "jobs": {"tune-fm": JobFacts("Active", 2), "tune-lr": JobFacts("Active")},
        },
        "TooManyFailedTrials",
        "2 trials of FM failed, more than tuning.maxFailedTrials 1; the last one: loss is nan",
    ),
    Failing(
        "tuning took too long",
        {"prepared": PREPARED, "jobs": {"tune-fm": JobFacts("Active", 2, active_seconds=3601.0)}},
        "TuningTimeout",
        "longer than tuning.timeout 1h (0 of 6 trials done)",
    ),
    Failing(
        "tuning workers crash",
        {"prepared": PREPARED, "jobs": {"tune-fm": JobFacts("Failed", 2, message="killed by SIGKILL")}},
        "TuningFailed",
        "the study of FM failed: killed by SIGKILL",
    ),
    Failing(
        "all final runs lost",
        {
            "prepared": PREPARED,
            "studies": SEARCHED,
            "jobs": {"evaluate": JobFacts("Failed", failed_indexes=frozenset(range(10)), message="disk is full")},
        },
        "EvaluationFailed",
        "10 of 10 final runs were lost: disk is full; LR and FM share 0 finished seeds, at least 2 are needed",
    ),
    Failing(
        "final runs refused their input",
        {
            "prepared": PREPARED,
            "studies": SEARCHED,
            "runs": frozenset(Plan.from_experiment(experiment()).final_runs()[:8]),
            "jobs": {"evaluate": JobFacts("Failed", non_retriable=True, message="the seal is broken")},
        },
        "EvaluationFailed",
        "the seal is broken",
    ),
    Failing(
        "the report failed",
        {
            "prepared": PREPARED,
            "studies": SEARCHED,
            "runs": frozenset(Plan.from_experiment(experiment()).final_runs()),
            "jobs": {"report": JobFacts("Failed", message="no font")},
        },
        "ReportFailed",
        "the report could not be made: no font; every run is kept",
    ),
]


@pytest.mark.parametrize("case", FAILURES, ids=lambda case: case.name)
def test_a_failure_is_terminal_says_why_and_stops_every_job(case: Failing) -> None:
    facts = started(experiment(), **case.known)
    decision = decide(facts)
    assert set(decision.actions) == {DeleteJob(name) for name in facts.active_jobs}
    assert decision.status.stage == "Failed"
    for name in (ConditionType.FAILED, ConditionType.STALLED):
        found = condition(decision.status, name)
        assert (found.status, found.reason) == ("True", case.reason)
        assert case.message in found.message
    assert condition(decision.status, ConditionType.READY).status == "False"


def test_lost_runs_do_not_stop_the_report_while_pairs_share_two_seeds() -> None:
    wanted = experiment()
    lost = frozenset(range(4, 10))
    facts = started(
        wanted,
        prepared=PREPARED,
        studies=SEARCHED,
        runs=runs(wanted, without=lost),
        jobs={"evaluate": JobFacts("Failed", failed_indexes=lost)},
    )
    assert jobs_made(facts) == ["report"]
    status = decide(facts).status
    assert [(model.name, model.runs_done, model.runs_failed) for model in status.models] == [("FM", 2, 3), ("LR", 2, 3)]
    assert condition(status, ConditionType.EVALUATION_COMPLETE).status == "True"


def test_lost_runs_are_final_only_when_their_job_has_ended() -> None:
    wanted = experiment()
    facts = started(
        wanted,
        prepared=PREPARED,
        studies=SEARCHED,
        runs=runs(wanted, without=frozenset({9})),
        jobs={"evaluate": JobFacts("Active", 4, failed_indexes=frozenset({9}))},
    )
    decision = decide(facts)
    assert decision.actions == ()
    assert decision.status.stage == "Evaluating"


def test_suspending_deletes_active_jobs_and_resuming_makes_them_again() -> None:
    wanted = experiment(suspend=True)
    jobs = {"tune-fm": JobFacts("Active", 2), "prepare": JobFacts("Complete")}
    decision = decide(started(wanted, prepared=PREPARED, jobs=jobs))
    assert decision.actions == (DeleteJob("tune-fm"),)
    assert decision.status.stage == "Suspended"
    assert condition(decision.status, ConditionType.SUSPENDED).status == "True"
    assert condition(decision.status, ConditionType.READY).status == "True"
    resumed = started(experiment(), prepared=PREPARED, jobs={"tune-fm": JobFacts("Deleting")})
    assert jobs_made(resumed) == []
    assert jobs_made(replace(resumed, jobs={})) == ["tune-fm"]


def test_more_workers_scale_active_jobs() -> None:
    searches, jobs = {"LR": SEARCHED["LR"]}, {"tune-fm": JobFacts("Active", 2)}
    facts = started(experiment(tuning__workers=4), prepared=PREPARED, studies=searches, jobs=jobs)
    assert decide(facts).actions == (ScaleJob("tune-fm", 4, 4),)


def test_trials_that_are_raised_while_searches_go_on_are_added_to_every_search() -> None:
    frozen, more = Plan.from_experiment(experiment()), experiment(tuning__trials=50)
    jobs = {"tune-fm": JobFacts("Active", 2)}
    facts = Facts(experiment=more, now=NOW, frozen_plan=frozen, prepared=PREPARED, jobs=jobs)
    decision = decide(facts)
    assert decision.actions[0] == RaiseTrials(50)
    assert decision.status.plan_digest == frozen.digest
    grown = {name: StudyFacts(done=1, budget=50) for name in frozen.names if frozen.trial_budget(name)}
    after = decide(replace(facts, studies=grown))
    assert not any(isinstance(action, RaiseTrials) for action in after.actions)
    assert after.status.trials == f"{len(grown)}/{50 * len(grown)}"


def test_trials_cannot_be_raised_after_a_search_is_frozen_nor_lowered_ever() -> None:
    frozen = Plan.from_experiment(experiment())
    name = next(name for name in frozen.names if frozen.trial_budget(name))
    budget = frozen.trial_budget(name)
    searches = {name: StudyFacts(done=budget, budget=budget, digest="sha256:1")}
    facts = Facts(experiment=experiment(tuning__trials=50), now=NOW, frozen_plan=frozen, prepared=PREPARED)
    stalled = condition(decide(replace(facts, studies=searches)).status, ConditionType.STALLED)
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


def test_what_no_architecture_knows_never_starts() -> None:
    wanted = experiment(models=[{"name": "A", "architecture": "nonesuch"}])
    decision = decide(Facts(experiment=wanted, now=NOW))
    assert decision.actions == ()
    assert "unknown architecture 'nonesuch'" in condition(decision.status, ConditionType.STALLED).message
    assert decision.status.plan_digest is None


def test_an_ended_experiment_stays_as_it_ended_and_leaves_no_job_running() -> None:
    failed = decide(started(experiment(), jobs={"prepare": JobFacts("Failed", message="no such file")})).status
    again = experiment().model_copy(update={"status": failed})
    facts = Facts(
        experiment=again, now=LATER, frozen_plan=Plan.from_experiment(again), jobs={"tune-fm": JobFacts("Active", 2)}
    )
    assert decide(facts).actions == (DeleteJob("tune-fm"),)
    assert decide(facts).status == failed


def test_a_time_moves_only_when_its_condition_changes() -> None:
    first = decide(started(experiment())).status
    again = experiment().model_copy(update={"status": first})
    later = replace(started(again, prepared=PREPARED), now=LATER)
    second = decide(later).status
    assert condition(second, ConditionType.READY).last_transition_time == NOW
    assert condition(second, ConditionType.READY).reason == "Tuning"
    assert condition(second, ConditionType.PREPARED).last_transition_time == LATER
    names = [c.type for c in second.conditions]
    assert names == sorted(names)


def test_the_best_of_a_metric_that_is_minimized_is_the_smallest() -> None:
    wanted = experiment(analysis={"primaryMetric": "logloss", "metrics": ["logloss"]})
    searches = {"FM": StudyFacts(best=0.4), "LR": StudyFacts(best=0.5)}
    assert decide(started(wanted, prepared=PREPARED, studies=searches)).status.best == "0.40000"


def test_a_status_of_twenty_models_and_twenty_seeds_stays_small() -> None:
    models = [{"name": f"model-with-a-name-of-forty-characters-{i:02}", "architecture": "fm"} for i in range(20)]
    wanted = experiment(models=models, evaluation={"seeds": {"count": 20}})
    searches = {
        name: StudyFacts(99, 3, 0.5, "x" * 500, "sha256:" + "0" * 64) for name in Plan.from_experiment(wanted).names
    }
    status = decide(started(wanted, prepared=PREPARED, studies=searches, runs=runs(wanted))).status
    assert len(status.model_dump_json(by_alias=True, exclude_none=True)) < 16 * 1024
