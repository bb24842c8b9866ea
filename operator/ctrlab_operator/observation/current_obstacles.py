"""Finding the current obstacle of a resource, from its pods and Jobs and from the Events of a Job without pods."""

import logging
from datetime import datetime

from ctrlab_operator.kubernetes_api.api_client import KubernetesApi, Manifest
from ctrlab_operator.kubernetes_api.api_errors import ApiError
from ctrlab_operator.kubernetes_api.object_cache import ObjectCache, ResourceRef
from ctrlab_operator.kubernetes_api.object_kinds import EVENT, JOB, POD
from ctrlab_operator.observation.pod_failures import is_running
from ctrlab_operator.observation.pod_obstacles import (
    Obstacle,
    creation_obstacle,
    job_without_pods,
    scheduling_obstacle,
    start_obstacle,
)
from ctrlab_operator.observation.queue_obstacles import held_job, queue_obstacle

log = logging.getLogger(__name__)


def current_obstacle(api: KubernetesApi, cache: ObjectCache, ref: ResourceRef, now: datetime) -> Obstacle | None:
    """Return what keeps the pods of a resource from being created, scheduled or started; pods that end do not count.

    A Job that a queue holds comes last: it may wait for the resources of a Job whose pods cannot start.
    """
    pods = [pod for pod in cache.children(POD, ref) if not pod["metadata"].get("deletionTimestamp")]
    obstacle = start_obstacle(pods) or scheduling_obstacle(pods, now) or _creation_obstacle(api, cache, ref, pods, now)
    job = held_job(cache.children(JOB, ref)) if obstacle is None else None
    return queue_obstacle(api, job) if job is not None else obstacle


def _creation_obstacle(
    api: KubernetesApi, cache: ObjectCache, ref: ResourceRef, pods: list[Manifest], now: datetime
) -> Obstacle | None:
    """List the Events of a Job without pods; without the right to list them, report no obstacle."""
    job = job_without_pods(cache.children(JOB, ref), pods, now)
    if job is None:
        return None
    fields = f"regarding.uid={job['metadata']['uid']},reason=FailedCreate"
    try:
        return creation_obstacle(job, pods, api.list(EVENT, ref.namespace, fields=fields))
    except ApiError as error:
        if error.is_rejected:
            log.warning("Events cannot be listed: %s", error, extra={"experiment": str(ref)})
            return None
        raise


def has_running_pod(cache: ObjectCache, ref: ResourceRef) -> bool:
    """Return whether a pod of the resource runs, so that an obstacle of the others does not stop it."""
    return any(is_running(pod) for pod in cache.children(POD, ref))
