"""A Job that Kueue holds is reported with the message of its Workload."""

from typing import Any

import pytest
from fake_api_server.in_process_api import InProcessApi
from fake_api_server.injected_faults import Fault

from ctrlab_operator.kubernetes_api.object_kinds import WORKLOADS
from ctrlab_operator.observation.queue_obstacles import held_job, queue_obstacle

NO_QUOTA = "couldn't assign flavors to pod set main: insufficient unused quota for cpu in flavor default, 2 more needed"


def job(*, suspend: bool = True, queue: str | None = "research", ended: bool = False) -> dict[str, Any]:
    conditions = [{"type": "Complete", "status": "True"}] if ended else []
    labels = {"kueue.x-k8s.io/queue-name": queue} if queue else {}
    return {
        "metadata": {"name": "study-tune", "namespace": "team", "uid": "j", "labels": labels},
        "spec": {"suspend": suspend, "parallelism": 2},
        "status": {"conditions": conditions},
    }


def api_with_workload(message: str, condition: str = "QuotaReserved") -> InProcessApi:
    api = InProcessApi()
    workload = {
        "metadata": {"name": "job-study-tune", "labels": {"kueue.x-k8s.io/job-uid": "j"}},
        "status": {"conditions": [{"type": condition, "status": "False", "message": message}]},
    }
    api.create(WORKLOADS[0], "team", workload)
    return api


def test_a_job_is_held_while_it_is_suspended_and_has_not_ended() -> None:
    assert held_job([job(suspend=False), job(ended=True)]) is None
    assert held_job([job(suspend=False), job()]) == job()


def test_the_message_of_the_workload_says_why_the_job_waits() -> None:
    obstacle = queue_obstacle(api_with_workload(NO_QUOTA), job())
    assert obstacle.reason == "Queued"
    assert obstacle.message == f"Job study-tune waits in the LocalQueue research: {NO_QUOTA}"


@pytest.mark.parametrize(
    "message",
    ["LocalQueue reserch doesn't exist", "ClusterQueue gpus doesn't exist", "LocalQueue research is inactive"],
)
def test_a_queue_that_cannot_admit_needs_somebody_to_act(message: str) -> None:
    obstacle = queue_obstacle(api_with_workload(message), job())
    assert obstacle.reason == "QueueMissing"
    assert message in obstacle.message
    assert "correct spec.runtime.queueName" in obstacle.message


@pytest.mark.parametrize("status", [403, 404])
def test_without_the_api_of_kueue_or_the_right_to_read_it_the_job_is_only_queued(status: int) -> None:
    api = api_with_workload(NO_QUOTA)
    api.faults.add(Fault(status=status, plural="workloads", times=2))
    assert queue_obstacle(api, job()).message == (
        "Job study-tune waits in the LocalQueue research, which has not admitted it yet"
    )


def test_an_older_kueue_serves_another_version() -> None:
    api = api_with_workload(NO_QUOTA)
    api.faults.add(Fault(status=404, plural="workloads", times=1))
    assert queue_obstacle(api, job()).reason == "Queued"


def test_a_job_may_be_suspended_by_another_system() -> None:
    assert "for a queueing system" in queue_obstacle(InProcessApi(), job(queue=None)).message
