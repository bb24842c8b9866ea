"""What Kubernetes' Job controller does with Indexed Jobs, on the fake server's objects: pods for each index, retries
for each index, the failure policy, suspension, and the status that tells of it.
"""

import threading
import uuid
from typing import Any

from fake_api_server.field_ownership import Json
from fake_api_server.served_kinds import find
from fake_api_server.status_errors import Refused
from fake_api_server.stored_objects import Objects, now

INDEX = "batch.kubernetes.io/job-completion-index"
MANAGER = "job-controller"


class JobController:
    """A thread that looks at every Job a few times a second; pods go to one node."""

    def __init__(self, objects: Objects, node: str, period: float = 0.1) -> None:
        jobs, pods = find("batch/v1", "jobs"), find("v1", "pods")
        assert jobs is not None
        assert pods is not None
        self._objects, self._node, self._period = objects, node, period
        self._jobs, self._pods = jobs, pods
        self.refusal: str | None = None
        """What an admission policy or a quota says to every pod."""
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
                    except Refused:
                        continue

    def _sync(self, job: Json, pods: list[Json]) -> None:
        if job["metadata"].get("deletionTimestamp") or _finished(job):
            return
        spec = job["spec"]
        verdict = Verdict(spec, pods)
        if verdict.hopeless is not None or spec.get("suspend"):
            self._remove(pod for pod in verdict.active)
        elif not verdict.over:
            busy = {_index(pod) for pod in verdict.active}
            self._remove(pod for pod in verdict.active if _index(pod) >= spec["completions"])
            waiting = [
                index
                for index in range(spec["completions"])
                if index not in verdict.succeeded and index not in verdict.failed and index not in busy
            ]
            for index in waiting[: max(0, spec["parallelism"] - len(busy))]:
                self._create(job, index)
        status = self._status(job, verdict)
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
        if self.refusal is not None:
            self._tell_of_refusal(
                job, f'Error creating: pods "{body["metadata"]["name"]}" is forbidden: {self.refusal}'
            )
            return
        self._objects.create(self._pods, job["metadata"]["namespace"], body, MANAGER)

    def _tell_of_refusal(self, job: Json, note: str) -> None:
        events, metadata = find("events.k8s.io/v1", "events"), job["metadata"]
        assert events is not None
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

    def _status(self, job: Json, verdict: "Verdict") -> Json:
        status: Json = {
            **job.get("status", {}),
            "active": len(verdict.active),
            "succeeded": len(verdict.succeeded),
            "completedIndexes": compressed(verdict.succeeded),
            "failedIndexes": compressed(verdict.failed),
        }
        if not job["spec"].get("suspend"):
            status.setdefault("startTime", now())
        if verdict.active:
            return status
        if verdict.hopeless is not None:
            status["conditions"] = [_condition("Failed", "PodFailurePolicy", verdict.hopeless)]
        elif verdict.over and verdict.failed:
            status["conditions"] = [_condition("Failed", "FailedIndexes", "Job has failed indexes")]
        elif verdict.over:
            status["conditions"] = [_condition("Complete", "CompletionsReached", "Reached expected number of pods")]
        return status


class Verdict:
    """What the pods of a Job say of its indexes."""

    def __init__(self, spec: Json, pods: list[Json]) -> None:
        self.active = [pod for pod in pods if pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")]
        self.succeeded = {_index(pod) for pod in pods if pod.get("status", {}).get("phase") == "Succeeded"}
        self.failed: set[int] = set()
        self.hopeless: str | None = None
        failures: dict[int, int] = {}
        for pod in pods:
            if pod.get("status", {}).get("phase") != "Failed":
                continue
            action = _action(spec, pod)
            if action == "FailJob":
                self.hopeless = f"Container worker for pod {pod['metadata']['name']} failed with exit code 42"
            elif action == "FailIndex":
                self.failed.add(_index(pod))
            elif action == "Count":
                failures[_index(pod)] = failures.get(_index(pod), 0) + 1
        limit = spec["backoffLimitPerIndex"]
        self.failed |= {index for index, count in failures.items() if count > limit}
        self.failed -= self.succeeded
        wanted = set(range(spec["completions"]))
        self.over = wanted <= self.succeeded | self.failed


def compressed(indexes: set[int]) -> str:
    """As `status.completedIndexes` writes it."""
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
        if code in codes or any(found["type"] in conditions for found in rule.get("onPodConditions", ())):
            return str(rule["action"])
    return "Count"


def _index(pod: Json) -> int:
    return int(pod["metadata"]["annotations"][INDEX])


def _finished(job: Json) -> bool:
    return any(c["type"] in ("Complete", "Failed") for c in job.get("status", {}).get("conditions", ()))


def _condition(kind: str, reason: str, message: str) -> Json:
    return {"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now()}
