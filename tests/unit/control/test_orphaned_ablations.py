"""An ablation whose experiment does not exist: it waits, stops, or keeps its final status."""

import pytest
from builders import condition_of, make_ablation, make_condition

from ctrlab_api.names import ConditionType
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.status import ExperimentStatus
from ctrlab_control.planner import DeleteJob, JobFacts, decide_orphaned

EARLY, NOW = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def ablation(status: ExperimentStatus | None = None, suspend: bool = False) -> Ablation:
    return make_ablation(metadata={"namespace": "team", "generation": 3}, status=status, suspend=suspend)


def test_a_new_ablation_waits_for_its_experiment_to_be_created() -> None:
    decision = decide_orphaned(ablation(), {}, NOW)
    assert decision.actions == ()
    assert (decision.status.stage, decision.status.observed_generation) == ("Pending", 3)
    ready = condition_of(decision.status, ConditionType.READY)
    assert (ready.status, ready.reason) == ("True", "WaitingForExperiment")
    assert ready.message == "waiting for CTRExperiment team/study to be created"
    assert condition_of(decision.status, ConditionType.STALLED).status == "False"


def test_a_suspended_ablation_does_not_wait() -> None:
    assert decide_orphaned(ablation(suspend=True), {}, NOW).status.stage == "Suspended"


def test_a_started_ablation_stops_and_its_message_names_the_remedy() -> None:
    previous = ExperimentStatus(
        stage="Evaluating",
        plan_digest="sha256:p",
        seeds="2/5",
        conditions=(make_condition(ConditionType.TUNING_COMPLETE),),
    )
    jobs = {"evaluate": JobFacts("Active"), "prepare": JobFacts("Complete")}
    decision = decide_orphaned(ablation(previous), jobs, NOW)
    assert decision.actions == (DeleteJob("evaluate"),)
    assert (decision.status.stage, decision.status.seeds) == ("Evaluating", "2/5")
    assert condition_of(decision.status, ConditionType.TUNING_COMPLETE) == make_condition(
        ConditionType.TUNING_COMPLETE
    ).model_copy(update={"observed_generation": 3, "last_transition_time": EARLY})
    stalled = condition_of(decision.status, ConditionType.STALLED)
    assert (stalled.status, stalled.reason) == ("True", "ExperimentDeleted")
    assert stalled.message == (
        "CTRExperiment team/study was deleted before this ablation ended, and with it the addresses of data and "
        "results; delete this ablation and create it again with the experiment"
    )


@pytest.mark.parametrize("end", [ConditionType.SUCCEEDED, ConditionType.FAILED])
def test_an_ended_ablation_keeps_its_status(end: str) -> None:
    previous = ExperimentStatus(
        stage="Succeeded", plan_digest="sha256:p", observed_generation=3, conditions=(make_condition(end),)
    )
    decision = decide_orphaned(ablation(previous), {"report": JobFacts("Active")}, NOW)
    assert decision.status == previous
    assert decision.actions == (DeleteJob("report"),)


def test_a_second_reconcile_changes_nothing() -> None:
    first = decide_orphaned(ablation(), {}, EARLY).status
    assert decide_orphaned(ablation(first), {}, NOW).status == first
