"""Changes of the spec while an experiment runs: which take effect, and which stall it."""

from dataclasses import replace

import pytest
from builders import (
    condition_of,
    final_runs,
    make_experiment,
    make_facts,
    make_prepared_data,
    make_small_experiment,
    make_tuned_facts,
    model_spec,
    requested_jobs,
)

from ctrlab_api.names import ConditionType
from ctrlab_api.plan import Plan
from ctrlab_control.planner import Action, DeleteJob, EnsureJob, JobFacts, RaiseTrials, ScaleJob, StudyFacts, decide

PREPARED = make_prepared_data()


def test_a_raised_maximum_of_seeds_reaches_the_decision() -> None:
    precision = {"metric": "auc", "halfWidth": "0.001"}
    resource, raised = (
        make_small_experiment(evaluation={"seeds": {"count": 5, "max": maximum}, "precision": precision})
        for maximum in (9, 12)
    )
    facts = make_tuned_facts(resource, runs=final_runs(resource))
    [action] = decide(replace(facts, experiment=raised)).actions
    assert isinstance(action, EnsureJob)
    assert action.request.arguments == ("decide-seeds", "--max", "12")


def test_suspending_deletes_active_jobs_and_resuming_creates_them_again() -> None:
    resource = make_small_experiment(suspend=True)
    jobs = {"tune-fm": JobFacts("Active", 2), "prepare": JobFacts("Complete")}
    decision = decide(make_facts(resource, prepared=PREPARED, jobs=jobs))
    assert decision.actions == (DeleteJob("tune-fm"),)
    assert decision.status.stage == "Suspended"
    for name in (ConditionType.READY, ConditionType.SUSPENDED):
        assert condition_of(decision.status, name).message == "suspended; set spec.suspend to false to continue"
    assert condition_of(decision.status, ConditionType.SUSPENDED).status == "True"
    assert condition_of(decision.status, ConditionType.READY).status == "True"
    resumed = make_facts(make_small_experiment(), prepared=PREPARED, jobs={"tune-fm": JobFacts("Deleting")})
    assert requested_jobs(resumed) == []
    assert requested_jobs(replace(resumed, jobs={})) == ["tune-fm"]


def test_more_workers_scale_active_jobs() -> None:
    studies, jobs = {"LR": StudyFacts(digest="sha256:1")}, {"tune-fm": JobFacts("Active", 2)}
    facts = make_facts(make_small_experiment(tuning__workers=4), prepared=PREPARED, studies=studies, jobs=jobs)
    assert decide(facts).actions == (ScaleJob("tune-fm", 4, 4),)


@pytest.mark.parametrize(
    ("job", "workers", "action"),
    [
        (JobFacts("Active", 2, is_outdated=True, waiting=2), 2, DeleteJob("tune-fm", unless_changed=True)),
        (JobFacts("Active", 2, is_outdated=True, running=2), 2, None),
        (JobFacts("Active", 2, is_outdated=True, running=1, waiting=1), 2, DeleteJob("tune-fm", unless_changed=True)),
        (JobFacts("Active", 2, is_outdated=True, running=2), 3, DeleteJob("tune-fm", unless_changed=True)),
    ],
    ids=["nothing runs", "all run", "one starts", "another is requested"],
)
def test_an_outdated_tuning_job_is_replaced_at_the_next_start_of_a_worker(
    job: JobFacts, workers: int, action: Action | None
) -> None:
    resource = make_small_experiment(tuning__workers=workers)
    facts = make_facts(
        resource, prepared=PREPARED, studies={"LR": StudyFacts(digest="sha256:1")}, jobs={"tune-fm": job}
    )
    decision = decide(facts)
    assert decision.actions == (() if action is None else (action,))
    reconciling = condition_of(decision.status, ConditionType.RECONCILING)
    assert (reconciling.status, reconciling.reason) == ("True", "ApplyingChange")
    assert "job tune-fm" in reconciling.message
    assert condition_of(decision.status, ConditionType.READY).status == "True"


