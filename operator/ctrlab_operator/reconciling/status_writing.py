"""Writing the status of a resource, and the Events that follow from the change."""

import logging
from collections.abc import Callable
from datetime import datetime

from ctrlab_api.resources.status import ExperimentStatus
from ctrlab_operator.kubernetes_api.api_client import KubernetesApi
from ctrlab_operator.kubernetes_api.api_errors import ApiError
from ctrlab_operator.kubernetes_api.object_cache import ObjectCache, ResourceRef
from ctrlab_operator.kubernetes_api.resource_parsing import status_json
from ctrlab_operator.reconciling.status_events import event_manifest, publish_event, status_events

log = logging.getLogger(__name__)


class StatusWriter:
    """Writes statuses; safe for threads."""

    def __init__(self, api: KubernetesApi, cache: ObjectCache, reporter: str, clock: Callable[[], datetime]) -> None:
        """`reporter` is the reporting instance of Events."""
        self._api = api
        self._cache = cache
        self._reporter = reporter
        self._clock = clock

    def write(self, ref: ResourceRef, uid: str, previous: ExperimentStatus | None, status: ExperimentStatus) -> None:
        """Apply the whole status if it changed, so that the server removes fields that it no longer contains."""
        if status == previous:
            return
        metadata = {"name": ref.name, "namespace": ref.namespace, "uid": uid}
        body = {"metadata": metadata, "status": status_json(status)}
        try:
            written = self._api.apply(ref.kind, ref.namespace, body, force=True, subresource="status")
        except ApiError as error:
            if error.is_not_found:
                return  # the watch reports the deletion
            raise
        self._cache.put(ref.kind, written)
        for event in status_events(previous, status):
            log.info("%s: %s", event.reason, event.note, extra={"experiment": str(ref), "stage": status.stage})
            publish_event(self._api, event_manifest(ref, uid, status, event, self._reporter, self._clock()))
