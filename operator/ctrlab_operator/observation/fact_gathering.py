"""Gathering the planner's facts about one resource: Jobs first, the study second, the store last (see `Facts`)."""

from collections.abc import Iterable
from datetime import datetime

from ctrlab_api.loading.resource_loading import Resource
from ctrlab_api.names import ConditionType
from ctrlab_api.plan import Plan
from ctrlab_api.resources.experiment import Experiment, Metadata
from ctrlab_api.resources.status import ExperimentStatus
from ctrlab_control.observing import rfc3339
from ctrlab_control.planner import Facts, JobFacts
from ctrlab_operator.connections.connection_pool import ExperimentConnections
from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.observation.job_states import is_owned_by, job_facts, planner_job_name


def has_ended(status: ExperimentStatus | None, metadata: Metadata | None = None) -> bool:
    """Return whether the status is final: Succeeded, or Failed unless the metadata request a retry."""
    if status is None:
        return False
    is_retried = metadata is not None and metadata.retry_request(status) is not None
    return status.is_true(ConditionType.SUCCEEDED) or (status.is_true(ConditionType.FAILED) and not is_retried)


def job_facts_by_name(
    resource: Resource, jobs: Iterable[Manifest], pods: Iterable[Manifest], now: datetime
) -> dict[str, JobFacts]:
    """Return the facts of Jobs by the planner's names; Jobs of a deleted resource of the same name are Deleting."""
    pods_by_job: dict[str, list[Manifest]] = {}
    for pod in pods:
        for owner in pod["metadata"].get("ownerReferences", ()):
            pods_by_job.setdefault(str(owner["uid"]), []).append(pod)
    return {
        planner_job_name(job): job_facts(job, pods_by_job.get(job["metadata"]["uid"], []), now)
        if is_owned_by(job, resource.metadata.uid)
        else JobFacts(state="Deleting")
        for job in jobs
    }


def gather_facts(
    experiment: Experiment, jobs: dict[str, JobFacts], connections: ExperimentConnections | None, now: datetime
) -> Facts:
    """Return the facts; without connections (for a resource that has ended) they contain the Jobs only."""
    if connections is None:
        return Facts(experiment=experiment, now=rfc3339(now), jobs=jobs, frozen_plan=Plan.from_experiment(experiment))
    return connections.observer.facts(experiment, jobs, now)
