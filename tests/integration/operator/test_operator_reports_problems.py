"""Every problem ends in a condition that says what to do, permanently or until it is fixed."""

import re
import socket
import urllib.request
from collections.abc import Iterator

import pytest
from builders import FM, small_spec
from fake_cluster.cluster import Cluster, journal_of
from local_servers.backing_servers import free_ports
from local_servers.tcp_proxy import TcpProxy

from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.kubernetes_api.object_kinds import CONFIG_MAP, EVENT, EXPERIMENT, JOB


@pytest.fixture
def bucket_port(cluster: Cluster) -> Iterator[TcpProxy]:
    """A proxy in front of the S3 server, which can be cut; operator and workers connect through it."""
    host, _, port = cluster.endpoint.removeprefix("http://").partition(":")
    proxy = TcpProxy(lambda: socket.create_connection((host, int(port))))
    cluster.endpoint = f"http://127.0.0.1:{proxy.port}"
    yield proxy
    proxy.close()


def test_pods_that_a_quota_rejects_are_reported_until_they_may_run(cluster: Cluster) -> None:
    cluster.reject_pods()
    cluster.start_operator()
    cluster.create("study", small_spec(models=[FM]))

    stalled = cluster.wait_for_condition("study", "Stalled", "PodsRefused")
    assert "exceeded quota" in stalled["message"]
    assert ("Warning", "PodsRefused") in cluster.wait_for_event("PodsRefused")

    cluster.allow_pods()
    cluster.wait_for_stage("study", "Succeeded", "Failed")
    assert cluster.stage("study") == "Succeeded"
    assert cluster.condition("study", "Stalled")["status"] == "False"


@pytest.mark.fake_server
def test_a_quota_of_one_pod_slows_an_experiment_down_and_does_not_stall_it(cluster: Cluster) -> None:
    assert cluster.jobs is not None
    cluster.jobs.pod_quota = 1
    cluster.kubelet.environment = {**cluster.kubelet.environment, "FAKE_PAUSE": "1.0"}
    cluster.start_operator()
    tuning = {"trials": 14, "workers": 1, "sampler": "Random"}
    cluster.create("study", small_spec(models=[FM, {**FM, "name": "FM2"}], tuning=tuning))

    # A Job without pods is examined after ten seconds.
    cluster.wait(lambda: "exceeded quota" in cluster.condition("study", "Ready").get("message", ""))
    ready = cluster.condition("study", "Ready")
    assert (ready["status"], ready["reason"]) == ("True", "Tuning")
    assert cluster.condition("study", "Stalled")["status"] == "False"
    assert cluster.condition("study", "Reconciling")["status"] == "False"


@pytest.mark.fake_server
def test_a_job_that_kueue_holds_is_queued_with_the_message_of_its_workload(cluster: Cluster) -> None:
    assert cluster.jobs is not None
    cluster.jobs.queues = {
        "research": "insufficient unused quota for cpu",
        "reserch": "LocalQueue reserch doesn't exist",
    }
    cluster.start_operator()
    cluster.create("study", small_spec(models=[FM], runtime={"queueName": "reserch"}))

    missing = cluster.wait_for_condition("study", "Stalled", "QueueMissing")
    assert "LocalQueue reserch doesn't exist" in missing["message"]
    cluster.change("study", {"runtime": {"queueName": "research"}})
    queued = cluster.wait_for_condition("study", "Reconciling", "Queued")
    assert "insufficient unused quota for cpu" in queued["message"]
    assert cluster.condition("study", "Ready")["status"] == "False"
    assert cluster.condition("study", "Stalled")["status"] == "False"
    assert not cluster.pods()

    cluster.jobs.queues = {"research": ""}
    cluster.wait_for_stage("study", "Succeeded", "Failed")
    assert cluster.stage("study") == "Succeeded"
    assert ("Warning", "Queued") in cluster.wait_for_event("Queued")


@pytest.mark.fake_server
def test_every_pod_has_limits_where_a_quota_requires_them(cluster: Cluster) -> None:
    assert cluster.jobs is not None
    cluster.jobs.requires_limits = True
    cluster.start_operator()
    cluster.create("study", small_spec(models=[FM]))

    cluster.wait_for_stage("study", "Succeeded", "Failed", seconds=60)
    assert cluster.stage("study") == "Succeeded"


