"""Runs that fail for reasons of their own: the experiment is incomplete, and an annotation runs them again."""

import json

from builders import FM, small_spec
from fake_cluster.cluster import Cluster, journal_of

from ctrlab_api.names import RETRY_ANNOTATION
from ctrlab_api.records import RetryRecord
from ctrlab_operator.kubernetes_api.object_kinds import EXPERIMENT
from ctrlab_store import open_store


def request_retry(cluster: Cluster, token: str) -> None:
    """Set the annotation as `kubectl annotate` does."""
    cluster.api.merge(EXPERIMENT, cluster.namespace, "study", {"metadata": {"annotations": {RETRY_ANNOTATION: token}}})


def runs(cluster: Cluster) -> list[str]:
    return [run for kind, run in journal_of(cluster) if kind == "run"]


def test_lost_runs_are_reported_and_run_again_on_request(cluster: Cluster) -> None:
    cluster.kubelet.environment = {**cluster.kubelet.environment, "FAKE_EXIT": "evaluate=43*2"}
    cluster.start_operator()
    uid = cluster.create("study", small_spec(models=[FM]))["metadata"]["uid"]

    cluster.wait_for_stage("study", "Incomplete", "Succeeded", "Failed")

    status = cluster.experiment("study")["status"]
    assert status["stage"] == "Incomplete"
    assert status["seeds"] == "3/5"
    lost = cluster.condition("study", "RunsLost")
    assert lost["status"] == "True"
    assert lost["message"].startswith("2 of 5 final runs were lost: FM seed 20")
    assert "it was told to fail" in lost["message"]
    stalled = cluster.condition("study", "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "RunsLost")
    assert cluster.condition("study", "Succeeded")["status"] == "False"
    assert ("Warning", "RunsLost") in cluster.wait_for_event("RunsLost")
    finished = runs(cluster)
    assert len(finished) == 3

    request_retry(cluster, "first")
    cluster.wait_for_stage("study", "Succeeded", "Failed")

    assert cluster.stage("study") == "Succeeded"
    assert sorted(runs(cluster)) == [f"FM {seed}" for seed in range(2024, 2029)], "no run is repeated"
    status = cluster.experiment("study")["status"]
    assert (status["seeds"], status["retry"]) == ("5/5", "first")
    assert cluster.condition("study", "RunsLost")["status"] == "False"
    folder = open_store(cluster.bucket, cluster.store_environment).below(f"{cluster.namespace}/study/{uid}")
    record = RetryRecord.model_validate_json(folder.get("retries/1.json"))
    assert (record.token, len(record.runs)) == ("first", 2)
    assert json.loads(folder.get("lineage.json"))["earlier"] == []


def test_a_failed_phase_is_retried_on_request(cluster: Cluster) -> None:
    cluster.kubelet.environment = {**cluster.kubelet.environment, "FAKE_EXIT": "prepare=42*1"}
    cluster.start_operator()
    cluster.create("study", small_spec(models=[FM]))
    cluster.wait_for_stage("study", "Failed")

    request_retry(cluster, "again")

    cluster.wait_for_stage("study", "Succeeded", "Incomplete")
    assert cluster.stage("study") == "Succeeded"
    assert cluster.condition("study", "Failed")["status"] == "False"
