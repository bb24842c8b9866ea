"""A node without containers: pods that are bound to it run as processes of this machine.

It works with any API server. Unlike a kubelet it does not watch but lists its pods several times a second. It resolves
Secrets, ConfigMaps and field references, honors SIGTERM and the grace period, and reports exit codes and termination
messages.
"""

import base64
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fake_cluster.fork_server import ForkServer, Process
from kubernetes import client as kubernetes_client

from ctrlab_operator.kubernetes_api.api_client import HttpKubernetesApi, KubernetesApi, Manifest
from ctrlab_operator.kubernetes_api.api_errors import ApiError
from ctrlab_operator.kubernetes_api.object_kinds import CONFIG_MAP, POD, SECRET, ObjectKind

NODE = ObjectKind("v1", "Node", "nodes")
HEARTBEAT_SECONDS = 10.0
INHERITED_VARIABLES = ("PATH", "PYTHONPATH", "LANG", "LD_LIBRARY_PATH", "CTRLAB_DATA", "SSL_CERT_FILE")


@dataclass
class Container:
    """The process of a pod."""

    process: Process
    folder: Path
    started: str
    kill_at: float | None = None


@dataclass
class Kubelet:
    """One node; `stop` kills the processes of its pods."""

    api: HttpKubernetesApi
    folder: Path
    node: str = "process-node"
    namespaces: tuple[str, ...] = ("default",)
    commands: Mapping[str, tuple[str, ...] | ForkServer] = field(default_factory=dict)
    """Commands or fork servers that replace `python -m MODULE`, by module."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables of every process."""
    missing_images: frozenset[str] = frozenset()
    """Images that no registry has."""
    period: float = 0.2
    is_registered: bool = False
    """Whether the API server is real and needs the heartbeats of its nodes."""
    started_pods: list[Manifest] = field(default_factory=list)
    """Every pod that was started, in its state at that time."""

    def __post_init__(self) -> None:
        self._running: dict[str, Container] = {}
        self._ended: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="kubelet", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Kill every process, like a power failure."""
        self._stop.set()
        self._thread.join()
        for container in self._running.values():
            container.process.kill()
            container.process.wait()

    def kill(self, name: str) -> None:
        """Send SIGKILL to the process of a running pod, like the kernel when it is out of memory."""
        for uid, container in self._running.items():
            if container.folder.name == f"{name}-{uid}":
                os.killpg(container.process.pid, signal.SIGKILL)

    @property
    def running(self) -> list[str]:
        """Names of the pods with a running process."""
        return sorted(c.folder.name.rpartition(f"-{uid}")[0] for uid, c in list(self._running.items()))

    def _loop(self) -> None:
        beat = time.monotonic()
        while not self._stop.wait(self.period):
            if self.is_registered and time.monotonic() > beat:
                register_node(self.api, self.node)
                beat = time.monotonic() + HEARTBEAT_SECONDS
            for namespace in self.namespaces:
                try:
                    for pod in self.api.list(POD, namespace):
                        if pod["spec"].get("nodeName") == self.node:
                            self._sync(pod)
                except ApiError as error:
                    print(f"kubelet: {error}", file=sys.stderr)

    def _sync(self, pod: Manifest) -> None:
        uid = pod["metadata"]["uid"]
        container = self._running.get(uid)
        deleting = bool(pod["metadata"].get("deletionTimestamp"))
        if container is None and uid not in self._ended:
            if deleting:
                self._finish(pod, 137, "", None)
            else:
                self._launch(pod)
        elif container is not None and (code := container.process.poll()) is not None:
            message = (container.folder / "termination-log").read_text() if container.folder.exists() else ""
            del self._running[uid]
            self._finish(pod, code if code >= 0 else 128 - code, message, container.started)
        elif container is not None and deleting:
            self._terminate(pod, container)

    def _launch(self, pod: Manifest) -> None:
        folder = self.folder / f"{pod['metadata']['name']}-{pod['metadata']['uid']}"
        spec = pod["spec"]["containers"][0]
        if spec["image"] in self.missing_images:
            waiting = {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{spec["image"]}"'}
            self._report(pod, "Pending", {"waiting": waiting})
            return
        try:
            environment = self._environment(pod, spec, folder)
        except LookupError as error:
            waiting = {"reason": "CreateContainerConfigError", "message": str(error.args[0])}
            self._report(pod, "Pending", {"waiting": waiting})
            return
        (folder / "termination-log").write_text("")
        process = self._start(spec["command"][-1], spec.get("args", ()), environment, folder)
        started = _now()
        self._running[pod["metadata"]["uid"]] = Container(process, folder, started)
        self.started_pods.append(pod)
        self._report(pod, "Running", {"running": {"startedAt": started}})

    def _start(self, module: str, arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> Process:
        command = self.commands.get(module, (sys.executable, "-m", module))
        if isinstance(command, ForkServer):
            return command.start(arguments, environment, folder, folder / "log")
        with (folder / "log").open("wb") as log:
            return subprocess.Popen(
                [*command, *arguments],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def _terminate(self, pod: Manifest, container: Container) -> None:
        if container.kill_at is None:
            container.kill_at = time.monotonic() + float(pod["metadata"].get("deletionGracePeriodSeconds", 30))
            os.killpg(container.process.pid, signal.SIGTERM)
        elif time.monotonic() > container.kill_at:
            os.killpg(container.process.pid, signal.SIGKILL)

    def _finish(self, pod: Manifest, code: int, message: str, started: str | None) -> None:
        self._ended.add(pod["metadata"]["uid"])
        state: dict[str, Any] = {"exitCode": code, "finishedAt": _now(), "startedAt": started or _now()}
        state["reason"] = "Completed" if code == 0 else "Error"
        if message:
            state["message"] = message[:4096]
        self._report(pod, "Succeeded" if code == 0 else "Failed", {"terminated": state})
        if pod["metadata"].get("deletionTimestamp"):
            metadata = pod["metadata"]
            pods = kubernetes_client.CoreV1Api(self.api.connection)
            pods.delete_namespaced_pod(
                metadata["name"], metadata["namespace"], grace_period_seconds=0, _preload_content=False
            )

    def _report(self, pod: Manifest, phase: str, state: Manifest) -> None:
        name, image = pod["spec"]["containers"][0]["name"], pod["spec"]["containers"][0]["image"]
        ready = "True" if phase == "Running" else "False"
        status: Manifest = {
            "phase": phase,
            "conditions": [{"type": kind, "status": ready} for kind in ("Ready", "ContainersReady")],
            "containerStatuses": [
                {
                    "name": name,
                    "image": image,
                    "imageID": "",
                    "ready": phase == "Running",
                    "restartCount": 0,
                    "started": phase == "Running",
                    "state": state,
                }
            ],
        }
        try:
            self.api.merge(POD, pod["metadata"]["namespace"], f"{pod['metadata']['name']}/status", {"status": status})
        except ApiError as error:
            if not error.is_not_found:
                raise

    def _environment(self, pod: Manifest, spec: Manifest, folder: Path) -> dict[str, str]:
        """Return the environment; LookupError with the kubelet's message if a Secret or a key is missing."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = self._mounts(pod, spec, folder)
        inherited = {name: os.environ[name] for name in INHERITED_VARIABLES if name in os.environ}
        environment = inherited | dict(self.environment)
        for variable in spec.get("env", ()):
            value = self._value(pod, variable)
            if value is not None:
                environment[variable["name"]] = paths.translate(value)
        environment["CTRLAB_TERMINATION_LOG"] = str(folder / "termination-log")
        return environment

    def _value(self, pod: Manifest, variable: Manifest) -> str | None:
        source = variable.get("valueFrom", {})
        if "fieldRef" in source:
            value: Any = pod
            path = source["fieldRef"]["fieldPath"]
            section, quote, key = path.partition("['")
            if quote:
                return str(pod["metadata"][section.removeprefix("metadata.")][key.removesuffix("']")])
            for part in path.split("."):
                value = value[part]
            return str(value)
        if "secretKeyRef" in source:
            reference = source["secretKeyRef"]
            data = self._data(SECRET, pod, reference["name"])
            if reference["key"] not in data:
                if reference.get("optional"):
                    return None
                raise LookupError(f"couldn't find key {reference['key']} in Secret {reference['name']}")
            return base64.b64decode(data[reference["key"]]).decode()
        return str(variable.get("value", ""))

    def _mounts(self, pod: Manifest, spec: Manifest, folder: Path) -> "MountPaths":
        """Create a folder for every volume; return how paths in the container map to them."""
        paths: dict[str, str] = {}
        for mount in spec.get("volumeMounts", ()):
            volume = next(volume for volume in pod["spec"]["volumes"] if volume["name"] == mount["name"])
            target = folder / "volumes" / mount["name"]
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir(parents=True)
            if "configMap" in volume:
                for key, text in self._data(CONFIG_MAP, pod, volume["configMap"]["name"]).items():
                    (target / key).write_text(text)
            if "secret" in volume:
                data = self._data(SECRET, pod, volume["secret"]["secretName"])
                for item in volume["secret"]["items"]:
                    (target / item["path"]).write_bytes(base64.b64decode(data[item["key"]]))
            paths[mount["mountPath"]] = str(target)
        return MountPaths(paths)

    def _data(self, kind: ObjectKind, pod: Manifest, name: str) -> dict[str, str]:
        try:
            return dict(self.api.get(kind, pod["metadata"]["namespace"], name).get("data") or {})
        except ApiError as error:
            if error.is_not_found:
                raise LookupError(f'{kind.kind.lower()} "{name}" not found') from None
            raise