def test_too_many_failed_trials_end_the_experiment_with_their_reason_and_stop_its_pods(cluster: Cluster) -> None:
    cluster.kubelet.environment = {**cluster.kubelet.environment, "FAKE_TRIALS": "the loss is not a number"}
    cluster.start_operator()
    tuning = {"trials": 40, "workers": 2, "sampler": "Random", "maxFailedTrials": 3}
    cluster.create("study", small_spec(models=[FM], tuning=tuning))

    cluster.wait_for_stage("study", "Failed")

    failed = cluster.condition("study", "Failed")
    assert failed["reason"] == "TooManyFailedTrials"
    assert "the loss is not a number" in failed["message"]
    cluster.wait(lambda: not cluster.kubelet.running)


def test_a_tuning_timeout_ends_the_experiment_and_stops_its_pods(cluster: Cluster) -> None:
    cluster.kubelet.environment = {**cluster.kubelet.environment, "FAKE_PAUSE": "0.5"}
    cluster.start_operator()
    tuning = {"trials": 500, "workers": 2, "sampler": "Random", "timeout": "3s"}
    cluster.create("study", small_spec(models=[FM], tuning=tuning))

    cluster.wait_for_stage("study", "Failed")

    assert cluster.condition("study", "Failed")["reason"] in ("TuningTimeout", "TuningFailed")
    assert "tuning.timeout" in cluster.condition("study", "Failed")["message"]
    cluster.wait(lambda: not cluster.kubelet.running)


def test_failed_final_runs_end_the_experiment_and_keep_its_studies(cluster: Cluster) -> None:
    cluster.kubelet.environment = {**cluster.kubelet.environment, "FAKE_EXIT": "evaluate=43"}
    cluster.start_operator()
    cluster.create("study", small_spec(models=[FM]))

    cluster.wait_for_stage("study", "Failed")

    failed = cluster.condition("study", "Failed")
    assert failed["reason"] == "EvaluationFailed"
    assert "it was told to fail" in failed["message"]
    (model,) = cluster.experiment("study")["status"]["models"]
    assert (model["trialsDone"], model["runsDone"], model["runsFailed"]) == (8, 0, 5)
    assert cluster.condition("study", "TuningComplete")["status"] == "True"
    cluster.wait(lambda: not cluster.kubelet.running)


def test_an_unreachable_bucket_is_reported_until_it_responds(cluster: Cluster, bucket_port: TcpProxy) -> None:
    bucket_port.cut()
    cluster.start_operator()
    cluster.create("study", small_spec(models=[FM]))

    waiting = cluster.wait_for_condition("study", "Reconciling", "StoreUnavailable")
    assert "check spec.storage, its Secret and the bucket" in waiting["message"]
    assert cluster.condition("study", "Stalled")["status"] == "False"
    assert not cluster.pods()

    bucket_port.restore()
    cluster.wait_for_stage("study", "Succeeded", "Failed")
    assert cluster.stage("study") == "Succeeded"
    assert cluster.condition("study", "Stalled")["status"] == "False"


