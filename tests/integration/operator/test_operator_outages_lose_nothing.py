"""Store and database are away in every phase, with the real trainer and report: nothing is lost, nothing is counted."""

import socket
from collections.abc import Callable, Iterator

import pytest
from builders import categorical, dataset_spec, experiment_spec, model_spec, synthetic_source
from fake_cluster.cluster import Cluster
from local_servers.tcp_proxy import TcpProxy

from ctrlab_api.names import ExitCode
from ctrlab_api.records import RunRecord
from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_store import open_store

LEARNING_RATE = {"learning_rate": {"float": {"low": "1e-3", "high": "1e-1", "log": True}}}
SPEC = experiment_spec(
    dataset=dataset_spec(
        source=synthetic_source(3000, users=150, items=80), features=categorical("user_id", "item_id"), user="user_id"
    ),
    models=[
        model_spec("FM", parameters={"batch_size": 512, "epochs": 1, "embedding_dim": 4}, search=LEARNING_RATE),
    ],
    tuning={"trials": 2, "workers": 1, "sampler": "Random"},
    evaluation={"seeds": {"count": 5}},
)
IMPATIENT = {"CTRLAB_OUTAGE_SECONDS": "0.5", "AWS_MAX_ATTEMPTS": "1"}
"""Workers that give up quickly, so that an outage of seconds costs an index more pods than it has retries."""


@pytest.fixture
def bucket_port(cluster: Cluster) -> Iterator[TcpProxy]:
    """A proxy in front of the S3 server, which can be cut; operator and workers connect through it."""
    host, _, port = cluster.endpoint.removeprefix("http://").partition(":")
    proxy = TcpProxy(lambda: socket.create_connection((host, int(port))))
    cluster.endpoint = f"http://127.0.0.1:{proxy.port}"
    yield proxy
    proxy.close()


def pods_of(cluster: Cluster, phase: str) -> list[Manifest]:
    return [pod for pod in cluster.pods() if pod["metadata"]["labels"].get("ctrlab.dev/phase") == phase]


def exit_codes(cluster: Cluster, phase: str) -> list[int]:
    """Return the exit codes of the ended pods of a phase."""
    statuses = [
        status for pod in pods_of(cluster, phase) for status in pod.get("status", {}).get("containerStatuses", ())
    ]
    return [status["state"]["terminated"]["exitCode"] for status in statuses if "terminated" in status["state"]]


def interrupt(cluster: Cluster, phase: str, proxy: TcpProxy, ends: int, begin: Callable[[], object]) -> None:
    """Cut a server once `begin` is true, until `ends` pods of the phase have ended because of that."""
    cluster.wait(begin)
    proxy.cut()
    cluster.wait(lambda: exit_codes(cluster, phase).count(ExitCode.UNAVAILABLE) >= ends or _is_over(cluster, phase))
    proxy.restore()


def _is_over(cluster: Cluster, phase: str) -> bool:
    """Whether every pod of the phase has ended well, so that the outage came too late for it."""
    codes = exit_codes(cluster, phase)
    return bool(codes) and len(codes) == len(pods_of(cluster, phase)) and set(codes) == {0}


ALL_PHASES = ("prepare", "tune", "evaluate", "report")


@pytest.mark.fake_server
@pytest.mark.parametrize("phases", [("evaluate",), pytest.param(ALL_PHASES, marks=pytest.mark.slow)], ids=" ".join)
def test_outages_lose_no_trial_and_no_run(
    cluster: Cluster, bucket_port: TcpProxy, database_port: tuple[TcpProxy, str], phases: tuple[str, ...]
) -> None:
    cluster.kubelet.commands = {}
    cluster.kubelet.environment = {**cluster.kubelet.environment, **IMPATIENT}
    cluster.start_operator()
    uid = cluster.create("small", SPEC)["metadata"]["uid"]

    if "prepare" in phases:
        interrupt(cluster, "prepare", bucket_port, 4, lambda: pods_of(cluster, "prepare"))
    if "tune" in phases:
        interrupt(cluster, "tune", database_port[0], 8, lambda: pods_of(cluster, "tune"))
    cluster.wait_for_stage("small", "Evaluating")
    database_port[0].cut()  # for good: final runs and report need no database
    interrupt(cluster, "evaluate", bucket_port, 5, lambda: pods_of(cluster, "evaluate"))
    if "report" in phases:
        interrupt(cluster, "report", bucket_port, 4, lambda: pods_of(cluster, "report"))
    cluster.wait_for_stage("small", "Succeeded", "Failed", "Incomplete")

    status = cluster.experiment("small")["status"]
    assert status["stage"] == "Succeeded", cluster.condition("small", "Ready")
    assert (status["trials"], status["seeds"]) == ("2/2", "5/5")
    assert [(model["trialsFailed"], model["runsFailed"]) for model in status["models"]] == [(0, 0)]
    for phase in set(phases) - {"report"}:  # its process may be faster than the outage
        assert ExitCode.UNAVAILABLE in exit_codes(cluster, phase)
    assert {code for phase in ALL_PHASES for code in exit_codes(cluster, phase)} == {0, ExitCode.UNAVAILABLE}
    events = cluster.wait_for_event("Succeeded")
    assert ("Warning", "InfrastructureUnavailable") in events or ("Warning", "StoreUnavailable") in events
    after_tuning = [reason for _, reason in events][[reason for _, reason in events].index("Evaluating") :]
    assert "DatabaseUnavailable" not in after_tuning
    folder = open_store(cluster.bucket, cluster.store_environment).below(f"{cluster.namespace}/small/{uid}")
    keys = [key for key in folder.list("runs/") if key.endswith("record.json")]
    records = [RunRecord.model_validate_json(folder.get(key)) for key in keys]
    assert sorted(record.seed for record in records) == list(range(2024, 2029))
