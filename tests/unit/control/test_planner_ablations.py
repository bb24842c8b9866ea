"""The planner of experiments also plans ablations: an ablation waits for its experiment, and freezes nothing before."""

import json
from typing import Any

import pytest
from resource_examples.minimal_prepared_data import PREPARED

from ctrlab_api.names import ConditionType
from ctrlab_api.plan import FinalRun, Plan
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.status import ExperimentStatus, ReportStatus, StatusCondition
from ctrlab_control.planner import (
    EnsureJob,
    Facts,
    FreezeUnsearched,
    JobFacts,
    StudyFacts,
    WritePlan,
    ablation_facts,
    as_experiment,
    decide,
)

NOW = "2026-01-02T03:04:05Z"
SUCCEEDED, FAILED = ConditionType.SUCCEEDED, ConditionType.FAILED


def parent(*conditions: str, **status: Any) -> Experiment:
    spec = {
        "dataset": {
            "source": {"uri": "builtin://synthetic"},
            "label": {"column": "label"},
            "features": [{"name": "user", "type": "Categorical"}],
            "split": {"strategy": "Random"},
        },
        "models": [
            {"name": "FM", "architecture": "fm", "search": {"learning_rate": {"categorical": ["1e-2", "1e-3"]}}}
        ],
        "tuning": {"trials": 6, "workers": 2},
        "evaluation": {"seeds": {"count": 5}},
        "runtime": {"gpu": 1, "queueName": "slow"},
    }
    experiment = Experiment.model_validate_json(json.dumps({"metadata": {"name": "study", "uid": "u1"}, "spec": spec}))
    true_conditions = tuple(
        StatusCondition(type=name, status="True", last_transition_time=NOW, reason="Done") for name in conditions
    )
    return experiment.model_copy(update={"status": ExperimentStatus(conditions=true_conditions, **status)})


def ablation(**spec: Any) -> Ablation:
    fields: dict[str, Any] = {
        "experimentRef": {"name": "study"},
        "model": "FM",
        "variants": [{"name": "no-linear", "remove": ["linear"]}],
        **spec,
    }
    return Ablation.model_validate_json(json.dumps({"metadata": {"name": "parts", "uid": "u2"}, "spec": fields}))


def facts(ablation: Ablation, parent: Experiment, **observed: Any) -> Facts:
    experiment = as_experiment(ablation, parent)
    return Facts(experiment=experiment, now=NOW, ablation=ablation_facts(ablation, parent), **observed)


def condition(status: ExperimentStatus, name: str) -> StatusCondition:
    return next(condition for condition in status.conditions if condition.type == name)


def test_an_ablation_waits_for_its_experiment_to_succeed() -> None:
    decision = decide(facts(ablation(), parent(stage="Tuning")))
    assert decision.actions == ()
    assert decision.status.stage == "Pending"
    assert decision.status.plan_digest is None
    ready = condition(decision.status, ConditionType.READY)
    assert (ready.status, ready.reason) == ("True", "WaitingForExperiment")
    assert ready.message == "waiting for CTRExperiment default/study to succeed (stage Tuning)"
    assert condition(decision.status, ConditionType.STALLED).status == "False"


def test_the_plan_is_frozen_when_the_experiment_has_succeeded() -> None:
    experiment = parent(SUCCEEDED, stage="Succeeded", plan_digest="sha256:p", search_digest="sha256:s", seed_count=7)
    first, second = decide(facts(ablation(), experiment)).actions
    assert isinstance(first, WritePlan)
    assert first.plan.parent is not None
    assert (first.plan.parent.plan_digest, first.plan.parent.search_token) == ("sha256:p", "sha256:s")
    assert len(first.plan.final_runs()) == 14
    assert isinstance(second, EnsureJob)
    assert second.request.name == "prepare"


