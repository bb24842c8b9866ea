"""The operator as a process, from the resource to the report, with a fake API server, a real database and bucket."""

import json
from collections import Counter

import pytest
from builders import small_spec
from fake_cluster.cluster import Cluster, journal_of

from ctrlab_operator.kubernetes_api.object_kinds import CONFIG_MAP, JOB


def test_an_experiment_runs_to_its_report_and_all_work_is_done_once(cluster: Cluster) -> None:
    cluster.start_operator()
    before = cluster.create("study", small_spec())

    cluster.wait_for_stage("study", "Succeeded", "Failed")

    after = cluster.experiment("study")
    assert after["status"]["stage"] == "Succeeded", after["status"]
    assert after["status"]["trials"] == "8/8"
    assert after["status"]["seeds"] == "5/5"
    assert after["status"]["report"]["uri"].startswith("s3://")
    work = Counter(entry for entry in journal_of(cluster) if entry[0] in ("trial", "run"))
    assert Counter(kind for kind, _ in work) == {"trial": 8, "run": 10}
    assert set(work.values()) == {1}
    assert after["metadata"]["generation"] == before["metadata"]["generation"], (
        "only the user changes the specification"
    )
    assert "annotations" not in after["metadata"]
    assert "finalizers" not in after["metadata"]
    reasons = [reason for _, reason in cluster.wait_for_event("Succeeded")]
    assert reasons == ["Preparing", "Tuning", "Evaluating", "Reporting", "Succeeded"]
    (plan,) = cluster.api.list(CONFIG_MAP, cluster.namespace, "ctrlab.dev/experiment=study")
    assert plan["immutable"] is True
    assert json.loads(plan["data"]["plan.json"])["schemaVersion"] == 1
    assert len(json.dumps(after["status"])) < 16 * 1024


@pytest.mark.fake_server
def test_seed_batches_have_one_pod_each(cluster: Cluster) -> None:
    cluster.start_operator()
    cluster.create("study", small_spec(evaluation={"seeds": {"count": 5}, "seedsPerPod": 2}))
    cluster.wait_for_stage("study", "Succeeded", "Failed")

    after = cluster.experiment("study")
    assert (after["status"]["stage"], after["status"]["seeds"]) == ("Succeeded", "5/5")
    (job,) = [job for job in cluster.api.list(JOB, cluster.namespace) if job["metadata"]["name"].endswith("evaluate")]
    assert job["spec"]["completions"] == 6
    runs = Counter(entry for entry in journal_of(cluster) if entry[0] == "run")
    assert len(runs) == 10
    assert set(runs.values()) == {1}


@pytest.mark.fake_server
def test_an_experiment_needs_few_requests(cluster: Cluster) -> None:
    cluster.start_operator(CTRLAB_POLL_SECONDS="15")
    cluster.create("study", small_spec())
    cluster.wait_for_stage("study", "Succeeded")

    requests = {
        key: count for key, count in cluster.requests().items() if key[1] not in ("leases", "namespaces", "pods")
    }
    total = sum(count for (verb, _), count in requests.items() if verb != "WATCH")
    # The count includes requests of the test and of the kubelet, which poll experiments and read Secrets.
    by_others = requests["GET", "ctrexperiments"] + requests["GET", "secrets"] + requests["GET", "configmaps"]
    assert total - by_others < 60


@pytest.mark.fake_server
def test_an_experiment_that_has_ended_needs_no_request(cluster: Cluster) -> None:
    cluster.start_operator()
    cluster.create("study", small_spec())
    cluster.wait_for_stage("study", "Succeeded")
    cluster.wait(lambda: not cluster.kubelet.running)
    cluster.wait(lambda: all(pod["status"]["phase"] == "Succeeded" for pod in cluster.pods()))
    before = cluster.requests()

    cluster.create("other", small_spec(suspend=True))
    cluster.wait_for_stage("other", "Suspended")

    after = cluster.requests()
    assert after["PATCH", "ctrexperiments"] == before["PATCH", "ctrexperiments"] + 1, (
        "only the status of the other experiment"
    )
    assert [after[verb, "jobs"] for verb in ("GET", "PATCH")] == [before[verb, "jobs"] for verb in ("GET", "PATCH")]


def test_invalid_data_ends_the_experiment_after_one_pod(cluster: Cluster) -> None:
    cluster.kubelet.environment = {**cluster.kubelet.environment, "FAKE_EXIT": "prepare=42"}
    cluster.start_operator()
    cluster.create("study", small_spec())

    cluster.wait_for_stage("study", "Failed")

    failed = cluster.condition("study", "Failed")
    assert failed["reason"] == "PrepareFailed"
    assert "it was told to fail" in failed["message"]
    assert cluster.condition("study", "Stalled")["status"] == "True"
    assert len(cluster.kubelet.started_pods) == 1
    assert ("Warning", "PrepareFailed") in cluster.wait_for_event("PrepareFailed")
