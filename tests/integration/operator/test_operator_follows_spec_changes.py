"""Changes of a running experiment by its user: suspend, resume, scale, delete, and fixing what blocks it."""

import signal
from typing import Any

from builders import FM, small_spec
from fake_cluster.cluster import Cluster, journal_of

from ctrlab_operator.kubernetes_api.object_kinds import CONFIG_MAP, EXPERIMENT, JOB, SECRET
from ctrlab_store import open_store


def slow_down(cluster: Cluster) -> None:
    """Slow down the workers, so that the test can act while they run."""
    cluster.kubelet.environment = {**cluster.kubelet.environment, "FAKE_PAUSE": "0.5"}


def test_suspending_stops_pods_and_resuming_repeats_no_finished_work(cluster: Cluster) -> None:
    slow_down(cluster)
    cluster.start_operator()
    cluster.create("study", small_spec(models=[FM]))
    cluster.wait(lambda: sum(kind == "trial" for kind, _ in journal_of(cluster)) >= 2)

    cluster.change("study", {"suspend": True})
    cluster.wait_for_stage("study", "Suspended")
    cluster.wait(lambda: not cluster.kubelet.running)
    assert cluster.condition("study", "Suspended")["status"] == "True"

    cluster.change("study", {"suspend": False})
    cluster.wait_for_stage("study", "Succeeded", "Failed")
    trials = [trial for kind, trial in journal_of(cluster) if kind == "trial"]
    assert cluster.stage("study") == "Succeeded"
    assert len(set(trials)) == 8
    assert len(trials) <= 8 + 2, "a stopped worker releases its slot"


def test_more_workers_are_started_for_a_running_study(cluster: Cluster) -> None:
    slow_down(cluster)
    cluster.start_operator()
    cluster.create("study", small_spec(models=[FM], tuning={"trials": 30, "workers": 1, "sampler": "Random"}))
    cluster.wait(lambda: len(cluster.kubelet.running) == 1 and cluster.stage("study") == "Tuning")

    cluster.change("study", {"tuning": {"workers": 3}})

    cluster.wait(lambda: len(cluster.kubelet.running) == 3)
    job = cluster.api.get(JOB, cluster.namespace, "study-tune-fm")
    assert (job["spec"]["completions"], job["spec"]["parallelism"]) == (3, 3)


def test_deleting_stops_pods_at_once_and_keeps_the_store(cluster: Cluster) -> None:
    slow_down(cluster)
    cluster.start_operator()
    created = cluster.create("study", small_spec())
    cluster.wait(lambda: cluster.stage("study") == "Tuning" and cluster.kubelet.running)

    uid = created["metadata"]["uid"]
    cluster.api.delete(EXPERIMENT, cluster.namespace, "study", uid)

    cluster.wait(lambda: not cluster.pods() and not cluster.job_names() and not cluster.kubelet.running)
    cluster.wait(lambda: not cluster.api.list(CONFIG_MAP, cluster.namespace, "ctrlab.dev/experiment=study"))
    environment = cluster.store_environment
    assert open_store(cluster.bucket, environment).exists(f"{cluster.namespace}/study/{uid}/plan.json")


def test_an_experiment_of_the_same_name_starts_from_scratch(cluster: Cluster) -> None:
    cluster.start_operator()
    first = cluster.create("study", small_spec())
    cluster.wait_for_stage("study", "Tuning")
    cluster.api.delete(EXPERIMENT, cluster.namespace, "study", first["metadata"]["uid"])
    cluster.create("study", small_spec())

    cluster.wait_for_stage("study", "Succeeded", "Failed")

    assert cluster.stage("study") == "Succeeded"
    assert sum(kind == "run" for kind, _ in journal_of(cluster)) == 10


def test_a_missing_secret_stalls_with_advice_until_it_exists(cluster: Cluster) -> None:
    secret = cluster.api.get(SECRET, cluster.namespace, "database")
    cluster.api.delete(SECRET, cluster.namespace, "database", secret["metadata"]["uid"])
    cluster.start_operator()
    cluster.create("study", small_spec())

    stalled = cluster.wait_for_condition("study", "Stalled", "SecretMissing")
    assert f"there is no Secret database in namespace {cluster.namespace}; create it" in stalled["message"]
    assert not cluster.pods()

    cluster.add_secret("database", url=cluster.database_url)
    cluster.wait_for_stage("study", "Succeeded", "Failed")
    assert cluster.condition("study", "Stalled")["status"] == "False"


def test_a_missing_test_secret_is_reported_from_the_pods(cluster: Cluster) -> None:
    cluster.start_operator(CTRLAB_DEFAULT_TEST_SECRET="sealed")
    cluster.create("study", small_spec())

    stalled = cluster.wait_for_condition("study", "Stalled", "PodsCannotStart")
    assert 'secret "sealed" not found' in stalled["message"]

    cluster.add_secret("sealed", AWS_ACCESS_KEY_ID="any", AWS_SECRET_ACCESS_KEY="any")
    cluster.wait_for_stage("study", "Succeeded", "Failed")
    assert cluster.stage("study") == "Succeeded"


def test_an_unreachable_database_is_reported_until_it_responds(
    cluster: Cluster, database_port: tuple[Any, str]
) -> None:
    slow_down(cluster)
    proxy, _ = database_port
    cluster.start_operator()
    cluster.create("study", small_spec())
    cluster.wait_for_stage("study", "Tuning")

    proxy.cut()
    message = cluster.wait_for_condition("study", "Reconciling", "DatabaseUnavailable")["message"]
    assert "check the database and the Secret with its URL" in message
    assert "postgres:any" not in message, "no password in a status"

    proxy.restore()
    cluster.wait_for_stage("study", "Succeeded", "Failed")
    assert cluster.condition("study", "Stalled")["status"] == "False"


def test_sigterm_stops_the_operator(cluster: Cluster) -> None:
    cluster.start_operator()
    cluster.create("study", small_spec(suspend=True))
    cluster.wait_for_stage("study", "Suspended")

    cluster.stop_operator(signal.SIGTERM)

    assert cluster.operators[-1].returncode == 0
