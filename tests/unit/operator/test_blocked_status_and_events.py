"""Conditions and Events of an experiment that is blocked."""

from datetime import UTC, datetime

from ctrlab_api.names import ConditionType
from ctrlab_api.resources.status import ExperimentStatus, Stage, StatusCondition
from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.kubernetes_api.object_cache import ResourceRef
from ctrlab_operator.kubernetes_api.object_kinds import ABLATION
from ctrlab_operator.reconciling.blocked_status import blocked_status, status_with_note
from ctrlab_operator.reconciling.status_events import StatusEvent, event_manifest, status_events

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def status(stage: Stage = "Tuning", *, stalled: str | None = None, time: str = EARLY) -> ExperimentStatus:
    conditions = {
        ConditionType.PREPARED: ("True", "Done"),
        ConditionType.READY: ("False" if stalled else "True", stalled or stage),
        ConditionType.STALLED: ("True" if stalled else "False", stalled or "Moving"),
    }
    return ExperimentStatus(
        stage=stage,
        trials="3/8",
        conditions=tuple(
            StatusCondition.model_validate(
                {
                    "type": kind,
                    "status": value,
                    "reason": reason,
                    "last_transition_time": time,
                    "message": f"m {reason}",
                }
            )
            for kind, (value, reason) in sorted(conditions.items())
        ),
    )


def condition(status: ExperimentStatus, condition_type: str) -> StatusCondition:
    result = status.condition(condition_type)
    assert result is not None
    return result


def manifest(
    event: StatusEvent, status: ExperimentStatus, name: str = "study", reporter: str = "operator-0"
) -> Manifest:
    return event_manifest(ResourceRef("team", name), "uid", status, event, reporter, NOW)


def test_a_blocked_status_keeps_everything_but_ready_and_stalled() -> None:
    before = status()
    after = blocked_status(before, before, 4, LATE, "SecretMissing", "there is no Secret s3; create it")
    assert (after.trials, after.stage, after.observed_generation) == ("3/8", "Tuning", 4)
    assert condition(after, ConditionType.PREPARED) == condition(before, ConditionType.PREPARED)
    stalled = condition(after, ConditionType.STALLED)
    assert (stalled.status, stalled.reason, stalled.last_transition_time) == ("True", "SecretMissing", LATE)
    assert condition(after, ConditionType.READY).status == "False"


def test_a_blocked_status_does_not_change_while_the_reason_is_the_same() -> None:
    first = blocked_status(status(), status(), 4, EARLY, "SecretMissing", "create it")
    assert blocked_status(first, first, 4, LATE, "SecretMissing", "create it") == first
    assert blocked_status(status(), first, 4, LATE, "SecretMissing", "create it") == first


def test_a_resource_without_a_status_can_be_blocked() -> None:
    after = blocked_status(ExperimentStatus(), None, 1, LATE, "InvalidSpec", "x" * 5000)
    assert [condition.type for condition in after.conditions] == [ConditionType.READY, ConditionType.STALLED]
    assert len(condition(after, ConditionType.STALLED).message) == 2000


def test_every_change_of_stage_is_one_event() -> None:
    assert [event.reason for event in status_events(None, status("Preparing"))] == ["Preparing"]
    assert [event.reason for event in status_events(status("Preparing"), status("Tuning"))] == ["Tuning"]
    assert status_events(status("Tuning"), status("Tuning")) == []


def test_an_obstacle_is_a_warning_and_its_end_an_event() -> None:
    (warning,) = status_events(status(), status(stalled="SecretInvalid"))
    assert (warning.type, warning.reason) == ("Warning", "SecretInvalid")
    assert status_events(status(stalled="SecretInvalid"), status(stalled="SecretInvalid")) == []
    (resumed,) = status_events(status(stalled="SecretInvalid"), status())
    assert (resumed.type, resumed.reason) == ("Normal", "Resumed")


def test_the_same_event_has_the_same_name_and_another_has_another() -> None:
    (first,) = status_events(None, status("Preparing"))
    (second,) = status_events(None, status("Tuning"))
    name = manifest(first, status("Preparing"))["metadata"]["name"]
    assert manifest(first, status("Preparing"), reporter="operator-1")["metadata"]["name"] == name
    assert manifest(second, status("Tuning"))["metadata"]["name"] != name


def test_an_event_refers_to_its_resource() -> None:
    (event,) = status_events(None, status("Preparing"))
    ablation = ResourceRef("team", "parts", ABLATION)
    regarding = event_manifest(ablation, "uid", status("Preparing"), event, "operator-0", NOW)["regarding"]
    assert regarding == {
        "apiVersion": "ctrlab.dev/v1alpha1",
        "kind": "Ablation",
        "name": "parts",
        "namespace": "team",
        "uid": "uid",
    }


def test_an_event_does_not_exceed_the_limits_of_the_api_server() -> None:
    stalled = condition(status(stalled="SecretInvalid"), ConditionType.STALLED)
    long = status(stalled="SecretInvalid").model_copy(
        update={"conditions": (stalled.model_copy(update={"message": "y" * 5000}),)}
    )
    (event,) = status_events(None, long)
    body = manifest(event, long, name="e" * 52)
    assert len(body["note"]) <= 1024
    assert len(body["metadata"]["name"]) <= 253
    assert body["eventTime"] == "2026-01-01T00:00:00.000000Z"


def test_a_cause_that_ends_by_itself_is_reconciling_and_not_stalled() -> None:
    before = status(stalled="SecretMissing")
    away = blocked_status(before, before, 4, LATE, "DatabaseUnavailable", "it does not respond")
    assert condition(away, ConditionType.STALLED).status == "False"
    assert condition(away, ConditionType.RECONCILING).reason == "DatabaseUnavailable"
    assert condition(away, ConditionType.READY).status == "False"
    missing = blocked_status(away, away, 4, LATE, "SecretMissing", "create it")
    assert condition(missing, ConditionType.STALLED).status == "True"
    assert condition(missing, ConditionType.RECONCILING).status == "False"


def test_waiting_and_its_end_are_events() -> None:
    working = status()
    away = blocked_status(working, working, 4, LATE, "DatabaseUnavailable", "it does not respond")
    assert [(event.type, event.reason) for event in status_events(working, away)] == [
        ("Warning", "DatabaseUnavailable")
    ]
    assert status_events(away, away) == []
    assert [(event.type, event.reason) for event in status_events(away, working)] == [("Normal", "Resumed")]


def test_a_note_on_partial_progress_leaves_the_resource_ready() -> None:
    noted = status_with_note(status(), "no pod of Job x can be created")
    assert condition(noted, ConditionType.READY).message == "m Tuning; no pod of Job x can be created"
    assert condition(noted, ConditionType.READY).status == "True"


def test_lost_runs_are_a_warning_once() -> None:
    lost = StatusCondition(
        type="RunsLost",
        status="True",
        last_transition_time=EARLY,
        reason="RunsFailed",
        message="1 of 10 runs: FM seed 1",
    )
    before = status("Evaluating")
    after = before.model_copy(update={"conditions": (*before.conditions, lost)})
    assert status_events(before, after) == [StatusEvent("Warning", "RunsLost", lost.message)]
    assert status_events(after, after) == []
