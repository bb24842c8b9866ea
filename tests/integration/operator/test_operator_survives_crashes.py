"""Operator and workers are killed, the API server misbehaves: the same end, and nothing done twice."""

import signal
from collections import Counter

import pytest
from fake_api_server.injected_faults import Fault
from fake_cluster.cluster import Cluster, journal_of, spec


def work_of(cluster: Cluster) -> Counter[tuple[str, str]]:
    return Counter(done for done in journal_of(cluster) if done[0] in ("trial", "run"))


def test_an_operator_killed_in_each_phase_is_followed_by_one_that_goes_on(cluster: Cluster) -> None:
    cluster.start_operator()
    cluster.create("study", spec())
    for stage in ("Preparing", "Tuning", "Evaluating"):
        cluster.wait_for_stage("study", stage)
        cluster.stop_operator(signal.SIGKILL)
        cluster.start_operator(CTRLAB_POD_NAME="operator-0")

    cluster.wait_for_stage("study", "Succeeded", "Failed")

    done = work_of(cluster)
    assert cluster.stage("study") == "Succeeded"
    assert len(done) == sum(done.values()) == 18


def test_a_killed_worker_costs_its_trial_and_the_budget_stays_exact(cluster: Cluster) -> None:
    cluster.kubelet.environment = {**cluster.kubelet.environment, "FAKE_PAUSE": "0.6"}
    cluster.start_operator()
    cluster.create("study", spec(models=[spec()["models"][0]]))
    cluster.wait(lambda: any(kind == "trial" for kind, _ in journal_of(cluster)))
    victim = next(name for name in cluster.kubelet.running if "tune" in name)

    cluster.kubelet.kill(victim)
    cluster.wait_for_stage("study", "Evaluating", "Reporting", "Succeeded", "Failed")

    (model,) = cluster.experiment("study")["status"]["models"]
    assert (model["trialsDone"], model["trialsFailed"]) == (8, 0)
    restarted = [pod for pod in cluster.kubelet.started_pods if "study-tune-fm" in pod["metadata"]["name"]]
    assert len(restarted) >= 3, "the index of the lost worker is started again"


@pytest.mark.fake_server
def test_a_server_that_throttles_fails_and_forgets_delays_and_breaks_nothing(cluster: Cluster) -> None:
    for fault in (
        Fault(status=429, plural="jobs", verb="PATCH", times=2, retry_after=1),
        Fault(status=500, plural="ctrexperiments", verb="PATCH", times=3),
        Fault(status=409, plural="ctrexperiments", verb="PATCH", times=2),
        Fault(status=409, plural="jobs", verb="PATCH"),
        Fault(status=503, plural="jobs", verb="GET", times=2),
        Fault(status=0, plural="configmaps", seconds=1.0),
    ):
        cluster.server.faults.add(fault)
    cluster.start_operator()
    cluster.create("study", spec())
    cluster.wait_for_stage("study", "Tuning")
    cluster.server.objects.compact()
    cluster.server.drop_watches()

    cluster.wait_for_stage("study", "Succeeded", "Failed")

    done = work_of(cluster)
    assert cluster.stage("study") == "Succeeded"
    assert len(done) == sum(done.values()) == 18


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGKILL])
def test_a_second_operator_waits_for_the_lease_of_the_first(cluster: Cluster, stop: signal.Signals) -> None:
    cluster.start_operator()
    cluster.create("first", spec(suspend=True))
    cluster.wait_for_stage("first", "Suspended")
    first = cluster.operators[-1]
    cluster.start_operator()
    first.send_signal(stop)
    first.wait(timeout=60)

    cluster.create("second", spec(suspend=True))

    cluster.wait_for_stage("second", "Suspended")
    log = (cluster.folder / "operator-1.log").read_text()
    assert "acquired the Lease as operator-1" in log