@dataclass(frozen=True)
class MountPaths:
    """Folders on this machine, by mount path in the container."""

    paths: Mapping[str, str]

    def translate(self, value: str) -> str:
        """Return a path in a volume as a path on this machine; other values are unchanged."""
        for mount_path in sorted(self.paths, key=len, reverse=True):
            if value == mount_path or value.startswith(f"{mount_path}/"):
                return self.paths[mount_path] + value[len(mount_path) :]
        return value


def register_node(api: KubernetesApi, name: str) -> None:
    """Register the node with a real scheduler, with capacity for everything."""
    now = _now()
    capacity = {"cpu": "64", "memory": "256Gi", "pods": "5000", "ephemeral-storage": "500Gi", "nvidia.com/gpu": "8"}
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
    try:
        api.create(NODE, "", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}})
    except ApiError as error:
        if not error.is_conflict:
            raise
    status = {
        "allocatable": capacity,
        "capacity": capacity,
        "conditions": [
            {"type": "Ready", "status": "True", "reason": "Ready", "lastHeartbeatTime": now, "lastTransitionTime": now}
        ],
    }
    api.merge(NODE, "", f"{name}/status", {"status": status})


def unregister_node(api: KubernetesApi, name: str) -> None:
    """Remove the node from a real server, so that its scheduler assigns no pod of others to it."""
    with contextlib.suppress(ApiError):  # another test run has removed it
        api.delete(NODE, "", name, api.get(NODE, "", name)["metadata"]["uid"])


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
