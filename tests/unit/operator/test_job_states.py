"""What Job and pod objects mean for the planner."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ctrlab_operator.observation.job_states import indexes, is_owned, job_facts
from ctrlab_operator.observation.pod_failures import is_alive, last_words
from ctrlab_operator.observation.pod_obstacles import cannot_start

NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)


def job(status: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    annotations = {"ctrlab.dev/job": "evaluate", "ctrlab.dev/workers": "4"}
    return {
        "metadata": {"name": "study-evaluate", "annotations": annotations, **metadata},
        "spec": {"parallelism": 2, "completions": 10},
        "status": status,
    }


def condition(kind: str, reason: str = "", message: str = "") -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": "True", "reason": reason, "message": message}]}


def ended_pod(code: int, message: str = "", reason: str = "Error", name: str = "p") -> dict[str, Any]:
    terminated = {"exitCode": code, "reason": reason, "message": message}
    statuses = [{"name": "worker", "state": {"terminated": terminated}}]
    return {
        "metadata": {"name": name, "namespace": "team"},
        "status": {"phase": "Failed", "containerStatuses": statuses},
    }


def waiting_pod(reason: str, message: str = "why") -> dict[str, Any]:
    statuses = [{"name": "worker", "state": {"waiting": {"reason": reason, "message": message}}}]
    return {"metadata": {"name": "p"}, "status": {"phase": "Pending", "containerStatuses": statuses}}


@pytest.mark.parametrize(
    ("status", "metadata", "state"),
    [
        ({}, {}, "Active"),
        (condition("FailureTarget"), {}, "Active"),
        (condition("Suspended"), {}, "Active"),
        (condition("Complete"), {}, "Complete"),
        (condition("Failed", "FailedIndexes"), {}, "Failed"),
        (condition("Complete"), {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "Deleting"),
    ],
)
def test_state_follows_terminal_conditions_alone(status: dict[str, Any], metadata: Any, state: str) -> None:
    assert job_facts(job(status, **metadata), [], NOW).state == state


def test_the_size_is_what_was_asked_for_and_not_what_a_queue_admitted() -> None:
    assert job_facts(job({}), [], NOW).parallelism == 4


def test_a_job_that_waits_in_a_queue_has_not_begun() -> None:
    started = {"startTime": "2026-01-01T12:00:00Z"}
    assert job_facts(job(started), [], NOW).active_seconds == 30
    assert job_facts(job({}), [], NOW).active_seconds == 0
    suspended = job(started)
    suspended["spec"]["suspend"] = True
    assert job_facts(suspended, [], NOW).active_seconds == 0


@pytest.mark.parametrize(
    ("text", "expected"), [("", set()), ("1", {1}), ("0,2-4", {0, 2, 3, 4}), ("7-8,10", {7, 8, 10})]
)
def test_compressed_indexes(text: str, expected: set[int]) -> None:
    assert indexes(text) == expected


def test_exit_code_42_makes_a_job_hopeless_and_its_worker_says_why() -> None:
    failed = job({**condition("Failed", "PodFailurePolicy", "by policy"), "failedIndexes": "3"})
    facts = job_facts(failed, [ended_pod(1, "tried"), ended_pod(42, "column price is missing")], NOW)
    assert facts.hopeless
    assert facts.failed_indexes == {3}
    assert facts.message == "column price is missing"


def test_a_lost_seed_is_no_hopeless_job() -> None:
    facts = job_facts(job({**condition("Failed", "FailedIndexes"), "failedIndexes": "0"}), [], NOW)
    assert not facts.hopeless
    assert facts.failed_indexes == {0}


def test_a_deadline_speaks_for_itself() -> None:
    facts = job_facts(job(condition("Failed", "DeadlineExceeded", "active longer than specified deadline")), [], NOW)
    assert facts.message == "active longer than specified deadline"


def test_last_words_prefer_the_hopeless_and_name_the_log_where_nothing_was_said() -> None:
    assert last_words([ended_pod(143), ended_pod(43, "it diverged", name="q")]) == "it diverged"
    assert last_words([ended_pod(137, reason="OOMKilled")]).startswith("out of memory; raise")
    assert last_words([ended_pod(1)]) == "exit code 1; see: kubectl logs -n team p"
    assert last_words([]) == ""


def test_a_terminating_pod_is_still_alive() -> None:
    pod = {"metadata": {"name": "p", "deletionTimestamp": "now"}, "status": {"phase": "Running"}}
    assert is_alive(pod)
    assert not is_alive(ended_pod(1))


@pytest.mark.parametrize("reason", ["CreateContainerConfigError", "ImagePullBackOff", "InvalidImageName"])
def test_a_pod_that_cannot_start_is_told_with_advice(reason: str) -> None:
    found = cannot_start([waiting_pod("ContainerCreating"), waiting_pod(reason)])
    assert found is not None
    assert reason in found.message
    assert "correct" in found.message


def test_a_pod_that_is_being_created_is_no_obstacle() -> None:
    assert cannot_start([waiting_pod("ContainerCreating")]) is None


def test_a_job_of_an_earlier_experiment_of_the_name_is_not_ours() -> None:
    owned = job({}, ownerReferences=[{"uid": "old"}])
    assert is_owned(owned, "old")
    assert not is_owned(owned, "new")
