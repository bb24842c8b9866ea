"""A Job controller for Indexed Jobs on the objects of the fake API server: pods and retries per index, the pod failure
policy, suspension, and the status.
"""

import threading
import uuid
from typing import Any

from fake_api_server.field_ownership import Json
from fake_api_server.served_kinds import served_kind
from fake_api_server.status_errors import StatusError
from fake_api_server.stored_objects import ObjectStore, now
from kubernetes.utils.quantity import parse_quantity

INDEX = "batch.kubernetes.io/job-completion-index"
MANAGER = "job-controller"


class JobController:
    """A thread that reconciles every Job several times a second; all pods are bound to one node."""

    def __init__(self, objects: ObjectStore, node: str, period: float = 0.1) -> None:
        self._objects, self._node, self._period = objects, node, period
        self._jobs, self._pods = served_kind("batch/v1", "jobs"), served_kind("v1", "pods")
        self.rejection: str | None = None
        """Message of an admission policy or a quota that rejects every pod."""
        self.pod_quota: int | None = None
        """Maximum number of pods that have not ended."""
        self.requires_limits = False
        """Whether a quota rejects containers without limits of CPU and memory."""
        self.max_memory: str | None = None
        """Limit of memory that a LimitRange allows."""
        self.queues: dict[str, str] = {}
        """Kueue's message on the Jobs of a LocalQueue, by its name; an empty message admits them."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="job-controller", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._stop.wait(self._period):
            with self._objects.lock:
                pods: dict[str, list[Json]] = {}
                for pod in self._objects.list(self._pods, None):
                    for owner in pod["metadata"].get("ownerReferences", ()):
                        pods.setdefault(owner["uid"], []).append(pod)
                for job in self._objects.list(self._jobs, None):
                    try:
                        self._sync(job, pods.get(job["metadata"]["uid"], []))
                    except StatusError:
                        continue

    def _sync(self, job: Json, pods: list[Json]) -> None:
        if job["metadata"].get("deletionTimestamp") or _has_ended(job):
            return
        self._hold_or_admit(job)
        spec = job["spec"]
        outcome = JobOutcome(spec, pods)
        if outcome.failure is not None or spec.get("suspend"):
            self._remove(pod for pod in outcome.active)
        elif not outcome.is_finished:
            busy = {_index(pod) for pod in outcome.active}
            self._remove(pod for pod in outcome.active if _index(pod) >= spec["completions"])
            waiting = [
                index
                for index in range(spec["completions"])
                if index not in outcome.succeeded and index not in outcome.failed and index not in busy
            ]
            for index in waiting[: max(0, spec["parallelism"] - len(busy))]:
                self._create(job, index)
        status = self._status(job, outcome)
        if status != job.get("status"):
            self._objects.merge(
                self._jobs,
                job["metadata"]["namespace"],
                job["metadata"]["name"],
                {"status": status},
                MANAGER,
                status=True,
            )

    def _create(self, job: Json, index: int) -> None:
        template, name = job["spec"]["template"], job["metadata"]["name"]
        labels = {
            "batch.kubernetes.io/job-name": name,
            "batch.kubernetes.io/controller-uid": job["metadata"]["uid"],
            INDEX: str(index),
        }
        containers = [
            {**container, "env": [*container.get("env", ()), {"name": "JOB_COMPLETION_INDEX", "value": str(index)}]}
            for container in template["spec"]["containers"]
        ]
        body = {
            "metadata": {
                "name": f"{name}-{index}-{uuid.uuid4().hex[:5]}",
                "labels": {**template["metadata"].get("labels", {}), **labels},
                "annotations": {**template["metadata"].get("annotations", {}), INDEX: str(index)},
                "ownerReferences": [
                    {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job["metadata"]["uid"]}
                ],
            },
            "spec": {**template["spec"], "containers": containers, "nodeName": self._node},
        }
        rejection = self._rejection_of(body)
        if rejection is not None:
            self._report_rejection(job, f'Error creating: pods "{body["metadata"]["name"]}" is forbidden: {rejection}')
            return
        self._objects.create(self._pods, job["metadata"]["namespace"], body, MANAGER)

    def _rejection_of(self, body: Json) -> str | None:
        if self.rejection is not None:
            return self.rejection
        for container in body["spec"]["containers"] if self.max_memory is not None else ():
            memory = container["resources"]["limits"]["memory"]
            if parse_quantity(memory) > parse_quantity(self.max_memory):
                return f"maximum memory usage per Container is {self.max_memory}, but limit is {memory}"
        for container in body["spec"]["containers"] if self.requires_limits else ():
            missing = {"cpu", "memory"} - container.get("resources", {}).get("limits", {}).keys()
            if missing:
                fields = "; ".join(f"limits.{name} for: {container['name']}" for name in sorted(missing))
                return f"failed quota: compute: must specify {fields}"
        pods = [pod for pod in self._objects.list(self._pods, None) if not _pod_has_ended(pod)]
        if self.pod_quota is not None and len(pods) >= self.pod_quota:
            used, limit = len(pods), self.pod_quota
            return f"exceeded quota: pods, requested: pods=1, used: pods={used}, limited: pods={limit}"
        return None

    def _hold_or_admit(self, job: Json) -> None:
        """Do what Kueue does: suspend a Job of a queue, explain it in a Workload, and resume it on admission."""
        metadata = job["metadata"]
        message = self.queues.get(metadata.get("labels", {}).get("kueue.x-k8s.io/queue-name", ""))
        if message is None or bool(job["spec"].get("suspend")) == bool(message):
            return
        job["spec"]["suspend"] = bool(message)
        patch = {"spec": {"suspend": bool(message)}}
        self._objects.merge(self._jobs, metadata["namespace"], metadata["name"], patch, "kueue", status=False)
        if message:
            workload = {
                "metadata": {
                    "name": f"job-{metadata['name']}-{metadata['uid'][:5]}",
                    "labels": {"kueue.x-k8s.io/job-uid": metadata["uid"]},
                },
                "status": {"conditions": [{"type": "QuotaReserved", "status": "False", "message": message}]},
            }
            kind = served_kind("kueue.x-k8s.io/v1beta2", "workloads")
            self._objects.create(kind, metadata["namespace"], workload, "kueue")

    def _report_rejection(self, job: Json, note: str) -> None:
        events, metadata = served_kind("events.k8s.io/v1", "events"), job["metadata"]
        body = {
            "metadata": {"name": f"{metadata['name']}.{uuid.uuid4().hex[:8]}"},
            "reason": "FailedCreate",
            "note": note,
            "type": "Warning",
            "eventTime": None,
            "deprecatedLastTimestamp": now(),
            "regarding": {"kind": "Job", "name": metadata["name"], "uid": metadata["uid"]},
        }
        self._objects.create(events, metadata["namespace"], body, MANAGER)

    def _remove(self, pods: Any) -> None:
        for pod in pods:
            if not pod["metadata"].get("deletionTimestamp"):
                self._objects.delete(self._pods, pod["metadata"]["namespace"], pod["metadata"]["name"], None)

    def _status(self, job: Json, outcome: "JobOutcome") -> Json:
        status: Json = {
            **job.get("status", {}),
            "active": len(outcome.active),
            "succeeded": len(outcome.succeeded),
            "completedIndexes": compress_indexes(outcome.succeeded),
            "failedIndexes": compress_indexes(outcome.failed),
        }
        if not job["spec"].get("suspend"):
            status.setdefault("startTime", now())
        if outcome.active:
            return status
        if outcome.failure is not None:
            status["conditions"] = [_condition("Failed", "PodFailurePolicy", outcome.failure)]
        elif outcome.is_finished and outcome.failed:
            status["conditions"] = [_condition("Failed", "FailedIndexes", "Job has failed indexes")]
        elif outcome.is_finished:
            status["conditions"] = [_condition("Complete", "CompletionsReached", "Reached expected number of pods")]
        return status


class JobOutcome:
    """The states of the indexes of a Job, from its pods."""

    def __init__(self, spec: Json, pods: list[Json]) -> None:
        self.active = [pod for pod in pods if pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")]
        self.succeeded = {_index(pod) for pod in pods if pod.get("status", {}).get("phase") == "Succeeded"}
        self.failed: set[int] = set()
        self.failure: str | None = None
        failures: dict[int, int] = {}
        for pod in pods:
            if pod.get("status", {}).get("phase") != "Failed":
                continue
            action = _action(spec, pod)
            if action == "FailJob":
                self.failure = f"Container worker for pod {pod['metadata']['name']} failed with exit code 42"
            elif action == "FailIndex":
                self.failed.add(_index(pod))
            elif action == "Count":
                failures[_index(pod)] = failures.get(_index(pod), 0) + 1
        limit = spec["backoffLimitPerIndex"]
        self.failed |= {index for index, count in failures.items() if count > limit}
        self.failed -= self.succeeded
        self.is_finished = set(range(spec["completions"])) <= self.succeeded | self.failed


def compress_indexes(indexes: set[int]) -> str:
    """Return the form of `status.completedIndexes`."""
    parts: list[str] = []
    for index in sorted(indexes):
        if index - 1 in indexes and parts:
            parts[-1] = f"{parts[-1].split('-')[0]}-{index}"
        else:
            parts.append(str(index))
    return ",".join(parts)


def _action(spec: Json, pod: Json) -> str:
    code = pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"]
    conditions = {c["type"] for c in pod["status"].get("conditions", ()) if c["status"] == "True"}
    for rule in spec.get("podFailurePolicy", {}).get("rules", ()):
        codes = rule.get("onExitCodes", {}).get("values", ())
        if code in codes or any(condition["type"] in conditions for condition in rule.get("onPodConditions", ())):
            return str(rule["action"])
    return "Count"


def _index(pod: Json) -> int:
    return int(pod["metadata"]["annotations"][INDEX])


def _pod_has_ended(pod: Json) -> bool:
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def _has_ended(job: Json) -> bool:
    return any(c["type"] in ("Complete", "Failed") for c in job.get("status", {}).get("conditions", ()))


def _condition(kind: str, reason: str, message: str) -> Json:
    return {"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now()}
