"""The reason for which Kueue holds a Job: the message of the Job's Workload."""

import logging
import re
from collections.abc import Iterable

from ctrlab_operator.kubernetes_api.api_client import KubernetesApi, Manifest
from ctrlab_operator.kubernetes_api.api_errors import ApiError
from ctrlab_operator.kubernetes_api.object_kinds import WORKLOADS
from ctrlab_operator.manifests.job_manifests import QUEUE_LABEL
from ctrlab_operator.observation.pod_obstacles import MAX_MESSAGE_LENGTH, Obstacle

log = logging.getLogger(__name__)

JOB_UID_LABEL = "kueue.x-k8s.io/job-uid"
"""On every Workload: the uid of its Job."""
PENDING_CONDITIONS = ("QuotaReserved", "Admitted")
"""Conditions of a Workload whose message says why it waits, in the order of admission."""
UNUSABLE_QUEUE = re.compile(r"(LocalQueue|ClusterQueue)\b.*(doesn't exist|not found|inactive|stopped)", re.DOTALL)


def held_job(jobs: Iterable[Manifest]) -> Manifest | None:
    """Return the first Job, by name, that a queueing system has suspended."""
    for job in sorted(jobs, key=lambda body: str(body["metadata"]["name"])):
        ended = any(
            condition["type"] in ("Complete", "Failed") and condition["status"] == "True"
            for condition in job.get("status", {}).get("conditions", ())
        )
        if job["spec"].get("suspend") and not ended and not job["metadata"].get("deletionTimestamp"):
            return job
    return None


def queue_obstacle(api: KubernetesApi, job: Manifest) -> Obstacle:
    """Return why a Job is held; without Kueue's API or the right to read it, only that it is held."""
    metadata = job["metadata"]
    queue = metadata.get("labels", {}).get(QUEUE_LABEL, "")
    workload = _workload(api, metadata["namespace"], metadata["uid"])
    message = workload_message(workload)[:MAX_MESSAGE_LENGTH]
    subject = f"Job {metadata['name']} waits " + (f"in the LocalQueue {queue}" if queue else "for a queueing system")
    if UNUSABLE_QUEUE.search(message):
        return Obstacle("QueueMissing", f"{subject}: {message}; correct spec.runtime.queueName, or create the queue")
    return Obstacle("Queued", f"{subject}: {message}" if message else f"{subject}, which has not admitted it yet")


def workload_message(workload: Manifest | None) -> str:
    """Return the message of the first admission step that a Workload has not passed; empty if it has none."""
    conditions = {c["type"]: c for c in (workload or {}).get("status", {}).get("conditions", ())}
    for name in PENDING_CONDITIONS:
        if name in conditions and conditions[name]["status"] != "True":
            return " ".join(str(conditions[name].get("message", "")).split())
    return ""


def _workload(api: KubernetesApi, namespace: str, uid: str) -> Manifest | None:
    for kind in WORKLOADS:
        try:
            workloads = api.list(kind, namespace, f"{JOB_UID_LABEL}={uid}")
        except ApiError as error:
            if error.is_not_found:
                continue
            if error.is_rejected:
                log.warning("Workloads cannot be listed: %s", error)
                return None
            raise
        return workloads[0] if workloads else None
    return None
