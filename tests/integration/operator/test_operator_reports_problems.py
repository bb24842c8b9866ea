"""What goes wrong ends in a condition that says what to do: for good, or until it is repaired."""

import re
import socket
import urllib.request
from collections.abc import Iterator

import pytest
from fake_cluster.cluster import Cluster, journal_of, spec
from local_servers.backing_servers import free_ports
from local_servers.tcp_proxy import TcpProxy

from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.kubernetes_api.object_kinds import CONFIG_MAP, EVENT, EXPERIMENT, JOB

ONE_MODEL = spec()["models"][:1]


@pytest.fixture
def bucket_port(cluster: Cluster) -> Iterator[TcpProxy]:
    """A port in front of the S3 server, which can be cut; operator and workers go through it."""
    host, _, port = cluster.endpoint.removeprefix("http://").partition(":")
    proxy = TcpProxy(lambda: socket.create_connection((host, int(port))))
    cluster.endpoint = f"http://127.0.0.1:{proxy.port}"
    yield proxy
    proxy.close()


def test_pods_that_a_quota_refuses_are_told_until_they_may_run(cluster: Cluster) -> None:
    cluster.reject_pods()
    cluster.start_operator()
    cluster.create("study", spec(models=ONE_MODEL))

    cluster.wait(lambda: cluster.condition("study", "Stalled").get("reason") == "PodsRefused")
    assert "exceeded quota" in cluster.condition("study", "Stalled")["message"]
    assert ("Warning", "PodsRefused") in cluster.events()

    cluster.allow_pods()
    cluster.wait_for_stage("study", "Succeeded", "Failed")
    assert cluster.stage("study") == "Succeeded"
    assert cluster.condition("study", "Stalled")["status"] == "False"


def test_too_many_failed_trials_end_it_with_their_reason_and_without_pods(cluster: Cluster) -> None:
    cluster.kubelet.environment = {**cluster.kubelet.environment, "FAKE_TRIALS": "the loss is not a number"}
    cluster.start_operator()
    tuning = {"trials": 40, "workers": 2, "sampler": "Random", "maxFailedTrials": 3}
    cluster.create("study", spec(models=ONE_MODEL, tuning=tuning))

    cluster.wait_for_stage("study", "Failed")

    failed = cluster.condition("study", "Failed")
    assert failed["reason"] == "TooManyFailedTrials"
    assert "the loss is not a number" in failed["message"]
    cluster.wait(lambda: not cluster.kubelet.running)


def test_a_search_that_takes_too_long_ends_and_leaves_no_pod_running(cluster: Cluster) -> None:
    cluster.kubelet.environment = {**cluster.kubelet.environment, "FAKE_PAUSE": "0.5"}
    cluster.start_operator()
    tuning = {"trials": 500, "workers": 2, "sampler": "Random", "timeout": "3s"}
    cluster.create("study", spec(models=ONE_MODEL, tuning=tuning))

    cluster.wait_for_stage("study", "Failed")

    assert cluster.condition("study", "Failed")["reason"] in ("TuningTimeout", "TuningFailed")
    assert "tuning.timeout" in cluster.condition("study", "Failed")["message"]
    cluster.wait(lambda: not cluster.kubelet.running)


def test_final_runs_that_cannot_succeed_end_it_and_keep_what_was_found(cluster: Cluster) -> None:
    cluster.kubelet.environment = {**cluster.kubelet.environment, "FAKE_EXIT": "evaluate=43"}
    cluster.start_operator()
    cluster.create("study", spec(models=ONE_MODEL))

    cluster.wait_for_stage("study", "Failed")

    failed = cluster.condition("study", "Failed")
    assert failed["reason"] == "EvaluationFailed"
    assert "it was told to fail" in failed["message"]
    (model,) = cluster.experiment("study")["status"]["models"]
    assert (model["trialsDone"], model["runsDone"], model["runsFailed"]) == (8, 0, 5)
    assert cluster.condition("study", "TuningComplete")["status"] == "True"
    cluster.wait(lambda: not cluster.kubelet.running)


def test_an_unreachable_bucket_is_told_and_then_forgotten(cluster: Cluster, bucket_port: TcpProxy) -> None:
    bucket_port.cut()
    cluster.start_operator()
    cluster.create("study", spec(models=ONE_MODEL))

    cluster.wait(lambda: cluster.condition("study", "Stalled").get("reason") == "StoreUnavailable")
    assert "check spec.storage, its Secret and the bucket" in cluster.condition("study", "Stalled")["message"]
    assert not cluster.pods()

    bucket_port.restore()
    cluster.wait_for_stage("study", "Succeeded", "Failed")
    assert cluster.stage("study") == "Succeeded"
    assert cluster.condition("study", "Stalled")["status"] == "False"


