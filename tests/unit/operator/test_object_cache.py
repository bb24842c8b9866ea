"""The cache follows the watches, and a fresh list corrects what they missed."""

from typing import Any

import pytest

from ctrlab_operator.kubernetes_api.object_cache import ObjectCache, ProgressCounts, ResourceRef
from ctrlab_operator.kubernetes_api.object_kinds import EXPERIMENT, JOB

STUDY = ResourceRef("team", "study")


def job(name: str, version: int, uid: str = "") -> dict[str, Any]:
    metadata = {
        "name": name,
        "namespace": "team",
        "uid": uid or name,
        "resourceVersion": str(version),
        "labels": {"ctrlab.dev/experiment": "study"},
        "managedFields": ["large"],
    }
    return {"metadata": metadata, "spec": {"template": {"large": True}, "parallelism": 1}, "status": {"v": version}}


@pytest.fixture
def cache() -> ObjectCache:
    return ObjectCache()


def versions(cache: ObjectCache) -> dict[str, int]:
    return {body["metadata"]["name"]: body["status"]["v"] for body in cache.children(JOB, STUDY)}


def test_an_older_version_never_replaces_a_newer_one(cache: ObjectCache) -> None:
    cache.put(JOB, job("a", 5))
    cache.put(JOB, job("a", 3))
    assert versions(cache) == {"a": 5}


def test_unused_fields_are_not_cached(cache: ObjectCache) -> None:
    cache.put(JOB, job("a", 1))
    (cached,) = cache.children(JOB, STUDY)
    assert "managedFields" not in cached["metadata"]
    assert cached["spec"] == {"parallelism": 1}


def test_deleting_an_object_does_not_remove_its_successor_of_the_same_name(cache: ObjectCache) -> None:
    cache.put(JOB, job("a", 1, uid="old"))
    cache.put(JOB, job("a", 7, uid="new"))
    cache.remove(JOB, job("a", 2, uid="old"))
    assert versions(cache) == {"a": 7}


def test_a_fresh_list_removes_objects_whose_deletion_was_missed_and_keeps_newer_ones(cache: ObjectCache) -> None:
    cache.put(JOB, job("ghost", 1))
    cache.put(JOB, job("kept", 2))
    before = cache.snapshot(JOB, STUDY)
    cache.put(JOB, job("new", 9))
    cache.synchronize(JOB, before, [job("kept", 3)])
    assert versions(cache) == {"new": 9, "kept": 3}


def test_experiments_are_returned_by_name(cache: ObjectCache) -> None:
    body = {"metadata": {"name": "study", "namespace": "team", "uid": "u", "resourceVersion": "1"}, "spec": {}}
    cache.put(EXPERIMENT, body)
    assert cache.refs() == {STUDY}
    assert cache.resource(STUDY) is not None
    cache.remove(EXPERIMENT, body)
    assert cache.refs() == set()


def test_put_returns_whether_the_cache_changed(cache: ObjectCache) -> None:
    assert cache.put(JOB, job("a", 5))
    assert not cache.put(JOB, job("a", 5))
    assert cache.put(JOB, job("a", 6))
    assert cache.put(JOB, job("a", 7, uid="new"))


def test_progress_comes_from_the_last_status(cache: ObjectCache) -> None:
    models = [{"name": "A", "trialsDone": 3, "trialsFailed": 1, "runsDone": 2}, {"name": "B", "trialsDone": 4}]
    status = {"stage": "Tuning", "models": models}
    metadata = {"name": "study", "namespace": "team", "uid": "u"}
    cache.put(EXPERIMENT, {"metadata": {**metadata, "resourceVersion": "1"}})
    assert cache.progress(EXPERIMENT) == [ProgressCounts("Pending")]
    cache.put(EXPERIMENT, {"metadata": {**metadata, "resourceVersion": "2"}, "status": status})
    assert cache.progress(EXPERIMENT) == [ProgressCounts("Tuning", 7, 1, 2, 0)]
    cache.put(JOB, job("a", 1))
    assert cache.progress(JOB) == []


def test_a_terminating_resource_is_marked(cache: ObjectCache) -> None:
    metadata = {"name": "study", "namespace": "team", "uid": "u", "resourceVersion": "1"}
    cache.put(EXPERIMENT, {"metadata": metadata})
    resource = cache.resource(STUDY)
    assert resource is not None
    assert not resource.is_terminating
    cache.put(
        EXPERIMENT, {"metadata": {**metadata, "resourceVersion": "2", "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    )
    resource = cache.resource(STUDY)
    assert resource is not None
    assert resource.is_terminating
