"""A Job whose pods are refused, find no node or cannot start does not fail; what is in the way is read elsewhere."""

from datetime import UTC, datetime
from typing import Any

from ctrlab_operator.observation.pod_obstacles import cannot_be_placed, refused, without_pods

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
LONG_AGO = "2026-01-01T11:00:00Z"
JUST_NOW = "2026-01-01T11:59:58Z"


def job(began: str = LONG_AGO, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "study-tune", "uid": "j", "creationTimestamp": began},
        "spec": {"parallelism": 2, **spec},
        "status": {"startTime": began},
    }


def pod(phase: str = "Pending", since: str = LONG_AGO, reason: str = "Unschedulable") -> dict[str, Any]:
    placed = {"type": "PodScheduled", "status": "False", "reason": reason, "lastTransitionTime": since}
    return {
        "metadata": {"name": "p", "ownerReferences": [{"uid": "j"}], "creationTimestamp": LONG_AGO},
        "status": {"phase": phase, "conditions": [placed | {"message": "0/1 nodes are available"}]},
    }


def event(pod: str, when: str = JUST_NOW) -> dict[str, Any]:
    said = f'Error creating: pods "{pod}" is forbidden: exceeded quota'
    return {"note": said, "reason": "FailedCreate", "eventTime": None, "deprecatedLastTimestamp": when}


def test_a_job_without_a_living_pod_is_asked_about_once_its_controller_has_had_time() -> None:
    assert without_pods([job()], [], NOW) == job()
    assert without_pods([job()], [pod("Failed")], NOW) == job()
    assert without_pods([job()], [pod("Running")], NOW) is None
    assert without_pods([job(JUST_NOW)], [], NOW) is None


def test_a_job_that_waits_for_its_queue_or_has_ended_needs_no_pods() -> None:
    over = job() | {"status": {"startTime": LONG_AGO, "conditions": [{"type": "Complete", "status": "True"}]}}
    assert without_pods([job(suspend=True), over, job(parallelism=0)], [], NOW) is None


def test_a_refusal_is_told_in_words_that_stay_the_same_at_every_try() -> None:
    first, second = (refused(job(), [], [event(name)]) for name in ("a-0-x", "a-0-y"))
    assert first is not None
    assert first == second
    assert first.reason == "PodsRefused"
    assert "pods are forbidden: exceeded quota" in first.message


def test_a_refusal_from_before_the_newest_pod_is_over() -> None:
    assert refused(job(), [pod("Failed")], [event("a", when="2026-01-01T10:00:00Z")]) is None
    assert refused(job(), [pod("Failed")], [event("a")]) is not None
    assert refused(job(), [], []) is None


def test_pods_without_a_node_are_told_after_minutes_and_only_if_none_runs() -> None:
    found = cannot_be_placed([pod()], NOW)
    assert found is not None
    assert "0/1 nodes are available" in found.message
    assert cannot_be_placed([pod(since=JUST_NOW)], NOW) is None
    assert cannot_be_placed([pod(), pod("Running", reason="")], NOW) is None
    assert cannot_be_placed([pod(reason="SchedulingGated")], NOW) is None
