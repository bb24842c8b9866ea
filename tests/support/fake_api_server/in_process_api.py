"""The fake API server without HTTP, for unit tests of code that takes a `KubernetesApi`."""

from collections.abc import Iterator
from contextlib import contextmanager

from ctrlab_operator.kubernetes_api.api_client import FIELD_MANAGER, Manifest
from ctrlab_operator.kubernetes_api.api_errors import ApiError
from ctrlab_operator.kubernetes_api.object_kinds import ObjectKind
from fake_api_server.injected_faults import Faults
from fake_api_server.object_selectors import fields_match, labels_match
from fake_api_server.served_kinds import ServedKind, served_kind
from fake_api_server.status_errors import StatusError
from fake_api_server.stored_objects import ObjectStore


class InProcessApi:
    """A `KubernetesApi` on an `ObjectStore`; a fault with a status fails a request, its delay is ignored."""

    def __init__(self) -> None:
        self.objects = ObjectStore()
        self.faults = Faults()

    def get(self, kind: ObjectKind, namespace: str, name: str) -> Manifest:
        with self._request("GET", kind) as served:
            return self.objects.get(served, namespace, name)

    def list(self, kind: ObjectKind, namespace: str | None, selector: str = "", fields: str = "") -> list[Manifest]:
        with self._request("GET", kind) as served:
            return [
                body
                for body in self.objects.list(served, namespace)
                if labels_match(body, selector) and fields_match(body, fields)
            ]

    def each(self, kind: ObjectKind, namespace: str | None, selector: str = "") -> Iterator[Manifest]:
        yield from self.list(kind, namespace, selector)

    def create(self, kind: ObjectKind, namespace: str, body: Manifest) -> Manifest:
        with self._request("POST", kind) as served:
            return self.objects.create(served, namespace, body, FIELD_MANAGER)

    def replace(self, kind: ObjectKind, namespace: str, body: Manifest) -> Manifest:
        name = body["metadata"]["name"]
        with self._request("PUT", kind) as served:
            return self.objects.replace(served, namespace, name, body, FIELD_MANAGER, status=False)

    def apply(
        self, kind: ObjectKind, namespace: str, body: Manifest, *, force: bool, subresource: str | None = None
    ) -> Manifest:
        name, is_status = body["metadata"]["name"], subresource == "status"
        with self._request("PATCH", kind) as served:
            return self.objects.apply(served, namespace, name, body, FIELD_MANAGER, force=force, status=is_status)

    def merge(self, kind: ObjectKind, namespace: str, name: str, patch: Manifest) -> Manifest:
        with self._request("PATCH", kind) as served:
            return self.objects.merge(served, namespace, name, patch, FIELD_MANAGER, status=False)

    def delete(self, kind: ObjectKind, namespace: str, name: str, uid: str, version: str | None = None) -> None:
        try:
            with self._request("DELETE", kind) as served:
                self.objects.delete(served, namespace, name, uid, version)
        except ApiError as error:
            if not (error.is_not_found or error.is_conflict):
                raise

    @contextmanager
    def _request(self, verb: str, kind: ObjectKind) -> Iterator[ServedKind]:
        fault = self.faults.take(verb, kind.plural)
        if fault is not None and fault.status:
            raise ApiError(fault.status, "Injected", "an injected fault")
        try:
            yield served_kind(kind.api_version, kind.plural)
        except StatusError as error:
            raise ApiError(error.code, error.reason, error.message) from None
