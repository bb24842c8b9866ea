"""What keeps pods from coming into being, from being placed, or from starting, until somebody acts. Pure.

No Job's status tells of it and the Job does not fail, so without this an experiment would wait and say nothing.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.observation.pod_failures import is_alive

LONGEST_MESSAGE = 1000
ADVICE = {
    "CreateContainerConfigError": "create what is missing, or correct spec.storage",
    "ErrImagePull": "correct spec.runtime.image or spec.runtime.imagePullSecrets",
    "ImagePullBackOff": "correct spec.runtime.image or spec.runtime.imagePullSecrets",
    "InvalidImageName": "correct spec.runtime.image",
    "CreateContainerError": "correct spec.runtime",
}
"""Reasons for which a container waits until somebody acts, and what to do."""
UNPLACED = timedelta(minutes=5)
"""A cluster that grows needs some minutes for a new node."""
UNMADE = timedelta(seconds=10)
"""After which a Job without pods is asked about; its controller makes them within a second."""


@dataclass(frozen=True)
class Obstacle:
    """For the condition and the Event."""

    reason: str
    message: str


def cannot_start(pods: Iterable[Manifest]) -> Obstacle | None:
    """A container that waits for a Secret, an image or a correction."""
    for pod in _by_name(filter(is_alive, pods)):
        for status in pod.get("status", {}).get("containerStatuses", ()):
            waiting = status.get("state", {}).get("waiting", {})
            advice = ADVICE.get(waiting.get("reason"))
            if advice is not None:
                said = f"{waiting['reason']}: {waiting.get('message', 'no details')}"
                text = f"pod {pod['metadata']['name']} cannot start: {said[:LONGEST_MESSAGE]}; {advice}"
                return Obstacle("PodsCannotStart", text)
    return None


def cannot_be_placed(pods: Iterable[Manifest], now: datetime) -> Obstacle | None:
    """No pod has a node, and one has been waiting for long; where some run, the others may wait for their turn."""
    alive = [pod for pod in _by_name(pods) if is_alive(pod)]
    waits = [(pod, found) for pod in alive if (found := _unschedulable(pod)) is not None]
    if not waits or len(waits) < len(alive):
        return None
    pod, condition = waits[0]
    if now - datetime.fromisoformat(condition["lastTransitionTime"]) < UNPLACED:
        return None
    said = str(condition.get("message", "no details"))[:LONGEST_MESSAGE]
    text = f"no node takes pod {pod['metadata']['name']}: {said}; correct spec.runtime, or wait for room"
    return Obstacle("PodsCannotBePlaced", text)


def without_pods(jobs: Iterable[Manifest], pods: Sequence[Manifest], now: datetime) -> Manifest | None:
    """The first Job that should have pods and has none that lives; its Events tell whether they are refused."""
    served = {str(owner["uid"]) for pod in pods if is_alive(pod) for owner in _owners(pod)}
    for job in _by_name(jobs):
        over = any(
            found["type"] in ("Complete", "Failed") and found["status"] == "True"
            for found in job.get("status", {}).get("conditions", ())
        )
        waits = job["metadata"].get("deletionTimestamp") or job["spec"].get("suspend") or not job["spec"]["parallelism"]
        began = job.get("status", {}).get("startTime") or job["metadata"].get("creationTimestamp")
        if over or waits or job["metadata"]["uid"] in served or began is None:
            continue
        if now - datetime.fromisoformat(began) > UNMADE:
            return job
    return None


def refused(job: Manifest, pods: Iterable[Manifest], events: Iterable[Manifest]) -> Obstacle | None:
    """`events`: those of the Job with the reason FailedCreate; one that is older than its newest pod is over."""
    uid, name = job["metadata"]["uid"], job["metadata"]["name"]
    own = [pod for pod in pods if any(owner["uid"] == uid for owner in _owners(pod))]
    newest = max((str(pod["metadata"].get("creationTimestamp", "")) for pod in own), default="")
    found = max(events, key=_when, default=None)
    if found is None or _when(found) < newest:
        return None
    # The name is another one at every try; the status must not change with it.
    said = re.sub(r'pods "[^"]+" is forbidden', "pods are forbidden", str(found.get("note", "no details")))
    advice = "correct spec.runtime, or have the policy or the quota changed"
    return Obstacle("PodsRefused", f"no pod of Job {name} can be made: {said[:LONGEST_MESSAGE]}; {advice}")


def _by_name(objects: Iterable[Manifest]) -> list[Manifest]:
    return sorted(objects, key=lambda found: str(found["metadata"]["name"]))


def _owners(pod: Manifest) -> list[Manifest]:
    return list(pod["metadata"].get("ownerReferences", ()))


def _unschedulable(pod: Manifest) -> Manifest | None:
    for found in pod.get("status", {}).get("conditions", ()):
        if (found["type"], found["status"], found.get("reason")) == ("PodScheduled", "False", "Unschedulable"):
            return dict(found)
    return None


def _when(event: Manifest) -> str:
    return str(event.get("deprecatedLastTimestamp") or event.get("eventTime") or "")
