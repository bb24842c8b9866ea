"""Corrections of an experiment reach its Jobs: at once where nothing runs, otherwise after the running pods.

The fake workers count finished work.
"""

from typing import Any

import pytest
from builders import FM, small_spec
from fake_cluster.cluster import Cluster, journal_of

from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.kubernetes_api.object_kinds import JOB

BAD_IMAGE = "registry.example/trainer:mistyped"


def jobs(cluster: Cluster, phase: str) -> list[Manifest]:
    return cluster.api.list(JOB, cluster.namespace, f"ctrlab.dev/phase={phase}")


def wait_for_runs(cluster: Cluster, number: int) -> None:
    cluster.wait(lambda: sum(kind == "run" for kind, _ in journal_of(cluster)) >= number)


@pytest.mark.fake_server
@pytest.mark.parametrize("phase", ["prepare", "tune", "evaluate"])
def test_a_corrected_image_replaces_a_job_whose_pods_cannot_start(cluster: Cluster, phase: str) -> None:
    cluster.kubelet.environment = {**cluster.kubelet.environment, "FAKE_PAUSE": "0.5"}
    missing = frozenset({BAD_IMAGE})
    cluster.kubelet.missing_images = missing if phase == "prepare" else frozenset()
    cluster.start_operator()
    tuning = {"trials": 4, "workers": 1, "sampler": "Random"}
    cluster.create("study", small_spec(models=[FM], tuning=tuning, runtime={"image": BAD_IMAGE}))
    if phase != "prepare":  # the image disappears while the phase before is running
        cluster.wait(lambda: ("start", {"tune": "prepare", "evaluate": "tune"}[phase]) in journal_of(cluster))
        cluster.kubelet.missing_images = missing
    stalled = cluster.wait_for_condition("study", "Stalled", "PodsCannotStart")
    assert "correct spec.runtime.image" in stalled["message"]
    (refused,) = jobs(cluster, phase)

    cluster.change("study", {"runtime": {"image": "trainer:corrected"}})

    cluster.wait_for_stage("study", "Succeeded", "Failed")
    assert cluster.stage("study") == "Succeeded"
    (job,) = jobs(cluster, phase)
    assert job["metadata"]["uid"] != refused["metadata"]["uid"]
    assert job["spec"]["template"]["spec"]["containers"][0]["image"] == "trainer:corrected"
    assert ("Normal", "ApplyingChange") in cluster.wait_for_event("ApplyingChange")
    assert cluster.condition("study", "Reconciling")["status"] == "False"


def test_final_runs_that_are_running_end_before_their_job_is_replaced(cluster: Cluster) -> None:
    cluster.kubelet.environment = {**cluster.kubelet.environment, "FAKE_PAUSE": "1.0"}
    cluster.start_operator()
    tuning = {"trials": 1, "workers": 2, "sampler": "Random"}
    cluster.create("study", small_spec(models=[FM], tuning=tuning))
    wait_for_runs(cluster, 1)

    cluster.change("study", {"runtime": {"env": [{"name": "MY_FLAG", "value": "on"}]}})

    reconciling = cluster.wait_for_condition("study", "Reconciling", "ApplyingChange")
    assert reconciling["status"] == "True"
    assert "job evaluate" in reconciling["message"]
    cluster.wait_for_stage("study", "Succeeded", "Failed")
    assert cluster.stage("study") == "Succeeded"
    assert sorted(run for kind, run in journal_of(cluster) if kind == "run") == [
        f"FM {seed}" for seed in seeds_of(cluster)
    ], "a finished final run is not repeated, and a running one is not stopped"
    starts = sum(entry == ("start", "evaluate") for entry in journal_of(cluster))
    assert starts <= 6, "only runs without a record are started again"
    (job,) = jobs(cluster, "evaluate")
    assert {"name": "MY_FLAG", "value": "on"} in job["spec"]["template"]["spec"]["containers"][0]["env"]


def test_a_tuning_worker_that_runs_is_replaced_when_another_worker_starts(cluster: Cluster) -> None:
    cluster.kubelet.environment = {**cluster.kubelet.environment, "FAKE_PAUSE": "0.5"}
    cluster.start_operator()
    tuning = {"trials": 20, "workers": 1, "sampler": "Random"}
    cluster.create("study", small_spec(models=[FM], tuning=tuning))
    cluster.wait(lambda: any(kind == "trial" for kind, _ in journal_of(cluster)))
    (first,) = jobs(cluster, "tune")

    cluster.change("study", {"runtime": {"env": [{"name": "MY_FLAG", "value": "on"}]}})
    cluster.wait_for_condition("study", "Reconciling", "ApplyingChange")
    assert [job["metadata"]["uid"] for job in jobs(cluster, "tune")] == [first["metadata"]["uid"]]
    cluster.change("study", {"tuning": {"workers": 2}})

    cluster.wait_for_stage("study", "Succeeded", "Failed")
    (job,) = jobs(cluster, "tune")
    assert cluster.stage("study") == "Succeeded"
    assert job["metadata"]["uid"] != first["metadata"]["uid"]
    assert len({trial for kind, trial in journal_of(cluster) if kind == "trial"}) == 20


def seeds_of(cluster: Cluster) -> list[int]:
    seeds: dict[str, Any] = cluster.experiment("study")["spec"]["evaluation"]["seeds"]
    return [seeds.get("base", 2024) + number for number in range(seeds["count"])]
