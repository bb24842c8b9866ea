"""Obstacles that keep pods from being created, scheduled or started until a person acts. Pure.

Such a Job does not fail and its status does not show the obstacle, so the experiment would wait without any visible
reason.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernetes.utils.quantity import parse_quantity

from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.observation.pod_failures import is_alive

MAX_MESSAGE_LENGTH = 1000
ADVICE = {
    "CreateContainerConfigError": "create what is missing, or correct spec.storage",
    "ErrImagePull": "correct spec.runtime.image or spec.runtime.imagePullSecrets",
    "ImagePullBackOff": "correct spec.runtime.image or spec.runtime.imagePullSecrets",
    "InvalidImageName": "correct spec.runtime.image",
    "CreateContainerError": "correct spec.runtime",
}
"""Remedies, by the waiting reason of a container."""
SCHEDULING_SECONDS = timedelta(seconds=20)
"""Age at which an unscheduled pod is reported; a scheduler that has room needs less than a second."""
AUTOSCALING_GRACE = timedelta(minutes=5)
"""An autoscaled cluster needs a few minutes to add a node that matches."""
POD_CREATION_GRACE = timedelta(seconds=10)
"""Age at which a Job without pods is suspicious; the Job controller creates pods within a second."""


@dataclass(frozen=True)
class Obstacle:
    """Reason and message of the condition and the Event."""

    reason: str
    message: str


def start_obstacle(pods: Iterable[Manifest]) -> Obstacle | None:
    """Return the first container that waits for a Secret, an image or a corrected specification."""
    for pod in _sorted_by_name(filter(is_alive, pods)):
        for status in pod.get("status", {}).get("containerStatuses", ()):
            waiting = status.get("state", {}).get("waiting", {})
            advice = ADVICE.get(waiting.get("reason"))
            if advice is not None:
                details = f"{waiting['reason']}: {waiting.get('message', 'no details')}"[:MAX_MESSAGE_LENGTH]
                return Obstacle("PodsCannotStart", f"pod {pod['metadata']['name']} cannot start: {details}; {advice}")
    return None


def scheduling_obstacle(pods: Iterable[Manifest], now: datetime) -> Obstacle | None:
    """Return an obstacle if no pod has a node; if some run, the others may wait for them."""
    alive = [pod for pod in _sorted_by_name(pods) if is_alive(pod)]
    unscheduled = [(pod, condition) for pod in alive if (condition := _unschedulable(pod)) is not None]
    if not unscheduled or len(unscheduled) < len(alive):
        return None
    pod, condition = unscheduled[0]
    age = now - datetime.fromisoformat(condition["lastTransitionTime"])
    if age < SCHEDULING_SECONDS:
        return None
    details = str(condition.get("message", "no details"))[:MAX_MESSAGE_LENGTH]
    problem = f"pod {pod['metadata']['name']} cannot be scheduled: {details}"
    if "Insufficient" in details or age < AUTOSCALING_GRACE:
        return Obstacle("Unschedulable", f"{problem}; wait for free nodes, or correct spec.runtime")
    return Obstacle("PodsCannotBePlaced", f"{problem}; correct spec.runtime, or add a node that matches")


def job_without_pods(jobs: Iterable[Manifest], pods: Sequence[Manifest], now: datetime) -> Manifest | None:
    """Return the first Job that should have pods and has no live one; its Events show whether they are rejected."""
    jobs_with_pods = {str(owner["uid"]) for pod in pods if is_alive(pod) for owner in _owners(pod)}
    for job in _sorted_by_name(jobs):
        metadata, spec, status = job["metadata"], job["spec"], job.get("status", {})
        has_ended = any(
            condition["type"] in ("Complete", "Failed") and condition["status"] == "True"
            for condition in status.get("conditions", ())
        )
        is_idle = metadata.get("deletionTimestamp") or spec.get("suspend") or not spec["parallelism"]
        started = status.get("startTime") or metadata.get("creationTimestamp")
        if has_ended or is_idle or metadata["uid"] in jobs_with_pods or started is None:
            continue
        if now - datetime.fromisoformat(started) > POD_CREATION_GRACE:
            return job
    return None


def creation_obstacle(job: Manifest, pods: Iterable[Manifest], events: Iterable[Manifest]) -> Obstacle | None:
    """Return why the pods of a Job are rejected.

    `events` are the Events of the Job with the reason FailedCreate; one that is older than its newest pod is outdated.
    """
    uid, name = job["metadata"]["uid"], job["metadata"]["name"]
    pods_of_job = [pod for pod in pods if any(owner["uid"] == uid for owner in _owners(pod))]
    newest_pod = max((str(pod["metadata"].get("creationTimestamp", "")) for pod in pods_of_job), default="")
    event = max(events, key=_event_time, default=None)
    if event is None or _event_time(event) < newest_pod:
        return None
    # Each attempt has a different pod name; the status must not change with it.
    details = re.sub(r'pods "[^"]+" is forbidden', "pods are forbidden", str(event.get("note", "no details")))
    problem = f"no pod of Job {name} can be created: {details[:MAX_MESSAGE_LENGTH]}"
    if is_quota_in_use(details):
        return Obstacle("QuotaExceeded", f"{problem}; wait until other pods end, or raise the quota")
    return Obstacle("PodsRefused", f"{problem}; correct spec.runtime, or change the policy or the quota")


def is_quota_in_use(message: str) -> bool:
    """Return whether the message of a ResourceQuota says that a pod would fit if other pods ended."""
    parts = re.search(r"exceeded quota: \S+, requested: (\S+), used: \S+, limited: (\S+)", message)
    if parts is None:
        return False
    try:
        requested, limited = (dict(pair.split("=") for pair in part.split(",")) for part in parts.groups())
        return all(parse_quantity(amount) <= parse_quantity(limited[name]) for name, amount in requested.items())
    except (KeyError, ValueError):
        return False


def _sorted_by_name(objects: Iterable[Manifest]) -> list[Manifest]:
    return sorted(objects, key=lambda body: str(body["metadata"]["name"]))


def _owners(pod: Manifest) -> list[Manifest]:
    return list(pod["metadata"].get("ownerReferences", ()))


def _unschedulable(pod: Manifest) -> Manifest | None:
    for condition in pod.get("status", {}).get("conditions", ()):
        if (condition["type"], condition["status"], condition.get("reason")) == (
            "PodScheduled",
            "False",
            "Unschedulable",
        ):
            return dict(condition)
    return None


def _event_time(event: Manifest) -> str:
    return str(event.get("deprecatedLastTimestamp") or event.get("eventTime") or "")
