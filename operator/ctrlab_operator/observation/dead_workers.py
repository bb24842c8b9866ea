"""Giving back what dead tuning workers hold: a worker is its pod, and the pods tell who lives.

Slots are read first and pods afterwards, so a pod that has just started is never taken for a dead one.
"""

from ctrlab_operator.connections.connection_pool import ExperimentConnections
from ctrlab_operator.kubernetes_api.api_client import KubernetesApi
from ctrlab_operator.kubernetes_api.object_cache import ObjectCache, ResourceRef
from ctrlab_operator.kubernetes_api.object_kinds import POD
from ctrlab_operator.observation.pod_failures import is_alive


def release_dead_workers(
    api: KubernetesApi, cache: ObjectCache, backend: ExperimentConnections, ref: ResourceRef
) -> int:
    """Returns how many slots were freed; lists pods only where the watch does not know a worker as alive."""
    known = {str(pod["metadata"]["name"]) for pod in cache.children(POD, ref) if is_alive(pod)}
    listed: set[str] | None = None

    def alive(worker: str) -> bool:
        nonlocal listed
        if worker in known:
            return True
        if listed is None:
            pods = api.list(POD, ref.namespace, ref.selector)
            listed = {str(pod["metadata"]["name"]) for pod in pods if is_alive(pod)}
        return worker in listed

    return backend.database.release_lost_workers(backend.key, alive)
