"""Releasing the slots of dead tuning workers: a worker is a pod, and the pods show which workers are alive.

Slots are read first and pods afterwards, so a pod that has just started is never mistaken for a dead one.
"""

from ctrlab_operator.connections.connection_pool import ExperimentConnections
from ctrlab_operator.kubernetes_api.api_client import KubernetesApi
from ctrlab_operator.kubernetes_api.object_cache import ObjectCache, ResourceRef
from ctrlab_operator.kubernetes_api.object_kinds import POD
from ctrlab_operator.observation.pod_failures import is_alive


def release_dead_workers(
    api: KubernetesApi, cache: ObjectCache, connections: ExperimentConnections, ref: ResourceRef
) -> int:
    """Return the number of released slots; list the pods only if the cache does not show a worker as alive."""
    cached = {str(pod["metadata"]["name"]) for pod in cache.children(POD, ref) if is_alive(pod)}
    listed: set[str] | None = None

    def is_worker_alive(worker: str) -> bool:
        nonlocal listed
        if worker in cached:
            return True
        if listed is None:
            pods = api.list(POD, ref.namespace, ref.selector)
            listed = {str(pod["metadata"]["name"]) for pod in pods if is_alive(pod)}
        return worker in listed

    return connections.database.release_lost_workers(connections.key, is_worker_alive)
