"""An ablation whose experiment does not exist: it waits, stops, or keeps its final status."""

import json
from typing import Any

import pytest

from ctrlab_api.names import ConditionType
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.status import ExperimentStatus, StatusCondition
from ctrlab_control.planner import DeleteJob, JobFacts, decide_orphaned

EARLY, NOW = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def ablation(status: ExperimentStatus | None = None, **spec: Any) -> Ablation:
    fields = {"experimentRef": {"name": "study"}, "model": "FM", "variants": [{"name": "v", "remove": ["fm"]}], **spec}
    metadata = {"name": "parts", "namespace": "team", "generation": 3}
    resource = Ablation.model_validate_json(json.dumps({"metadata": metadata, "spec": fields}))
    return resource.model_copy(update={"status": status})


def condition(status: ExperimentStatus, name: str) -> StatusCondition:
    return next(condition for condition in status.conditions if condition.type == name)


def true_condition(name: str) -> StatusCondition:
    return StatusCondition(type=name, status="True", last_transition_time=EARLY, reason="Done")


def test_a_new_ablation_waits_for_its_experiment_to_be_created() -> None:
    decision = decide_orphaned(ablation(), {}, NOW)
    assert decision.actions == ()
    assert (decision.status.stage, decision.status.observed_generation) == ("Pending", 3)
    ready = condition(decision.status, ConditionType.READY)
    assert (ready.status, ready.reason) == ("True", "WaitingForExperiment")
    assert ready.message == "waiting for CTRExperiment team/study to be created"
    assert condition(decision.status, ConditionType.STALLED).status == "False"


def test_a_suspended_ablation_does_not_wait() -> None:
    assert decide_orphaned(ablation(suspend=True), {}, NOW).status.stage == "Suspended"


def test_a_started_ablation_stops_and_its_message_names_the_remedy() -> None:
    previous = ExperimentStatus(
        stage="Evaluating",
        plan_digest="sha256:p",
        seeds="2/5",
        conditions=(true_condition(ConditionType.TUNING_COMPLETE),),
    )
    jobs = {"evaluate": JobFacts("Active"), "prepare": JobFacts("Complete")}
    decision = decide_orphaned(ablation(previous), jobs, NOW)
    assert decision.actions == (DeleteJob("evaluate"),)
    assert (decision.status.stage, decision.status.seeds) == ("Evaluating", "2/5")
    assert condition(decision.status, ConditionType.TUNING_COMPLETE) == true_condition(
        ConditionType.TUNING_COMPLETE
    ).model_copy(update={"observed_generation": 3, "last_transition_time": EARLY})
    stalled = condition(decision.status, ConditionType.STALLED)
    assert (stalled.status, stalled.reason) == ("True", "ExperimentDeleted")
    assert stalled.message == (
        "CTRExperiment team/study was deleted before this ablation ended, and with it the addresses of data and "
        "results; delete this ablation and create it again with the experiment"
    )


@pytest.mark.parametrize("end", [ConditionType.SUCCEEDED, ConditionType.FAILED])
def test_an_ended_ablation_keeps_its_status(end: str) -> None:
    previous = ExperimentStatus(
        stage="Succeeded", plan_digest="sha256:p", observed_generation=3, conditions=(true_condition(end),)
    )
    decision = decide_orphaned(ablation(previous), {"report": JobFacts("Active")}, NOW)
    assert decision.status == previous
    assert decision.actions == (DeleteJob("report"),)


def test_a_second_reconcile_changes_nothing() -> None:
    first = decide_orphaned(ablation(), {}, EARLY).status
    assert decide_orphaned(ablation(first), {}, NOW).status == first
