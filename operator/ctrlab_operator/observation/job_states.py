"""A Job as the planner sees it, from the object and its pods. Pure.

A Job that lost one seed is Failed as a whole: the indexes tell what happened, not the condition.
"""

from collections.abc import Sequence
from datetime import datetime

from ctrlab_control.planner import JobFacts
from ctrlab_control.planner.facts import JobState
from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.manifests.job_manifests import JOB_ANNOTATION, WORKERS_ANNOTATION
from ctrlab_operator.observation.pod_failures import last_words


def planned_name(job: Manifest) -> str:
    """Its name in the planner's terms."""
    return str(job["metadata"].get("annotations", {}).get(JOB_ANNOTATION, job["metadata"]["name"]))


def is_owned(child: Manifest, uid: str | None) -> bool:
    """Whether it belongs to this experiment, and not to an earlier one of the same name."""
    return any(reference["uid"] == uid for reference in child["metadata"].get("ownerReferences", ()))


def job_facts(job: Manifest, pods: Sequence[Manifest], now: datetime) -> JobFacts:
    """`pods` are those of the job."""
    conditions = {
        condition["type"]: condition
        for condition in job.get("status", {}).get("conditions", ())
        if condition["status"] == "True"
    }
    failed = conditions.get("Failed")
    state: JobState = "Active"
    if job["metadata"].get("deletionTimestamp"):
        state = "Deleting"
    elif "Complete" in conditions:
        state = "Complete"
    elif failed is not None:
        state = "Failed"
    return JobFacts(
        state=state,
        parallelism=int(job["metadata"].get("annotations", {}).get(WORKERS_ANNOTATION, job["spec"]["parallelism"])),
        active_seconds=_active_seconds(job, now),
        failed_indexes=indexes(job.get("status", {}).get("failedIndexes", "")),
        hopeless=failed is not None and failed.get("reason") == "PodFailurePolicy",
        message=(last_words(pods) or failed.get("message", "")) if failed is not None else "",
    )


def indexes(text: str) -> frozenset[int]:
    """Kubernetes' compressed list, such as `1,3-5`."""
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return frozenset(found)


def _active_seconds(job: Manifest, now: datetime) -> float:
    """Since its pods may run; a Job that waits in a queue has not begun."""
    started = job.get("status", {}).get("startTime")
    if started is None or job["spec"].get("suspend"):
        return 0.0
    return max(0.0, (now - datetime.fromisoformat(started)).total_seconds())
