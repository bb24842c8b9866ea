"""The planner of experiments also plans ablations: an ablation waits for its experiment, and freezes nothing before."""

import re
from dataclasses import replace
from typing import Any

import pytest
from builders import (
    FM,
    condition_of,
    frozen_studies,
    make_ablation,
    make_condition,
    make_facts,
    make_prepared_data,
    make_small_experiment,
    requested_jobs,
)

from ctrlab_api.names import ConditionType
from ctrlab_api.plan import FinalRun, Plan
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.status import ExperimentStatus, ReportStatus
from ctrlab_control.planner import (
    EnsureJob,
    Facts,
    FreezeUnsearched,
    JobFacts,
    WritePlan,
    ablation_facts,
    as_experiment,
    decide,
)

SUCCEEDED, FAILED = ConditionType.SUCCEEDED, ConditionType.FAILED


def parent(*conditions: str, **status: Any) -> Experiment:
    true_conditions = tuple(make_condition(name) for name in conditions)
    return make_small_experiment(
        metadata={"uid": "u1"},
        status=ExperimentStatus(conditions=true_conditions, **status),
        models=[FM],
        runtime={"gpu": 1, "queueName": "slow"},
    )


def facts(ablation: Ablation, parent: Experiment, **observed: Any) -> Facts:
    experiment = as_experiment(ablation, parent)
    return make_facts(experiment, **{"frozen_plan": None, "ablation": ablation_facts(ablation, parent), **observed})


def test_an_ablation_waits_for_its_experiment_to_succeed() -> None:
    decision = decide(facts(make_ablation(), parent(stage="Tuning")))
    assert decision.actions == ()
    assert decision.status.stage == "Pending"
    assert decision.status.plan_digest is None
    ready = condition_of(decision.status, ConditionType.READY)
    assert (ready.status, ready.reason) == ("True", "WaitingForExperiment")
    assert ready.message == "waiting for CTRExperiment default/study to succeed (stage Tuning)"
    assert condition_of(decision.status, ConditionType.STALLED).status == "False"


def test_the_plan_is_frozen_when_the_experiment_has_succeeded() -> None:
    experiment = parent(SUCCEEDED, stage="Succeeded", plan_digest="sha256:p", search_digest="sha256:s", seed_count=7)
    first, second = decide(facts(make_ablation(), experiment)).actions
    assert isinstance(first, WritePlan)
    assert first.plan.parent is not None
    assert (first.plan.parent.plan_digest, first.plan.parent.search_token) == ("sha256:p", "sha256:s")
    assert len(first.plan.final_runs()) == 14
    assert isinstance(second, EnsureJob)
    assert second.request.name == "prepare"


def test_messages_name_work_that_an_ablation_does() -> None:
    experiment = parent(SUCCEEDED, stage="Succeeded", plan_digest="sha256:p", search_digest="sha256:s")
    preparing = facts(make_ablation(), experiment)
    tuning = replace(preparing, frozen_plan=preparing.plan, prepared=make_prepared_data())
    messages = [condition_of(decide(observed).status, ConditionType.READY).message for observed in (preparing, tuning)]
    assert messages[0] == "reusing the data set of the experiment"
    assert re.fullmatch("freezing .+ without trials", messages[1])


def test_a_failed_experiment_stalls_its_ablation() -> None:
    decision = decide(facts(make_ablation(), parent(FAILED)))
    stalled = condition_of(decision.status, ConditionType.STALLED)
    assert (stalled.status, stalled.reason) == ("True", "ParentFailed")
    assert stalled.message == (
        "CTRExperiment default/study failed, and its ablation needs its studies and final runs; run the experiment "
        "again, or delete this ablation"
    )


def test_an_unknown_part_stalls_the_ablation_before_it_waits() -> None:
    resource = make_ablation(variants=[{"name": "no-cin", "remove": ["cin"]}])
    decision = decide(facts(resource, parent()))
    assert decision.actions == ()
    stalled = condition_of(decision.status, ConditionType.STALLED)
    assert stalled.reason == "InvalidSpec"
    assert "spec.variants[0].remove: FM has no removable part 'cin'; known: fm, linear" in stalled.message


def test_an_ablation_has_the_phases_of_an_experiment() -> None:
    experiment, resource = parent(SUCCEEDED), make_ablation()
    plan = ablation_facts(resource, experiment).plan
    assert plan is not None
    prepared = facts(resource, experiment, frozen_plan=plan, prepared=make_prepared_data())
    assert decide(prepared).actions == (FreezeUnsearched("FM"), FreezeUnsearched("no-linear"))
    tuned = replace(prepared, studies=frozen_studies(plan))
    assert requested_jobs(tuned) == ["evaluate"]
    runs = frozenset(plan.final_runs())
    evaluated = replace(tuned, runs=runs)
    assert requested_jobs(evaluated) == ["report"]
    published = replace(
        evaluated, jobs={"report": JobFacts("Complete")}, report=ReportStatus(uri="file:///r", digest="abc")
    )
    assert decide(published).status.stage == "Succeeded"
    assert FinalRun(variant="no-linear", seed=2024) in runs


def test_a_finished_ablation_ignores_a_failed_experiment() -> None:
    done = make_ablation(status=ExperimentStatus(stage="Succeeded", conditions=(make_condition(SUCCEEDED),)))
    other = parent(FAILED, plan_digest="sha256:another")
    decision = decide(facts(done, other))
    assert decision.actions == ()
    assert decision.status.stage == "Succeeded"


def test_another_experiment_of_the_same_name_stalls_a_frozen_ablation() -> None:
    frozen = ablation_facts(make_ablation(), parent(SUCCEEDED, search_digest="sha256:s")).plan
    decision = decide(facts(make_ablation(), parent(SUCCEEDED, search_digest="sha256:t"), frozen_plan=frozen))
    message = condition_of(decision.status, ConditionType.STALLED).message
    assert message.startswith("spec.experimentRef or the experiment that it names changed after the plan was frozen")


@pytest.mark.parametrize("stage", ["Pending", "Evaluating"])
def test_a_second_decision_about_a_waiting_ablation_is_the_same(stage: str) -> None:
    first = decide(facts(make_ablation(), parent(stage=stage)))
    assert decide(facts(make_ablation(status=first.status), parent(stage=stage))) == first


def test_the_runtime_of_the_ablation_overrides_that_of_its_experiment() -> None:
    experiment = as_experiment(make_ablation(runtime={"gpu": 0}, suspend=True), parent())
    assert (experiment.spec.runtime.gpu, experiment.spec.runtime.queue_name) == (0, "slow")
    assert experiment.spec.suspend
    assert experiment.metadata.name == "parts"
    assert experiment.status is None
    assert Plan.from_experiment(experiment).names == ("FM",)
