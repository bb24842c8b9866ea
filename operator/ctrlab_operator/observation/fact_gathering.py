"""Gathering the planner's facts of one experiment: Jobs first, the study second, the store last (see `Facts`)."""

from collections.abc import Iterable
from datetime import datetime

from ctrlab_api.loading.resource_loading import Resource
from ctrlab_api.names import ConditionType
from ctrlab_api.plan import Plan
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.status import ExperimentStatus
from ctrlab_control.observing import rfc3339
from ctrlab_control.planner import Facts, JobFacts
from ctrlab_operator.connections.connection_pool import ExperimentConnections
from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.observation.job_states import is_owned, job_facts, planned_name

POD_JOB_LABEL = "batch.kubernetes.io/job-name"


def has_ended(status: ExperimentStatus | None) -> bool:
    """Succeeded and Failed are for good."""
    return status is not None and status.is_true(ConditionType.SUCCEEDED, ConditionType.FAILED)


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


def facts_of(
    experiment: Experiment, jobs: dict[str, JobFacts], backend: ExperimentConnections | None, now: datetime
) -> Facts:
    """Without a backend (for what has ended) the facts hold the jobs alone."""
    if backend is None:
        return Facts(experiment=experiment, now=rfc3339(now), jobs=jobs, frozen=Plan.from_experiment(experiment))
    return backend.observer.facts(experiment, jobs, now)
