"""An ablation goes through the same planner: it waits for its experiment, and freezes nothing before."""

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
    found = Experiment.model_validate_json(json.dumps({"metadata": {"name": "study", "uid": "u1"}, "spec": spec}))
    held = tuple(
        StatusCondition(type=name, status="True", last_transition_time=NOW, reason="Done") for name in conditions
    )
    return found.model_copy(update={"status": ExperimentStatus(conditions=held, **status)})


def ablation(**spec: Any) -> Ablation:
    given: dict[str, Any] = {
        "experimentRef": {"name": "study"},
        "model": "FM",
        "variants": [{"name": "no-linear", "remove": ["linear"]}],
        **spec,
    }
    return Ablation.model_validate_json(json.dumps({"metadata": {"name": "parts", "uid": "u2"}, "spec": given}))


def facts(asked: Ablation, of: Experiment, **known: Any) -> Facts:
    return Facts(experiment=as_experiment(asked, of), now=NOW, ablation=ablation_facts(asked, of), **known)


def condition(status: ExperimentStatus, name: str) -> StatusCondition:
    return next(found for found in status.conditions if found.type == name)


def test_it_waits_for_its_experiment_and_says_so() -> None:
    decision = decide(facts(ablation(), parent(stage="Tuning")))
    assert decision.actions == ()
    assert decision.status.stage == "Pending"
    assert decision.status.plan_digest is None
    ready = condition(decision.status, ConditionType.READY)
    assert (ready.status, ready.reason) == ("True", "WaitingForExperiment")
    assert ready.message == "waiting for CTRExperiment default/study to succeed (stage Tuning)"
    assert condition(decision.status, ConditionType.STALLED).status == "False"


def test_its_plan_is_frozen_when_the_experiment_has_succeeded() -> None:
    over = parent(SUCCEEDED, stage="Succeeded", plan_digest="sha256:p", search_digest="sha256:s", seed_count=7)
    first, second = decide(facts(ablation(), over)).actions
    assert isinstance(first, WritePlan)
    assert first.plan.parent is not None
    assert (first.plan.parent.plan_digest, first.plan.parent.search_token) == ("sha256:p", "sha256:s")
    assert len(first.plan.final_runs()) == 14
    assert isinstance(second, EnsureJob)
    assert second.request.name == "prepare"


def test_an_experiment_that_failed_stalls_it_with_what_to_do() -> None:
    decision = decide(facts(ablation(), parent(FAILED)))
    stalled = condition(decision.status, ConditionType.STALLED)
    assert (stalled.status, stalled.reason) == ("True", "ParentFailed")
    assert stalled.message == (
        "CTRExperiment default/study failed, and its ablation needs its studies and final runs; run the experiment "
        "again, or delete this ablation"
    )


def test_a_part_that_is_not_there_stalls_it_before_it_waits() -> None:
    asked = ablation(variants=[{"name": "no-cin", "remove": ["cin"]}])
    decision = decide(facts(asked, parent()))
    assert decision.actions == ()
    stalled = condition(decision.status, ConditionType.STALLED)
    assert stalled.reason == "InvalidSpec"
    assert "spec.variants[0].remove: FM has no removable part 'cin'; known: fm, linear" in stalled.message


def test_its_phases_are_those_of_an_experiment() -> None:
    over, asked = parent(SUCCEEDED), ablation()
    known = ablation_facts(asked, over).plan
    assert known is not None
    searches = {name: StudyFacts(digest=f"sha256:{name}") for name in known.names}

    def made(**more: Any) -> list[str]:
        found = decide(facts(asked, over, frozen_plan=known, **more)).actions
        return [action.request.name for action in found if isinstance(action, EnsureJob)]

    inherited = decide(facts(asked, over, frozen_plan=known, prepared=PREPARED)).actions
    assert inherited == (FreezeUnsearched("FM"), FreezeUnsearched("no-linear"))
    assert made(prepared=PREPARED, studies=searches) == ["evaluate"]
    runs = frozenset(known.final_runs())
    assert made(prepared=PREPARED, studies=searches, runs=runs) == ["report"]
    published = facts(
        asked,
        over,
        frozen_plan=known,
        prepared=PREPARED,
        studies=searches,
        runs=runs,
        jobs={"report": JobFacts("Complete")},
        report=ReportStatus(uri="file:///r", digest="abc"),
    )
    assert decide(published).status.stage == "Succeeded"
    assert FinalRun(variant="no-linear", seed=2024) in runs


def test_a_finished_ablation_outlives_its_experiment() -> None:
    status = ExperimentStatus(
        stage="Succeeded",
        conditions=(StatusCondition(type=SUCCEEDED, status="True", last_transition_time=NOW, reason="Done"),),
    )
    done = ablation().model_copy(update={"status": status})
    other = parent(FAILED, plan_digest="sha256:another")
    decision = decide(facts(done, other))
    assert decision.actions == ()
    assert decision.status.stage == "Succeeded"


def test_another_experiment_of_the_same_name_is_told_once_the_plan_is_frozen() -> None:
    frozen = ablation_facts(ablation(), parent(SUCCEEDED, search_digest="sha256:s")).plan
    decision = decide(facts(ablation(), parent(SUCCEEDED, search_digest="sha256:t"), frozen_plan=frozen))
    message = condition(decision.status, ConditionType.STALLED).message
    assert message.startswith("spec.experimentRef or the experiment that it names changed after the plan was frozen")


@pytest.mark.parametrize("stage", ["Pending", "Evaluating"])
def test_waiting_leaves_nothing_to_do_again(stage: str) -> None:
    asked = ablation()
    first = decide(facts(asked, parent(stage=stage)))
    again = asked.model_copy(update={"status": first.status})
    assert decide(facts(again, parent(stage=stage))) == first


def test_its_own_runtime_wins_and_what_it_leaves_out_is_the_experiments() -> None:
    asked = as_experiment(ablation(runtime={"gpu": 0}, suspend=True), parent())
    assert (asked.spec.runtime.gpu, asked.spec.runtime.queue_name) == (0, "slow")
    assert asked.spec.suspend
    assert asked.metadata.name == "parts"
    assert asked.status is None
    assert Plan.from_experiment(asked).names == ("FM",)