@pytest.mark.fake_server
def test_a_database_that_hangs_does_not_delay_experiments_that_need_another_one(cluster: Cluster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts connections and never answers
        url = f"postgresql+psycopg://me:any@127.0.0.1:{silent.getsockname()[1]}/nothing"
        cluster.add_secret("silent", url=url)
        cluster.start_operator(CTRLAB_RECONCILE_WORKERS="2")
        storage = {"databaseSecretRef": {"name": "silent"}}
        for number in range(12):
            cluster.create(f"waits-{number}", small_spec(models=[FM], storage=storage))
        for number in range(12):
            name = f"waits-{number}"
            cluster.wait(lambda name=name: cluster.experiment(name)["status"].get("conditions"), seconds=60)  # type: ignore[misc]
        cluster.create("fine", small_spec(models=[FM]))
        cluster.wait_for_stage("fine", "Tuning", "Evaluating", "Reporting", "Succeeded", seconds=40)
        cluster.wait_for_condition("waits-11", "Reconciling", "DatabaseUnavailable")
        cluster.wait_for_stage("fine", "Succeeded", seconds=90)


def test_no_event_log_status_or_child_contains_secret_values(cluster: Cluster, bucket_port: TcpProxy) -> None:
    values = ("KEYID-7f3a", "SECRETKEY-9b1c", "TOKEN-55aa", "PASSWORD-c0de")
    cluster.add_secret(
        "mine", AWS_ACCESS_KEY_ID=values[0], AWS_SECRET_ACCESS_KEY=values[1], AWS_SESSION_TOKEN=values[2]
    )
    cluster.add_secret("database-of-mine", url=cluster.database_url.replace(":any@", f":{values[3]}@"))
    cluster.add_secret("wrong", url=f"postgresql://me:{values[3]}@127.0.0.1:1/nothing")
    cluster.add_secret("nonsense", url=f"{values[3]} is not a URL")
    cluster.start_operator()
    names = {"fine": "database-of-mine", "unreachable": "wrong", "refused": "nonsense"}
    for name, database in names.items():
        storage = {"secretRef": {"name": "mine"}, "databaseSecretRef": {"name": database}}
        cluster.create(name, small_spec(models=[FM], storage=storage))

    cluster.wait_for_stage("fine", "Succeeded", "Failed")
    cluster.wait_for_condition("unreachable", "Reconciling", "DatabaseUnavailable")
    cluster.wait_for_condition("refused", "Stalled", "SecretInvalid")
    bucket_port.cut()
    cluster.create("late", small_spec(models=[FM], storage={"secretRef": {"name": "mine"}}))
    cluster.wait_for_condition("late", "Reconciling", "StoreUnavailable")

    assert cluster.stage("fine") == "Succeeded"
    kinds = (EXPERIMENT, JOB, CONFIG_MAP, EVENT)
    texts = "".join(str(cluster.api.list(kind, cluster.namespace)) for kind in kinds) + str(cluster.pods())
    texts += "".join(path.read_text() for path in cluster.folder.glob("operator-*.log"))
    assert [value for value in values if value in texts] == []


@pytest.mark.fake_server
def test_a_deletion_that_the_watch_missed_is_detected_by_listing(cluster: Cluster) -> None:
    cluster.kubelet.environment = {**cluster.kubelet.environment, "FAKE_PAUSE": "1.0"}
    cluster.start_operator(CTRLAB_RESYNC_SECONDS="3")
    cluster.create("study", small_spec(models=[FM]))
    job = cluster.wait(lambda: _tune_job(cluster))
    cluster.wait(lambda: any(kind == "trial" for kind, _ in journal_of(cluster)))

    with cluster.server.objects.muted():
        cluster.api.delete(JOB, cluster.namespace, job["metadata"]["name"], job["metadata"]["uid"])

    new_job = cluster.wait(lambda: _tune_job(cluster))
    assert new_job["metadata"]["uid"] != job["metadata"]["uid"]
    cluster.wait_for_stage("study", "Succeeded", "Failed")
    assert cluster.stage("study") == "Succeeded"


def test_probes_and_metrics_of_a_finished_experiment(cluster: Cluster) -> None:
    (port,) = free_ports(1)
    cluster.start_operator(CTRLAB_PORT=str(port))
    cluster.create("study", small_spec(models=[FM]))
    cluster.wait_for_stage("study", "Succeeded")

    for path in ("healthz", "readyz"):
        assert _get(port, path) == "ok\n"

    def metrics_of_the_finished_experiment() -> dict[str, float]:
        samples = re.findall(r"^(ctrlab_\S+) (\S+)$", _get(port, "metrics"), re.MULTILINE)
        metrics = {name: float(value) for name, value in samples}
        return metrics if 'ctrlab_experiments{stage="Succeeded"}' in metrics else {}

    # The operator updates its metrics after it has written the status.
    metrics = cluster.wait(metrics_of_the_finished_experiment)
    assert metrics["ctrlab_queue_depth"] >= 0
    assert metrics["ctrlab_reconcile_seconds_count"] >= 4
    assert metrics["ctrlab_watch_age_seconds"] < 60
    assert metrics['ctrlab_trials{state="done"}'] == 8
    assert metrics['ctrlab_runs{state="done"}'] == 5
    assert metrics['ctrlab_experiments{stage="Succeeded"}'] == 1
    for phase in ("prepare", "tune", "evaluate", "report"):
        assert metrics[f'ctrlab_phase_seconds_count{{phase="{phase}"}}'] == 1
    assert metrics["ctrlab_runs_lost_total"] == 0


def _tune_job(cluster: Cluster) -> Manifest:
    """Return the tuning Job, or an empty object."""
    jobs = [job for job in cluster.api.list(JOB, cluster.namespace) if "-tune-" in job["metadata"]["name"]]
    return jobs[0] if jobs else {}


def _get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10) as response:
        return str(response.read().decode())