def test_a_failed_experiment_stalls_its_ablation() -> None:
    decision = decide(facts(ablation(), parent(FAILED)))
    stalled = condition(decision.status, ConditionType.STALLED)
    assert (stalled.status, stalled.reason) == ("True", "ParentFailed")
    assert stalled.message == (
        "CTRExperiment default/study failed, and its ablation needs its studies and final runs; run the experiment "
        "again, or delete this ablation"
    )


def test_an_unknown_part_stalls_the_ablation_before_it_waits() -> None:
    resource = ablation(variants=[{"name": "no-cin", "remove": ["cin"]}])
    decision = decide(facts(resource, parent()))
    assert decision.actions == ()
    stalled = condition(decision.status, ConditionType.STALLED)
    assert stalled.reason == "InvalidSpec"
    assert "spec.variants[0].remove: FM has no removable part 'cin'; known: fm, linear" in stalled.message


def test_an_ablation_has_the_phases_of_an_experiment() -> None:
    experiment, resource = parent(SUCCEEDED), ablation()
    plan = ablation_facts(resource, experiment).plan
    assert plan is not None
    studies = {name: StudyFacts(digest=f"sha256:{name}") for name in plan.names}

    def requested_jobs(**observed: Any) -> list[str]:
        actions = decide(facts(resource, experiment, frozen_plan=plan, **observed)).actions
        return [action.request.name for action in actions if isinstance(action, EnsureJob)]

    inherited = decide(facts(resource, experiment, frozen_plan=plan, prepared=PREPARED)).actions
    assert inherited == (FreezeUnsearched("FM"), FreezeUnsearched("no-linear"))
    assert requested_jobs(prepared=PREPARED, studies=studies) == ["evaluate"]
    runs = frozenset(plan.final_runs())
    assert requested_jobs(prepared=PREPARED, studies=studies, runs=runs) == ["report"]
    published = facts(
        resource,
        experiment,
        frozen_plan=plan,
        prepared=PREPARED,
        studies=studies,
        runs=runs,
        jobs={"report": JobFacts("Complete")},
        report=ReportStatus(uri="file:///r", digest="abc"),
    )
    assert decide(published).status.stage == "Succeeded"
    assert FinalRun(variant="no-linear", seed=2024) in runs


def test_a_finished_ablation_ignores_a_failed_experiment() -> None:
    status = ExperimentStatus(
        stage="Succeeded",
        conditions=(StatusCondition(type=SUCCEEDED, status="True", last_transition_time=NOW, reason="Done"),),
    )
    done = ablation().model_copy(update={"status": status})
    other = parent(FAILED, plan_digest="sha256:another")
    decision = decide(facts(done, other))
    assert decision.actions == ()
    assert decision.status.stage == "Succeeded"


def test_another_experiment_of_the_same_name_stalls_a_frozen_ablation() -> None:
    frozen = ablation_facts(ablation(), parent(SUCCEEDED, search_digest="sha256:s")).plan
    decision = decide(facts(ablation(), parent(SUCCEEDED, search_digest="sha256:t"), frozen_plan=frozen))
    message = condition(decision.status, ConditionType.STALLED).message
    assert message.startswith("spec.experimentRef or the experiment that it names changed after the plan was frozen")


@pytest.mark.parametrize("stage", ["Pending", "Evaluating"])
def test_a_second_decision_about_a_waiting_ablation_is_the_same(stage: str) -> None:
    resource = ablation()
    first = decide(facts(resource, parent(stage=stage)))
    updated = resource.model_copy(update={"status": first.status})
    assert decide(facts(updated, parent(stage=stage))) == first


def test_the_runtime_of_the_ablation_overrides_that_of_its_experiment() -> None:
    experiment = as_experiment(ablation(runtime={"gpu": 0}, suspend=True), parent())
    assert (experiment.spec.runtime.gpu, experiment.spec.runtime.queue_name) == (0, "slow")
    assert experiment.spec.suspend
    assert experiment.metadata.name == "parts"
    assert experiment.status is None
    assert Plan.from_experiment(experiment).names == ("FM",)
