"""The obstacle that somebody must remove is reported before the other obstacles of a resource."""

from datetime import UTC, datetime
from typing import Any

from fake_api_server.in_process_api import InProcessApi

from ctrlab_operator.kubernetes_api.object_cache import ObjectCache, ResourceRef
from ctrlab_operator.kubernetes_api.object_kinds import JOB, POD
from ctrlab_operator.observation.current_obstacles import current_obstacle, has_running_pod

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
STUDY = ResourceRef("team", "study")
LABELS = {"ctrlab.dev/experiment": "study"}


def put_job(cache: ObjectCache, name: str, *, suspend: bool) -> None:
    metadata = {"name": name, "namespace": "team", "uid": name, "labels": LABELS, "resourceVersion": "1"}
    cache.put(JOB, {"metadata": metadata, "spec": {"suspend": suspend, "parallelism": 1, "completions": 1}})


def put_pod(cache: ObjectCache, job: str, phase: str, waiting: str | None = None, **metadata: Any) -> None:
    state = {"waiting": {"reason": waiting}} if waiting else {"running": {}}
    body = {
        "metadata": {
            "name": f"{job}-0",
            "namespace": "team",
            "uid": f"{job}-0",
            "labels": LABELS,
            "resourceVersion": "1",
            "ownerReferences": [{"uid": job}],
            **metadata,
        },
        "status": {"phase": phase, "containerStatuses": [{"state": state}]},
    }
    cache.put(POD, body)


def test_a_held_job_does_not_hide_the_pod_whose_resources_it_waits_for() -> None:
    cache = ObjectCache()
    put_job(cache, "tune-fm", suspend=False)
    put_job(cache, "tune-lr", suspend=True)
    put_pod(cache, "tune-fm", "Pending", "ImagePullBackOff")
    obstacle = current_obstacle(InProcessApi(), cache, STUDY, NOW)
    assert obstacle is not None
    assert obstacle.reason == "PodsCannotStart"


def test_a_held_job_is_queued_and_not_an_obstacle_of_one_that_runs() -> None:
    cache = ObjectCache()
    put_job(cache, "tune-fm", suspend=False)
    put_job(cache, "tune-lr", suspend=True)
    put_pod(cache, "tune-fm", "Running")
    obstacle = current_obstacle(InProcessApi(), cache, STUDY, NOW)
    assert obstacle is not None
    assert obstacle.reason == "Queued"
    assert has_running_pod(cache, STUDY)


def test_a_pod_that_is_being_deleted_is_no_obstacle() -> None:
    cache = ObjectCache()
    put_job(cache, "tune-fm", suspend=False)
    put_pod(cache, "tune-fm", "Pending", "ImagePullBackOff", deletionTimestamp="2026-01-01T11:59:59Z")
    assert current_obstacle(InProcessApi(), cache, STUDY, NOW) is None
