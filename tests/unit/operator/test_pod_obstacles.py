"""A Job whose pods are rejected, unschedulable or cannot start does not fail; the obstacle is reported."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ctrlab_operator.observation.pod_obstacles import (
    creation_obstacle,
    is_quota_in_use,
    job_without_pods,
    scheduling_obstacle,
)

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
LONG_AGO = "2026-01-01T11:00:00Z"
HALF_A_MINUTE_AGO = "2026-01-01T11:59:30Z"
ROOMLESS = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector"
JUST_NOW = "2026-01-01T11:59:58Z"


def job(started: str = LONG_AGO, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "study-tune", "uid": "j", "creationTimestamp": started},
        "spec": {"parallelism": 2, **spec},
        "status": {"startTime": started},
    }


def pod(
    phase: str = "Pending", since: str = LONG_AGO, reason: str = "Unschedulable", message: str = ROOMLESS
) -> dict[str, Any]:
    scheduled = {"type": "PodScheduled", "status": "False", "reason": reason, "lastTransitionTime": since}
    return {
        "metadata": {"name": "p", "ownerReferences": [{"uid": "j"}], "creationTimestamp": LONG_AGO},
        "status": {"phase": phase, "conditions": [scheduled | {"message": message}]},
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


def test_unschedulable_pods_are_reported_within_a_minute_and_only_if_none_runs() -> None:
    obstacle = scheduling_obstacle([pod(since=HALF_A_MINUTE_AGO)], NOW)
    assert obstacle is not None
    assert obstacle.reason == "Unschedulable"
    assert "0/1 nodes are available" in obstacle.message
    assert scheduling_obstacle([pod(since=JUST_NOW)], NOW) is None
    assert scheduling_obstacle([pod(), pod("Running", reason="")], NOW) is None
    assert scheduling_obstacle([pod(reason="SchedulingGated")], NOW) is None


def test_only_a_pod_that_no_node_matches_needs_somebody_to_act() -> None:
    taint = scheduling_obstacle([pod(message="1 node(s) had untolerated taint {gpu: }")], NOW)
    assert taint is not None
    assert taint.reason == "PodsCannotBePlaced"
    busy = scheduling_obstacle([pod(message="0/3 nodes are available: 3 Insufficient nvidia.com/gpu")], NOW)
    assert busy is not None
    assert busy.reason == "Unschedulable"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("exceeded quota: pods, requested: pods=1, used: pods=1, limited: pods=1", True),
        ("exceeded quota: q, requested: cpu=500m,memory=1Gi, used: cpu=4,memory=0, limited: cpu=4,memory=8Gi", True),
        ("exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0", False),
        ("exceeded quota: q, requested: limits.memory=64Gi, used: limits.memory=0, limited: limits.memory=8Gi", False),
        ("failed quota: q: must specify limits.cpu for: worker; limits.memory for: worker", False),
        ("exceeded quota: q, requested: x, used: y, limited: z", False),
        ("maximum memory usage per Container is 1Gi, but limit is 8Gi", False),
    ],
)
def test_a_quota_in_use_is_distinct_from_one_that_is_too_small(message: str, expected: bool) -> None:
    assert is_quota_in_use(message) == expected
