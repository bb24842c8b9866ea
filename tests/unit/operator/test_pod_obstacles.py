"""A Job whose pods are rejected, unschedulable or cannot start does not fail; the obstacle is reported."""

from datetime import UTC, datetime
from typing import Any

from ctrlab_operator.observation.pod_obstacles import creation_obstacle, job_without_pods, scheduling_obstacle

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
LONG_AGO = "2026-01-01T11:00:00Z"
JUST_NOW = "2026-01-01T11:59:58Z"


def job(started: str = LONG_AGO, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "study-tune", "uid": "j", "creationTimestamp": started},
        "spec": {"parallelism": 2, **spec},
        "status": {"startTime": started},
    }


def pod(phase: str = "Pending", since: str = LONG_AGO, reason: str = "Unschedulable") -> dict[str, Any]:
    scheduled = {"type": "PodScheduled", "status": "False", "reason": reason, "lastTransitionTime": since}
    return {
        "metadata": {"name": "p", "ownerReferences": [{"uid": "j"}], "creationTimestamp": LONG_AGO},
        "status": {"phase": phase, "conditions": [scheduled | {"message": "0/1 nodes are available"}]},
    }


def event(pod: str, when: str = JUST_NOW) -> dict[str, Any]:
    note = f'Error creating: pods "{pod}" is forbidden: exceeded quota'
    return {"note": note, "reason": "FailedCreate", "eventTime": None, "deprecatedLastTimestamp": when}


def test_a_job_without_live_pods_is_suspicious_after_its_controller_had_time() -> None:
    assert job_without_pods([job()], [], NOW) == job()
    assert job_without_pods([job()], [pod("Failed")], NOW) == job()
    assert job_without_pods([job()], [pod("Running")], NOW) is None
    assert job_without_pods([job(JUST_NOW)], [], NOW) is None


def test_a_queued_or_ended_job_needs_no_pods() -> None:
    ended = job() | {"status": {"startTime": LONG_AGO, "conditions": [{"type": "Complete", "status": "True"}]}}
    assert job_without_pods([job(suspend=True), ended, job(parallelism=0)], [], NOW) is None


def test_a_rejection_has_the_same_message_at_every_try() -> None:
    first, second = (creation_obstacle(job(), [], [event(name)]) for name in ("a-0-x", "a-0-y"))
    assert first is not None
    assert first == second
    assert first.reason == "PodsRefused"
    assert "pods are forbidden: exceeded quota" in first.message


def test_a_rejection_older_than_the_newest_pod_is_outdated() -> None:
    assert creation_obstacle(job(), [pod("Failed")], [event("a", when="2026-01-01T10:00:00Z")]) is None
    assert creation_obstacle(job(), [pod("Failed")], [event("a")]) is not None
    assert creation_obstacle(job(), [], []) is None


def test_unschedulable_pods_are_reported_after_minutes_and_only_if_none_runs() -> None:
    obstacle = scheduling_obstacle([pod()], NOW)
    assert obstacle is not None
    assert "0/1 nodes are available" in obstacle.message
    assert scheduling_obstacle([pod(since=JUST_NOW)], NOW) is None
    assert scheduling_obstacle([pod(), pod("Running", reason="")], NOW) is None
    assert scheduling_obstacle([pod(reason="SchedulingGated")], NOW) is None
