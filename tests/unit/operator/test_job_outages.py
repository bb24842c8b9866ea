"""Outages and lost indexes of a Job, from the ends of its pods."""

from datetime import UTC, datetime
from typing import Any

from ctrlab_control.planner import Outage
from ctrlab_operator.observation.job_states import job_facts

NOW = datetime(2026, 1, 1, 13, tzinfo=UTC)


def ended_pod(index: int, code: int, minute: int, message: str = "", reason: str = "Error") -> dict[str, Any]:
    terminated = {
        "exitCode": code,
        "reason": reason,
        "message": message,
        "finishedAt": f"2026-01-01T12:{minute:02}:00Z",
    }
    return {
        "metadata": {
            "name": f"evaluate-{index}-{minute}",
            "namespace": "team",
            "annotations": {"batch.kubernetes.io/job-completion-index": str(index)},
        },
        "status": {
            "phase": "Succeeded" if code == 0 else "Failed",
            "containerStatuses": [{"name": "worker", "state": {"terminated": terminated}}],
        },
    }


def job(*conditions: dict[str, Any], failed: str = "") -> dict[str, Any]:
    return {
        "metadata": {"name": "evaluate"},
        "spec": {"parallelism": 2, "completions": 5},
        "status": {"failedIndexes": failed, "conditions": [*conditions]},
    }


def test_the_outage_begins_with_the_first_worker_that_gave_up_and_has_the_newest_message() -> None:
    pods = [
        ended_pod(0, 0, 1),
        ended_pod(1, 75, 5, "the first"),
        ended_pod(2, 75, 6, "the second"),
        ended_pod(1, 75, 9, "the last"),
    ]
    assert job_facts(job(), pods, NOW).outage == Outage("the last", "2026-01-01T12:05:00Z")


def test_a_worker_that_ends_otherwise_ends_the_outage() -> None:
    pods = [ended_pod(1, 75, 5, "the bucket"), ended_pod(2, 0, 6)]
    assert job_facts(job(), pods, NOW).outage is None


def test_a_job_that_has_ended_waits_for_nothing() -> None:
    ended = {"type": "Failed", "status": "True", "reason": "FailedIndexes"}
    assert job_facts(job(ended), [ended_pod(1, 75, 5, "the bucket")], NOW).outage is None


def test_each_failed_index_has_its_own_reason_and_an_outage_explains_none() -> None:
    pods = [
        ended_pod(1, 75, 1, "the bucket"),
        ended_pod(1, 137, 2, reason="OOMKilled"),
        ended_pod(3, 43, 3, "the seal is broken"),
        ended_pod(4, 143, 4, "evicted"),
        ended_pod(4, 1, 5, "unexpected KeyError: 'x'"),
    ]
    messages = job_facts(job(failed="1,3-4"), pods, NOW).index_messages
    assert messages == {
        1: "out of memory; raise spec.runtime.resources.limits.memory",
        3: "the seal is broken",
        4: "unexpected KeyError: 'x'",
    }
