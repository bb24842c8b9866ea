"""The cache follows the watches, and a fresh list repairs what they missed."""

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
        "managedFields": ["much"],
    }
    return {"metadata": metadata, "spec": {"template": {"huge": True}, "parallelism": 1}, "status": {"v": version}}


@pytest.fixture
def cache() -> ObjectCache:
    return ObjectCache()


def versions(cache: ObjectCache) -> dict[str, int]:
    return {body["metadata"]["name"]: body["status"]["v"] for body in cache.children(JOB, STUDY)}


def test_an_older_state_never_replaces_a_newer_one(cache: ObjectCache) -> None:
    cache.put(JOB, job("a", 5))
    cache.put(JOB, job("a", 3))
    assert versions(cache) == {"a": 5}


def test_what_nobody_reads_is_not_kept(cache: ObjectCache) -> None:
    cache.put(JOB, job("a", 1))
    (kept,) = cache.children(JOB, STUDY)
    assert "managedFields" not in kept["metadata"]
    assert kept["spec"] == {"parallelism": 1}


def test_the_deletion_of_a_predecessor_does_not_drop_its_successor(cache: ObjectCache) -> None:
    cache.put(JOB, job("a", 1, uid="old"))
    cache.put(JOB, job("a", 7, uid="new"))
    cache.drop(JOB, job("a", 2, uid="old"))
    assert versions(cache) == {"a": 7}


def test_a_fresh_list_drops_what_was_deleted_unseen_and_keeps_what_came_meanwhile(cache: ObjectCache) -> None:
    cache.put(JOB, job("ghost", 1))
    cache.put(JOB, job("kept", 2))
    before = cache.known(JOB, STUDY)
    cache.put(JOB, job("came", 9))
    cache.compare(JOB, before, [job("kept", 3)])
    assert versions(cache) == {"came": 9, "kept": 3}


def test_experiments_are_found_by_name(cache: ObjectCache) -> None:
    body = {"metadata": {"name": "study", "namespace": "team", "uid": "u", "resourceVersion": "1"}, "spec": {}}
    cache.put(EXPERIMENT, body)
    assert cache.refs() == {STUDY}
    assert cache.experiment(STUDY) is not None
    cache.drop(EXPERIMENT, body)
    assert cache.refs() == set()


def test_what_is_kept_already_is_no_news_and_another_version_or_object_is(cache: ObjectCache) -> None:
    assert cache.put(JOB, job("a", 5))
    assert not cache.put(JOB, job("a", 5))
    assert cache.put(JOB, job("a", 6))
    assert cache.put(JOB, job("a", 7, uid="new"))


def test_the_progress_of_an_experiment_is_that_of_its_last_status(cache: ObjectCache) -> None:
    models = [{"name": "A", "trialsDone": 3, "trialsFailed": 1, "runsDone": 2}, {"name": "B", "trialsDone": 4}]
    status = {"stage": "Tuning", "models": models}
    metadata = {"name": "study", "namespace": "team", "uid": "u"}
    cache.put(EXPERIMENT, {"metadata": {**metadata, "resourceVersion": "1"}})
    assert cache.progress(EXPERIMENT) == [ProgressCounts("Pending")]
    cache.put(EXPERIMENT, {"metadata": {**metadata, "resourceVersion": "2"}, "status": status})
    assert cache.progress(EXPERIMENT) == [ProgressCounts("Tuning", 7, 1, 2, 0)]
    cache.put(JOB, job("a", 1))
    assert cache.progress(JOB) == []
