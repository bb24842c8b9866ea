"""Measure the latency of the operator: time between phases, API requests per experiment, and overhead compared with
`ctrlab run`.
"""

import json
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from builders import (
    categorical,
    dataset_spec,
    experiment_manifest,
    experiment_spec,
    model_spec,
    small_spec,
    synthetic_source,
)
from fake_cluster.cluster import Cluster
from kubernetes import client as kubernetes_client
from kubernetes import config as kubernetes_config
from local_servers.backing_servers import free_ports

from ctrlab_operator.kubernetes_api.object_kinds import JOB, POD, ObjectKind
from ctrlab_operator.manifests.job_manifests import JOB_ANNOTATION

FAKE_WORKER = Path(__file__).parents[1] / "tests" / "integration" / "fake_worker.py"
JOB_LABEL = "batch.kubernetes.io/job-name"
PHASES = ("prepare", "tune-fm", "evaluate", "report")
"""The Job of each phase, by the planner's name; LR is not tuned."""

TINY = {"batch_size": 512, "epochs": 2}
LEARNING_RATE = {"learning_rate": {"float": {"low": "1e-3", "high": "1e-1", "log": True}}}
REAL_SPEC = experiment_spec(
    dataset=dataset_spec(
        source=synthetic_source(20_000, users=500, items=300),
        features=categorical("user_id", "item_id"),
        user="user_id",
    ),
    models=[
        model_spec("FM", parameters={**TINY, "embedding_dim": 8}, search=LEARNING_RATE),
        model_spec("LR", parameters={**TINY, "learning_rate": "0.01"}),
    ],
    tuning={"trials": 4, "workers": 1, "sampler": "Random"},
    evaluation={"seeds": {"count": 5}},
)


@dataclass(frozen=True)
class Latency:
    """Latency of experiments whose workers train nothing."""

    gaps: list[float]
    """Seconds from the end of a phase's last pod to the Job of the next phase, sorted."""
    requests: float
    """Requests to the API server per experiment, without watches and the Lease."""
    pods: float
    """Pods per experiment."""


@dataclass
class ObservedTimes:
    """Times of the first watch events of Jobs and of ended pods."""

    jobs: dict[tuple[str, str], float] = field(default_factory=dict)
    """By experiment and the planner's name of the Job."""
    ends: dict[str, list[float]] = field(default_factory=dict)
    """Ends of pods, by the name of their Job."""
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def job(self, body: dict[str, Any]) -> None:
        key = (body["metadata"]["ownerReferences"][0]["name"], body["metadata"]["annotations"][JOB_ANNOTATION])
        self.jobs.setdefault(key, time.monotonic())
        self.names[key] = body["metadata"]["name"]

    def pod(self, body: dict[str, Any]) -> None:
        uid, ended = body["metadata"]["uid"], body.get("status", {}).get("phase") in ("Succeeded", "Failed")
        if ended and uid not in self.seen:
            self.seen.add(uid)
            self.ends.setdefault(body["metadata"]["labels"][JOB_LABEL], []).append(time.monotonic())

    def gaps(self, experiment: str) -> Iterator[float]:
        for before, after in pairwise(PHASES):
            end = max(self.ends[self.names[experiment, before]])
            yield max(0.0, self.jobs[experiment, after] - end)


def measure(cluster: Cluster, experiments: int) -> Latency:
    """Run experiments one after the other, so that they do not compete for the machine."""
    cluster.kubelet.commands = {
        name: (sys.executable, str(FAKE_WORKER)) for name in ("ctrlab_trainer", "ctrlab_report")
    }
    journal = {"FAKE_JOURNAL": str(cluster.folder / "journal"), "FAKE_PAUSE": "0.1"}
    cluster.kubelet.environment = {**cluster.kubelet.environment, **journal}
    observed = ObservedTimes()
    for kind, record in ((JOB, observed.job), (POD, observed.pod)):
        threading.Thread(target=_watch, args=(cluster, kind, record), daemon=True).start()
    (port,) = free_ports(1)
    cluster.start_operator(CTRLAB_PORT=str(port), CTRLAB_POLL_SECONDS="15")
    cluster.wait(lambda: _responds(port))
    before, gaps = _requests(port), list[float]()
    for number in range(experiments):
        cluster.create(f"experiment-{number}", small_spec())
        cluster.wait_for_stage(f"experiment-{number}", "Succeeded", "Failed", seconds=300)
        gaps += observed.gaps(f"experiment-{number}")
    requests = _requests(port) - before
    cluster.stop_operator()
    return Latency(sorted(gaps), requests / experiments, len(observed.seen) / experiments)


def overhead(cluster: Cluster) -> tuple[float, float]:
    """Return the seconds of the same real training by `ctrlab run` with two workers, and by the operator."""
    file = cluster.folder / "real.yaml"
    file.write_text(json.dumps(experiment_manifest("real", **REAL_SPEC)))
    command = [sys.executable, "-m", "ctrlab.cli", "run", str(file), "--workers", "2"]
    start = time.monotonic()
    subprocess.run([*command, "--workspace", str(cluster.folder / "w")], check=True, capture_output=True)
    local_seconds = time.monotonic() - start

    cluster.kubelet.commands = {}
    (port,) = free_ports(1)
    cluster.start_operator(CTRLAB_PORT=str(port), CTRLAB_POLL_SECONDS="15")
    cluster.wait(lambda: _responds(port))
    start = time.monotonic()
    cluster.create("real", REAL_SPEC)
    stage = cluster.wait_for_stage("real", "Succeeded", "Failed", seconds=600)
    assert stage == "Succeeded", cluster.condition("real", "Failed")
    operator_seconds = time.monotonic() - start
    cluster.stop_operator()
    return local_seconds, operator_seconds


def _watch(cluster: Cluster, kind: ObjectKind, record: Any) -> None:
    """Watch with a separate connection, which ends with the process."""
    configuration = kubernetes_client.Configuration()
    kubernetes_config.load_kube_config(str(cluster.kubeconfig), client_configuration=configuration)
    response = kubernetes_client.ApiClient(configuration).call_api(
        kind.path(cluster.namespace),
        "GET",
        query_params=[("watch", "1"), ("resourceVersion", "0")],
        auth_settings=["BearerToken"],
        _return_http_data_only=True,
        _preload_content=False,
    )
    rest = b""
    for part in response.stream(4096, decode_content=False):
        *lines, rest = (rest + part).split(b"\n")
        for line in filter(None, lines):
            event = json.loads(line)
            if event["type"] in ("ADDED", "MODIFIED"):
                record(event["object"])


def _responds(port: int) -> bool:
    try:
        return bool(_metrics(port))
    except OSError:
        return False


def _requests(port: int) -> float:
    counts = re.findall(r"^ctrlab_api_requests_total\{([^}]*)\} (\S+)$", _metrics(port), re.MULTILINE)
    return sum(float(value) for labels, value in counts if 'resource="leases"' not in labels)


def _metrics(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        return str(response.read().decode())
