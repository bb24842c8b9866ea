"""What a user reads when an experiment cannot go on: conditions and Events."""

from datetime import UTC, datetime
from typing import Any

from ctrlab_api.names import ConditionType
from ctrlab_api.resources.status import ExperimentStatus, Stage, StatusCondition
from ctrlab_operator.reconciling.blocked_status import blocked_status
from ctrlab_operator.reconciling.status_events import event, notes

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
                    "status": holds,
                    "reason": reason,
                    "last_transition_time": time,
                    "message": f"m {reason}",
                }
            )
            for kind, (holds, reason) in sorted(conditions.items())
        ),
    )


def found(of: ExperimentStatus, kind: str) -> StatusCondition:
    return next(condition for condition in of.conditions if condition.type == kind)


def test_a_blocked_experiment_keeps_what_was_known_and_says_what_to_do() -> None:
    before = status()
    after = blocked_status(before, before, 4, LATE, "SecretMissing", "there is no Secret s3; create it")
    assert (after.trials, after.stage, after.observed_generation) == ("3/8", "Tuning", 4)
    assert found(after, ConditionType.PREPARED) == found(before, ConditionType.PREPARED)
    stalled = found(after, ConditionType.STALLED)
    assert (stalled.status, stalled.reason, stalled.last_transition_time) == ("True", "SecretMissing", LATE)
    assert found(after, ConditionType.READY).status == "False"


def test_a_blocked_status_does_not_move_while_nothing_changes() -> None:
    first = blocked_status(status(), status(), 4, EARLY, "SecretMissing", "create it")
    assert blocked_status(first, first, 4, LATE, "SecretMissing", "create it") == first
    assert blocked_status(status(), first, 4, LATE, "SecretMissing", "create it") == first


def test_a_status_that_never_was_can_be_blocked() -> None:
    after = blocked_status(ExperimentStatus(), None, 1, LATE, "InvalidSpec", "x" * 5000)
    assert [condition.type for condition in after.conditions] == [ConditionType.READY, ConditionType.STALLED]
    assert len(found(after, ConditionType.STALLED).message) == 2000


def test_every_change_of_stage_is_told_once() -> None:
    assert [note.reason for note in notes(None, status("Preparing"))] == ["Preparing"]
    assert [note.reason for note in notes(status("Preparing"), status("Tuning"))] == ["Tuning"]
    assert notes(status("Tuning"), status("Tuning")) == []


def test_a_failure_is_a_warning_and_its_end_is_told() -> None:
    (warning,) = notes(status(), status(stalled="StoreUnavailable"))
    assert (warning.type, warning.reason) == ("Warning", "StoreUnavailable")
    assert notes(status(stalled="StoreUnavailable"), status(stalled="StoreUnavailable")) == []
    (resumed,) = notes(status(stalled="StoreUnavailable"), status())
    assert (resumed.type, resumed.reason) == ("Normal", "Resumed")


def test_an_event_repeated_has_the_same_name_and_another_has_another(make: Any) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    (first,) = notes(None, status("Preparing"))
    (second,) = notes(None, status("Tuning"))
    name = event(make(), first, "operator-0", now)["metadata"]["name"]
    assert event(make(), first, "operator-1", now)["metadata"]["name"] == name
    assert event(make(), second, "operator-0", now)["metadata"]["name"] != name


def test_an_event_fits_what_the_api_server_takes(make: Any) -> None:
    long = status(stalled="StoreUnavailable").model_copy(
        update={
            "conditions": (
                found(status(stalled="S"), ConditionType.STALLED).model_copy(update={"message": "y" * 5000}),
            )
        }
    )
    (note,) = notes(None, long)
    body = event(make(name="e" * 52), note, "o", datetime(2026, 1, 1, tzinfo=UTC))
    assert len(body["note"]) <= 1024
    assert len(body["metadata"]["name"]) <= 253
    assert body["eventTime"] == "2026-01-01T00:00:00.000000Z"
