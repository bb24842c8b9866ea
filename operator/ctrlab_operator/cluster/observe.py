"""Gathering the planner's facts of one experiment: Jobs first, the study second, the store last (see `Facts`)."""

from collections.abc import Iterable
from datetime import datetime

from ctrlab_contract.experiment import Experiment
from ctrlab_contract.manifests import Resource
from ctrlab_contract.names import Condition
from ctrlab_contract.plan import Plan
from ctrlab_contract.status import ExperimentStatus
from ctrlab_operator.cluster.backends import Backend
from ctrlab_operator.cluster.client import Manifest
from ctrlab_operator.cluster.jobs import is_owned, job_facts, planned_name
from ctrlab_operator.planner import Facts, JobFacts

POD_JOB_LABEL = "batch.kubernetes.io/job-name"


def rfc3339(moment: datetime) -> str:
    """In UTC, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def has_ended(status: ExperimentStatus | None) -> bool:
    """Succeeded and Failed are for good."""
    terminal = (Condition.SUCCEEDED, Condition.FAILED)
    return status is not None and any(c.type in terminal and c.status == "True" for c in status.conditions)


def jobs_by_name(
    resource: Resource, jobs: Iterable[Manifest], pods: Iterable[Manifest], now: datetime
) -> dict[str, JobFacts]:
    """By the planner's names; a job of an earlier resource of the same name is on its way out."""
    by_job: dict[str, list[Manifest]] = {}
    for pod in pods:
        by_job.setdefault(pod["metadata"].get("labels", {}).get(POD_JOB_LABEL, ""), []).append(pod)
    found: dict[str, JobFacts] = {}
    for body in jobs:
        own = is_owned(body, resource.metadata.uid)
        name = planned_name(body)
        found[name] = (
            job_facts(body, by_job.get(body["metadata"]["name"], []), now) if own else JobFacts(state="Deleting")
        )
    return found


def facts_of(experiment: Experiment, jobs: dict[str, JobFacts], backend: Backend | None, now: datetime) -> Facts:
    """Without a backend (for what has ended) the facts hold the jobs alone."""
    if backend is None:
        return Facts(experiment=experiment, now=rfc3339(now), jobs=jobs, frozen=Plan.of(experiment))
    return backend.observer.facts(experiment, jobs)
