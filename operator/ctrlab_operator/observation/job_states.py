"""The planner's facts about a Job, derived from the Job and its pods. Pure.

A Job that lost one seed has the condition Failed: the indexes show which final runs are lost, not the condition.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from ctrlab_api.job_indexes import parse_indexes
from ctrlab_control.planner import JobFacts
from ctrlab_control.planner.facts import JobState
from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.manifests.job_manifests import (
    INDEXES_ANNOTATION,
    JOB_ANNOTATION,
    TEMPLATE_ANNOTATION,
    WORKERS_ANNOTATION,
)
from ctrlab_operator.observation.pod_failures import current_outage, failure_message, failure_messages, is_running


def planner_job_name(job: Manifest) -> str:
    """Return the name that the planner gave the Job."""
    return str(job["metadata"].get("annotations", {}).get(JOB_ANNOTATION, job["metadata"]["name"]))


def is_owned_by(child: Manifest, uid: str | None) -> bool:
    """Return whether the owner has this uid, and is not a previous resource of the same name."""
    return any(reference["uid"] == uid for reference in child["metadata"].get("ownerReferences", ()))


def job_facts(job: Manifest, pods: Sequence[Manifest], now: datetime) -> JobFacts:
    """Return the facts of a Job; `pods` are its pods."""
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
    messages = failure_messages(pods)
    return JobFacts(
        state=state,
        parallelism=int(job["metadata"].get("annotations", {}).get(WORKERS_ANNOTATION, job["spec"]["parallelism"])),
        active_seconds=_active_seconds(job, now),
        failed_indexes=frozenset(planner_indexes(job, parse_indexes(job.get("status", {}).get("failedIndexes", "")))),
        non_retriable=failed is not None and failed.get("reason") == "PodFailurePolicy",
        message=(failure_message(pods) or failed.get("message", "")) if failed is not None else "",
        running=sum(is_running(pod) for pod in pods),
        waiting=_waiting(job, pods),
        index_messages=dict(zip(planner_indexes(job, messages), messages.values(), strict=True)),
        outage=current_outage(pods) if state == "Active" else None,
    )


def mark_outdated(job: Manifest, facts: JobFacts, template_digest: str) -> JobFacts:
    """Return the facts with `is_outdated`; `template_digest` is that of the current specification.

    A Job of an operator that did not write the digest counts as outdated until one of its workers runs.
    """
    applied = job["metadata"].get("annotations", {}).get(TEMPLATE_ANNOTATION)
    is_outdated = facts.running == 0 if applied is None else applied != template_digest
    return replace(facts, is_outdated=is_outdated and facts.state == "Active")


def _waiting(job: Manifest, pods: Sequence[Manifest]) -> int:
    """Return how many pods the Job should have in addition to those that run."""
    status = job.get("status", {})
    ended = int(status.get("succeeded", 0)) + len(parse_indexes(status.get("failedIndexes", "")))
    parallelism = int(job["spec"]["parallelism"])
    wanted = min(parallelism, int(job["spec"].get("completions", parallelism)) - ended)
    return max(0, wanted - sum(is_running(pod) for pod in pods))


def planner_indexes(job: Manifest, indexes: Iterable[int]) -> tuple[int, ...]:
    """Return the planner's indexes for those of a Job, which has fewer if it was created when some runs had ended."""
    text = job["metadata"].get("annotations", {}).get(INDEXES_ANNOTATION)
    if text is None:
        return tuple(sorted(indexes))
    started = sorted(parse_indexes(text))
    return tuple(started[index] for index in sorted(indexes))


def _active_seconds(job: Manifest, now: datetime) -> float:
    """Return the seconds since the Job's pods may run; 0 while it waits in a queue."""
    started = job.get("status", {}).get("startTime")
    if started is None or job["spec"].get("suspend"):
        return 0.0
    return max(0.0, (now - datetime.fromisoformat(started)).total_seconds())
