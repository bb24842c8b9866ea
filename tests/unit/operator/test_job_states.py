"""Facts from Jobs and pods: state, failed indexes, messages, obstacles."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ctrlab_operator.observation.job_states import is_owned_by, job_facts, mark_outdated
from ctrlab_operator.observation.pod_failures import failure_message, is_alive
from ctrlab_operator.observation.pod_obstacles import start_obstacle

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


def failed_pod(code: int, message: str = "", reason: str = "Error", name: str = "p") -> dict[str, Any]:
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
def test_the_state_depends_on_terminal_conditions_only(status: dict[str, Any], metadata: Any, state: str) -> None:
    assert job_facts(job(status, **metadata), [], NOW).state == state


def test_parallelism_is_the_requested_one_and_not_the_one_that_a_queue_admitted() -> None:
    assert job_facts(job({}), [], NOW).parallelism == 4


def test_a_job_that_waits_in_a_queue_is_not_active() -> None:
    started = {"startTime": "2026-01-01T12:00:00Z"}
    assert job_facts(job(started), [], NOW).active_seconds == 30
    assert job_facts(job({}), [], NOW).active_seconds == 0
    suspended = job(started)
    suspended["spec"]["suspend"] = True
    assert job_facts(suspended, [], NOW).active_seconds == 0


def test_exit_code_42_makes_a_job_non_retriable_with_the_message_of_its_worker() -> None:
    failed = job({**condition("Failed", "PodFailurePolicy", "by policy"), "failedIndexes": "3"})
    facts = job_facts(failed, [failed_pod(1, "tried"), failed_pod(42, "column price is missing")], NOW)
    assert facts.non_retriable
    assert facts.failed_indexes == {3}
    assert facts.message == "column price is missing"


def test_a_lost_seed_leaves_the_job_retriable() -> None:
    facts = job_facts(job({**condition("Failed", "FailedIndexes"), "failedIndexes": "0"}), [], NOW)
    assert not facts.non_retriable
    assert facts.failed_indexes == {0}


def test_an_exceeded_deadline_is_the_message() -> None:
    facts = job_facts(job(condition("Failed", "DeadlineExceeded", "active longer than specified deadline")), [], NOW)
    assert facts.message == "active longer than specified deadline"


def test_failure_messages_prefer_non_retriable_exits_and_name_the_log_if_there_is_none() -> None:
    assert failure_message([failed_pod(143), failed_pod(43, "it diverged", name="q")]) == "it diverged"
    assert failure_message([failed_pod(137, reason="OOMKilled")]).startswith("out of memory; raise")
    assert failure_message([failed_pod(1)]) == "exit code 1; see: kubectl logs -n team p"
    assert failure_message([]) == ""


def test_a_terminating_pod_is_still_alive() -> None:
    pod = {"metadata": {"name": "p", "deletionTimestamp": "now"}, "status": {"phase": "Running"}}
    assert is_alive(pod)
    assert not is_alive(failed_pod(1))


@pytest.mark.parametrize("reason", ["CreateContainerConfigError", "ImagePullBackOff", "InvalidImageName"])
def test_a_pod_that_cannot_start_is_reported_with_advice(reason: str) -> None:
    obstacle = start_obstacle([waiting_pod("ContainerCreating"), waiting_pod(reason)])
    assert obstacle is not None
    assert reason in obstacle.message
    assert "correct" in obstacle.message


def test_a_pod_that_is_being_created_is_not_an_obstacle() -> None:
    assert start_obstacle([waiting_pod("ContainerCreating")]) is None


def test_a_job_of_a_previous_experiment_of_the_same_name_is_not_owned() -> None:
    owned = job({}, ownerReferences=[{"uid": "old"}])
    assert is_owned_by(owned, "old")
    assert not is_owned_by(owned, "new")


def running_pod(name: str = "p") -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"phase": "Running"}}


def test_workers_that_run_and_workers_that_should() -> None:
    facts = job_facts(job({}), [running_pod(), waiting_pod("ImagePullBackOff")], NOW)
    assert (facts.running, facts.waiting) == (1, 1)
    nearly_done = job_facts(job({"succeeded": 8, "failedIndexes": "9"}), [running_pod()], NOW)
    assert (nearly_done.running, nearly_done.waiting) == (1, 0)


@pytest.mark.parametrize(
    ("applied", "running", "expected"),
    [("new", 0, False), ("old", 0, True), ("old", 1, True), (None, 0, True), (None, 1, False)],
)
def test_a_job_with_another_template_is_outdated(applied: str | None, running: int, expected: bool) -> None:
    body = job({})
    if applied is not None:
        body["metadata"]["annotations"]["ctrlab.dev/template"] = applied
    facts = job_facts(body, [running_pod()] * running, NOW)
    assert mark_outdated(body, facts, "new").is_outdated == expected


def test_a_job_that_has_ended_is_never_outdated() -> None:
    ended = job(condition("Complete"))
    assert not mark_outdated(ended, job_facts(ended, [], NOW), "new").is_outdated


def test_the_indexes_of_a_job_that_starts_only_some_are_those_of_the_planner() -> None:
    body = job({**condition("Failed", "FailedIndexes"), "failedIndexes": "0,2"})
    body["metadata"]["annotations"]["ctrlab.dev/indexes"] = "1,4-6"
    pod = failed_pod(43, "it diverged")
    pod["metadata"]["annotations"] = {"batch.kubernetes.io/job-completion-index": "2"}
    facts = job_facts(body, [pod], NOW)
    assert facts.failed_indexes == {1, 5}
    assert facts.index_messages == {5: "it diverged"}