def test_no_event_log_status_or_child_holds_what_the_secrets_hold(cluster: Cluster, bucket_port: TcpProxy) -> None:
    words = ("KEYID-7f3a", "SECRETKEY-9b1c", "TOKEN-55aa", "PASSWORD-c0de")
    cluster.add_secret("mine", AWS_ACCESS_KEY_ID=words[0], AWS_SECRET_ACCESS_KEY=words[1], AWS_SESSION_TOKEN=words[2])
    cluster.add_secret("database-of-mine", url=cluster.database_url.replace(":any@", f":{words[3]}@"))
    cluster.add_secret("wrong", url=f"postgresql://me:{words[3]}@127.0.0.1:1/nothing")
    cluster.add_secret("nonsense", url=f"{words[3]} is not a URL")
    cluster.start_operator()
    names = {"fine": "database-of-mine", "unreachable": "wrong", "refused": "nonsense"}
    for name, database in names.items():
        storage = {"secretRef": {"name": "mine"}, "databaseSecretRef": {"name": database}}
        cluster.create(name, spec(models=ONE_MODEL, storage=storage))

    cluster.wait_for_stage("fine", "Succeeded", "Failed")
    cluster.wait(lambda: cluster.condition("unreachable", "Stalled").get("reason") == "DatabaseUnavailable")
    cluster.wait(lambda: cluster.condition("refused", "Stalled").get("reason") == "SecretInvalid")
    bucket_port.cut()
    cluster.create("late", spec(models=ONE_MODEL, storage={"secretRef": {"name": "mine"}}))
    cluster.wait(lambda: cluster.condition("late", "Stalled").get("reason") == "StoreUnavailable")

    assert cluster.stage("fine") == "Succeeded"
    kinds = (EXPERIMENT, JOB, CONFIG_MAP, EVENT)
    said = "".join(str(cluster.api.list(kind, cluster.namespace)) for kind in kinds) + str(cluster.pods())
    said += "".join(path.read_text() for path in cluster.folder.glob("operator-*.log"))
    assert [word for word in words if word in said] == []


@pytest.mark.fake_server
def test_a_deletion_that_no_watch_told_of_is_found_by_listing(cluster: Cluster) -> None:
    cluster.kubelet.environment = {**cluster.kubelet.environment, "FAKE_PAUSE": "1.0"}
    cluster.start_operator(CTRLAB_RESYNC_SECONDS="3")
    cluster.create("study", spec(models=ONE_MODEL))
    job = cluster.wait(lambda: _tune_job(cluster))
    cluster.wait(lambda: any(kind == "trial" for kind, _ in journal_of(cluster)))

    with cluster.server.objects.muted():
        cluster.api.delete(JOB, cluster.namespace, job["metadata"]["name"], job["metadata"]["uid"])

    made_again = cluster.wait(lambda: _tune_job(cluster))
    assert made_again["metadata"]["uid"] != job["metadata"]["uid"]
    cluster.wait_for_stage("study", "Succeeded", "Failed")
    assert cluster.stage("study") == "Succeeded"


def test_probes_and_metrics_answer_and_count_what_was_done(cluster: Cluster) -> None:
    (port,) = free_ports(1)
    cluster.start_operator(CTRLAB_PORT=str(port))
    cluster.create("study", spec(models=ONE_MODEL))
    cluster.wait_for_stage("study", "Succeeded")

    for path in ("healthz", "readyz"):
        assert _get(port, path) == "ok\n"
    text = _get(port, "metrics")
    values = {name: float(value) for name, value in re.findall(r"^(ctrlab_\S+) (\S+)$", text, re.MULTILINE)}
    assert values["ctrlab_queue_depth"] >= 0
    assert values["ctrlab_reconcile_seconds_count"] >= 4
    assert values["ctrlab_watch_age_seconds"] < 60
    assert values['ctrlab_trials{state="done"}'] == 8
    assert values['ctrlab_runs{state="done"}'] == 5
    assert [name for name in values if name.startswith("ctrlab_experiments{") and 'stage="Succeeded"' in name]


def _tune_job(cluster: Cluster) -> Manifest:
    """Empty while there is none."""
    found = [job for job in cluster.api.list(JOB, cluster.namespace) if "-tune-" in job["metadata"]["name"]]
    return found[0] if found else {}


def _get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10) as answer:
        return str(answer.read().decode())
