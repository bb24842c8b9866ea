"""A complete cluster in one object: API server, Job controller, a node, Secrets, and operator processes."""

import base64
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from fake_api_server.http_server import FakeApiServer
from fake_cluster.fork_server import ForkServer
from fake_cluster.job_controller import JobController
from fake_cluster.kubelet import Kubelet, register_node, unregister_node
from kubernetes import client as kubernetes_client
from kubernetes import config as kubernetes_config

from ctrlab_operator.kubernetes_api.api_client import HttpKubernetesApi, Manifest
from ctrlab_operator.kubernetes_api.api_errors import ApiError
from ctrlab_operator.kubernetes_api.object_kinds import (
    ABLATION,
    EVENT,
    EXPERIMENT,
    JOB,
    POD,
    SECRET,
    ObjectKind,
)

T = TypeVar("T")
NAMESPACES = ObjectKind("v1", "Namespace", "namespaces")
QUOTAS = ObjectKind("v1", "ResourceQuota", "resourcequotas")


@dataclass
class Cluster:
    """A cluster between `start` and `stop`, on a fake API server or on the real one of `kubeconfig`."""

    folder: Path
    bucket: str
    """Root of the artifact store: s3://bucket/prefix."""
    endpoint: str
    """URL of the S3 server, which accepts any credentials."""
    database_url: str
    commands: dict[str, tuple[str, ...] | ForkServer] = field(default_factory=dict)
    """Commands that the kubelet runs instead of `python -m MODULE`."""
    environment: dict[str, str] = field(default_factory=dict)
    """Variables of every worker."""
    operators: list[subprocess.Popen[bytes]] = field(default_factory=list)

    kubeconfig: Path | None = None
    """Kubeconfig of a real API server with controller manager, scheduler and the CRDs; None starts a fake one."""
    namespace: str = "team"
    node: str = "process-node"

    @property
    def store_environment(self) -> dict[str, str]:
        """Variables with which `open_store` reads the artifact store."""
        return {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_ENDPOINT_URL": self.endpoint}

    def start(self) -> None:
        if self.kubeconfig is None:
            self.server = FakeApiServer()
            self.server.start()
            self.kubeconfig = self.folder / "kubeconfig"
            self.server.write_kubeconfig(self.kubeconfig)
            self.jobs: JobController | None = JobController(self.server.objects, self.node)
            self.jobs.start()
        else:
            self.jobs = None
        configuration = kubernetes_client.Configuration()
        kubernetes_config.load_kube_config(str(self.kubeconfig), client_configuration=configuration)
        self.api = HttpKubernetesApi(kubernetes_client.ApiClient(configuration))
        if self.jobs is None:
            register_node(self.api, self.node)
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.api.create(NAMESPACES, "", {"metadata": {"name": self.namespace, "labels": labels}})
        self.kubelet = Kubelet(
            self.api,
            self.folder / "node",
            self.node,
            (self.namespace,),
            self.commands,
            {"CTRLAB_PARENT_PID": str(os.getpid()), **self.environment},
            period=0.1,
            is_registered=self.jobs is None,
        )
        self.kubelet.start()

    def stop(self) -> None:
        for operator in self.operators:
            operator.kill()
            operator.wait()
        self.kubelet.stop()
        if self.jobs is not None:
            self.jobs.stop()
            self.server.stop()
        else:
            namespace = self.api.get(NAMESPACES, "", self.namespace)
            self.api.delete(NAMESPACES, "", self.namespace, namespace["metadata"]["uid"])
            self._release_pods()
            unregister_node(self.api, self.node)

    def _release_pods(self) -> None:
        """Delete the pods of a real server at once, so that the deletion of their namespace completes.

        No kubelet is left to confirm that the processes have ended, and the Job controller, which removes its finalizer
        from pods, may not observe a Job that is deleted with its namespace.
        """
        for pod in self.pods():
            if pod["metadata"].get("finalizers"):
                with contextlib.suppress(ApiError):  # it is gone, or the Job controller was faster
                    self.api.merge(POD, self.namespace, pod["metadata"]["name"], {"metadata": {"finalizers": None}})
        kubernetes_client.CoreV1Api(self.api.connection).delete_collection_namespaced_pod(
            self.namespace, grace_period_seconds=0
        )

    def add_secrets(self) -> None:
        """Create the Secrets of the operator's defaults."""
        self.add_secret("storage", AWS_ACCESS_KEY_ID="any", AWS_SECRET_ACCESS_KEY="any")
        self.add_secret("database", url=self.database_url)

    def add_secret(self, name: str, **values: str) -> None:
        data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        self.api.create(SECRET, self.namespace, {"metadata": {"name": name}, "data": data})

    def reject_pods(self) -> None:
        """Add a quota that permits no pod."""
        if self.jobs is not None:
            self.jobs.rejection = "exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0"
        else:
            quota = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
            self.api.create(QUOTAS, self.namespace, quota)

    def allow_pods(self) -> None:
        """Remove the quota."""
        if self.jobs is not None:
            self.jobs.rejection = None
        else:
            quota = self.api.get(QUOTAS, self.namespace, "none")
            self.api.delete(QUOTAS, self.namespace, "none", quota["metadata"]["uid"])

    def start_operator(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start an operator process with the log `operator-N.log`."""
        settings = {
            "KUBECONFIG": str(self.kubeconfig),
            "CTRLAB_TRAINER_IMAGE": "trainer:test",
            "CTRLAB_OPERATOR_IMAGE": "operator:test",
            "CTRLAB_NAMESPACES": self.namespace,
            "CTRLAB_POD_NAMESPACE": self.namespace,
            "CTRLAB_POD_NAME": f"operator-{len(self.operators)}",
            "CTRLAB_POLL_SECONDS": "1",
            "CTRLAB_PORT": "0",
            "CTRLAB_DEFAULT_ARTIFACTS": self.bucket,
            "CTRLAB_DEFAULT_ENDPOINT": self.endpoint,
            "CTRLAB_DEFAULT_STORAGE_SECRET": "storage",
            "CTRLAB_DEFAULT_DATABASE_SECRET": "database",
            **environment,
        }
        log = (self.folder / f"operator-{len(self.operators)}.log").open("wb")
        operator = subprocess.Popen(
            [sys.executable, "-m", "ctrlab_operator", "run"], env={**os.environ, **settings}, stdout=log, stderr=log
        )
        log.close()
        self.operators.append(operator)
        return operator

    def stop_operator(self, number: int = signal.SIGTERM) -> None:
        """Stop the newest operator with a signal."""
        operator = self.operators[-1]
        operator.send_signal(number)
        operator.wait(timeout=60)

    def create(self, name: str, spec: Manifest) -> Manifest:
        return self.api.create(EXPERIMENT, self.namespace, {"metadata": {"name": name}, "spec": spec})

    def create_ablation(self, name: str, spec: Manifest) -> Manifest:
        return self.api.create(ABLATION, self.namespace, {"metadata": {"name": name}, "spec": spec})

    def change(self, name: str, spec: Manifest, kind: ObjectKind = EXPERIMENT) -> None:
        """Apply a merge patch to the specification."""
        self.api.merge(kind, self.namespace, name, {"spec": spec})

    def experiment(self, name: str, kind: ObjectKind = EXPERIMENT) -> Manifest:
        """Return an experiment or another resource."""
        return self.api.get(kind, self.namespace, name)

    def condition(self, name: str, condition_type: str, kind: ObjectKind = EXPERIMENT) -> Manifest:
        """Return a condition of a resource; empty if it does not exist."""
        conditions: list[Manifest] = self.experiment(name, kind).get("status", {}).get("conditions", [])
        return next((condition for condition in conditions if condition["type"] == condition_type), {})

    def stage(self, name: str, kind: ObjectKind = EXPERIMENT) -> str:
        return str(self.experiment(name, kind).get("status", {}).get("stage", ""))

    def delete(self, name: str, kind: ObjectKind = EXPERIMENT) -> None:
        self.api.delete(kind, self.namespace, name, self.experiment(name, kind)["metadata"]["uid"])

    def job_names(self) -> list[str]:
        return [job["metadata"]["name"] for job in self.api.list(JOB, self.namespace)]

    def pods(self) -> list[Manifest]:
        return self.api.list(POD, self.namespace)

    def wait_for_event(self, reason: str, kind: ObjectKind = EXPERIMENT) -> list[tuple[str, str]]:
        """Return type and reason of every Event about resources of a kind, in their order, once one has this reason.

        The operator creates an Event after it has written the status, so a test that has seen the status must wait.
        """

        def events() -> list[tuple[str, str]]:
            bodies = [body for body in self.api.list(EVENT, self.namespace) if body["regarding"]["kind"] == kind.kind]
            bodies.sort(key=lambda body: str(body["eventTime"]))
            pairs = [(body["type"], body["reason"]) for body in bodies]
            return pairs if any(pair[1] == reason for pair in pairs) else []

        return self.wait(events)

    def requests(self) -> Counter[tuple[str, str]]:
        """Return the number of requests so far by verb and plural."""
        return Counter(self.server.requests)

    def wait(self, condition: Callable[[], T], seconds: float = 600.0) -> T:
        """Return the first true value of `condition`; AssertionError with the operators' logs after a timeout."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                value = condition()
            except ApiError as error:
                if not (error.is_not_found or error.status == 0):
                    raise
            else:
                if value:
                    return value
            time.sleep(0.05)
        logs = "\n".join(path.read_text()[-4000:] for path in sorted(self.folder.glob("operator-*.log")))
        raise AssertionError(f"not within {seconds} s; logs of the operators:\n{logs}")

    def wait_for_stage(self, name: str, *stages: str, seconds: float = 600.0, kind: ObjectKind = EXPERIMENT) -> str:
        def reached() -> str:
            stage = self.stage(name, kind)
            return stage if stage in stages else ""

        return self.wait(reached, seconds)

    def wait_for_condition(
        self, name: str, condition_type: str, reason: str, kind: ObjectKind = EXPERIMENT
    ) -> Manifest:
        """Return the condition of a resource once it has this reason."""

        def reached() -> Manifest:
            condition = self.condition(name, condition_type, kind)
            return condition if condition.get("reason") == reason else {}

        return self.wait(reached)


def journal_of(cluster: Cluster) -> list[tuple[str, str]]:
    """Return the work that the fake workers completed: kind and description."""
    path = Path(cluster.environment["FAKE_JOURNAL"])
    lines = path.read_text().splitlines() if path.exists() else []
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]