@pytest.mark.parametrize(
    ("job", "action"),
    [
        (JobFacts("Active", 3, is_outdated=True, waiting=3), DeleteJob("evaluate", unless_changed=True)),
        (JobFacts("Active", 3, is_outdated=True, running=2, waiting=1), ScaleJob("evaluate", 10, 2)),
        (JobFacts("Active", 2, is_outdated=True, running=2), None),
        (JobFacts("Complete", 2, is_outdated=False), None),
    ],
    ids=["nothing runs", "one starts", "all that may run do", "complete"],
)
def test_an_outdated_job_of_final_runs_is_replaced_when_its_running_ones_have_ended(
    job: JobFacts, action: Action | None
) -> None:
    resource = make_small_experiment()
    runs = final_runs(resource) if job.state == "Complete" else frozenset()
    decision = decide(make_tuned_facts(resource, jobs={"evaluate": job}, runs=runs))
    actions = [a for a in decision.actions if getattr(a, "name", "") == "evaluate"]
    assert actions == ([] if action is None else [action])


def test_trials_can_be_raised_while_studies_are_in_progress() -> None:
    frozen, raised = Plan.from_experiment(make_small_experiment()), make_small_experiment(tuning__trials=50)
    jobs = {"tune-fm": JobFacts("Active", 2)}
    facts = make_facts(raised, frozen_plan=frozen, prepared=PREPARED, jobs=jobs)
    decision = decide(facts)
    assert decision.actions[0] == RaiseTrials(50)
    assert decision.status.plan_digest == frozen.digest
    larger = {name: StudyFacts(done=1, budget=50) for name in frozen.names if frozen.trial_budget(name)}
    after = decide(replace(facts, studies=larger))
    assert not any(isinstance(action, RaiseTrials) for action in after.actions)
    assert after.status.trials == f"{len(larger)}/{50 * len(larger)}"


def test_trials_cannot_be_raised_after_a_study_is_frozen_and_never_lowered() -> None:
    frozen = Plan.from_experiment(make_small_experiment())
    name = next(name for name in frozen.names if frozen.trial_budget(name))
    budget = frozen.trial_budget(name)
    studies = {name: StudyFacts(done=budget, budget=budget, digest="sha256:1")}
    facts = make_facts(make_small_experiment(tuning__trials=50), frozen_plan=frozen, prepared=PREPARED)
    stalled = condition_of(decide(replace(facts, studies=studies)).status, ConditionType.STALLED)
    assert stalled.reason == "PlanChanged"
    assert f"trials was raised to 50 after the study of {name} was frozen with {budget} trials" in stalled.message
    fewer = decide(replace(facts, experiment=make_small_experiment(tuning__trials=1)))
    assert condition_of(fewer.status, ConditionType.STALLED).reason == "PlanChanged"


def test_a_changed_plan_stalls_and_names_the_field() -> None:
    frozen = Plan.from_experiment(make_small_experiment())
    jobs = {"tune-fm": JobFacts("Active", 2)}
    facts = make_facts(make_small_experiment(tuning__seed=7), frozen_plan=frozen, prepared=PREPARED, jobs=jobs)
    decision = decide(facts)
    stalled = condition_of(decision.status, ConditionType.STALLED)
    assert (stalled.status, stalled.reason) == ("True", "PlanChanged")
    assert "spec.tuning changed after the plan was frozen" in stalled.message
    assert decision.actions == (DeleteJob("tune-fm"),)
    assert decision.status.plan_digest == frozen.digest
    assert condition_of(decision.status, ConditionType.FAILED).status == "False"


def test_an_unknown_architecture_never_starts() -> None:
    resource = make_experiment(models=[model_spec("A", "nonesuch")])
    decision = decide(make_facts(resource, frozen_plan=None))
    assert decision.actions == ()
    assert "unknown architecture 'nonesuch'" in condition_of(decision.status, ConditionType.STALLED).message
    assert decision.status.plan_digest is None
