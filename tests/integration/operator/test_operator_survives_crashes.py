"""Killed operators and workers, and a faulty API server: the experiment succeeds and no work is done twice."""

import signal
from collections import Counter

import pytest
from builders import FM, small_spec
from fake_api_server.injected_faults import Fault
from fake_cluster.cluster import Cluster, journal_of


def completed_work(cluster: Cluster) -> Counter[tuple[str, str]]:
    return Counter(entry for entry in journal_of(cluster) if entry[0] in ("trial", "run"))


def test_a_successor_continues_after_the_operator_is_killed_in_each_phase(cluster: Cluster) -> None:
    cluster.start_operator()
    cluster.create("study", small_spec())
    for stage in ("Preparing", "Tuning", "Evaluating"):
        cluster.wait_for_stage("study", stage)
        cluster.stop_operator(signal.SIGKILL)
        cluster.start_operator(CTRLAB_POD_NAME="operator-0")

    cluster.wait_for_stage("study", "Succeeded", "Failed")

    work = completed_work(cluster)
    assert cluster.stage("study") == "Succeeded"
    assert len(work) == sum(work.values()) == 18


def test_a_killed_worker_loses_its_trial_and_the_budget_stays_exact(cluster: Cluster) -> None:
    # A real Job controller restarts a failed index only after ten seconds; the other worker must not finish before.
    pause = "2.0" if cluster.kubeconfig else "0.6"
    cluster.kubelet.environment = {**cluster.kubelet.environment, "FAKE_PAUSE": pause}
    cluster.start_operator()
    cluster.create("study", small_spec(models=[FM]))
    cluster.wait(lambda: any(kind == "trial" for kind, _ in journal_of(cluster)))
    victim = next(name for name in cluster.kubelet.running if "tune" in name)

    cluster.kubelet.kill(victim)
    cluster.wait_for_stage("study", "Evaluating", "Reporting", "Succeeded", "Failed")

    (model,) = cluster.experiment("study")["status"]["models"]
    assert (model["trialsDone"], model["trialsFailed"]) == (8, 0)
    restarted = [pod for pod in cluster.kubelet.started_pods if "study-tune-fm" in pod["metadata"]["name"]]
    assert len(restarted) >= 3, "the index of the lost worker is restarted"


@pytest.mark.fake_server
def test_a_server_that_throttles_fails_and_drops_watches_only_delays_the_experiment(cluster: Cluster) -> None:
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
    cluster.create("study", small_spec())
    cluster.wait_for_stage("study", "Tuning")
    cluster.server.objects.compact()
    cluster.server.drop_watches()

    cluster.wait_for_stage("study", "Succeeded", "Failed")

    work = completed_work(cluster)
    assert cluster.stage("study") == "Succeeded"
    assert len(work) == sum(work.values()) == 18


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGKILL])
def test_a_second_operator_waits_for_the_lease_of_the_first(cluster: Cluster, stop: signal.Signals) -> None:
    cluster.start_operator()
    cluster.create("first", small_spec(suspend=True))
    cluster.wait_for_stage("first", "Suspended")
    first = cluster.operators[-1]
    cluster.start_operator()
    first.send_signal(stop)
    first.wait(timeout=60)

    cluster.create("second", small_spec(suspend=True))

    cluster.wait_for_stage("second", "Suspended")
    log = (cluster.folder / "operator-1.log").read_text()
    assert "acquired the Lease as operator-1" in log
