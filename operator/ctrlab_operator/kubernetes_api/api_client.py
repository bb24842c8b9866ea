"""Requests to the API server: plain dicts in and out, one error type, every request counted.

The official client supplies the hard parts (credentials, token renewal, TLS, connection pool); its thousand model
classes are not used.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, cast

from kubernetes import client as kubernetes_client
from kubernetes import config as kubernetes_config
from urllib3.exceptions import HTTPError

from ctrlab_operator.kubernetes_api.api_errors import ApiError
from ctrlab_operator.kubernetes_api.object_kinds import ObjectKind

Manifest = dict[str, Any]
"""A Kubernetes object as JSON."""

FIELD_MANAGER = "ctrlab-operator"
"""Field manager of server-side apply, and reporting controller of Events."""
TIMEOUT_SECONDS = (5.0, 30.0)
"""Timeouts of connecting and of waiting for the response."""
PAGE_SIZE = 100
"""Maximum number of objects in one response to a list."""
MAX_ATTEMPTS = 4
"""Attempts of one request while the server is overloaded or unreachable; then the caller's back-off applies."""
MAX_RETRY_SECONDS = 10.0
TRANSIENT = frozenset({0, 429, 500, 502, 503, 504})
"""HTTP codes that are retried; 0 means no response."""


class KubernetesApi(Protocol):
    """The requests that the operator makes; safe for threads."""

    def get(self, kind: ObjectKind, namespace: str, name: str) -> Manifest:
        """Return one object; ApiError 404 if it does not exist."""

    def list(self, kind: ObjectKind, namespace: str | None, selector: str = "", fields: str = "") -> list[Manifest]:
        """Return all objects of one or all namespaces that match a label selector and a field selector."""

    def each(self, kind: ObjectKind, namespace: str | None, selector: str = "") -> Iterator[Manifest]:
        """Iterate over the same objects page by page, to limit memory usage."""

    def create(self, kind: ObjectKind, namespace: str, body: Manifest) -> Manifest:
        """Create an object; ApiError 409 if the name is in use."""

    def replace(self, kind: ObjectKind, namespace: str, body: Manifest) -> Manifest:
        """Replace the whole object; ApiError 409 if it changed since `body` was read."""

    def apply(
        self, kind: ObjectKind, namespace: str, body: Manifest, *, force: bool, subresource: str | None = None
    ) -> Manifest:
        """Apply server-side; without `force`, ApiError 409 if another manager owns a field with a different value."""

    def merge(self, kind: ObjectKind, namespace: str, name: str, patch: Manifest) -> Manifest:
        """Apply a JSON merge patch."""

    def delete(self, kind: ObjectKind, namespace: str, name: str, uid: str, version: str | None = None) -> None:
        """Delete the object and its dependents, unless it has another uid, or another version if one is given."""


class HttpKubernetesApi:
    """`KubernetesApi` over the official client's connection."""

    def __init__(
        self,
        connection: kubernetes_client.ApiClient,
        on_request: Callable[[str, str, int], None] = lambda verb, kind, status: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Call `on_request` with verb, plural and HTTP status after every request."""
        self.connection = connection
        self._on_request = on_request
        self._sleep = sleep

    @classmethod
    def connect(
        cls, on_request: Callable[[str, str, int], None] = lambda verb, kind, status: None
    ) -> "HttpKubernetesApi":
        """Connect with the pod's service account, or with $KUBECONFIG outside of a cluster."""
        configuration = kubernetes_client.Configuration()
        try:
            kubernetes_config.load_incluster_config(client_configuration=configuration)
        except kubernetes_config.ConfigException:
            kubernetes_config.load_kube_config(client_configuration=configuration)
        configuration.retries = False
        return cls(kubernetes_client.ApiClient(configuration), on_request)

    def get(self, kind: ObjectKind, namespace: str, name: str) -> Manifest:
        """See `KubernetesApi.get`."""
        return self._request("GET", kind, kind.path(namespace, name))

    def list(self, kind: ObjectKind, namespace: str | None, selector: str = "", fields: str = "") -> list[Manifest]:
        """See `KubernetesApi.list`."""
        return list(self._pages(kind, namespace, {"labelSelector": selector, "fieldSelector": fields}))

    def each(self, kind: ObjectKind, namespace: str | None, selector: str = "") -> Iterator[Manifest]:
        """See `KubernetesApi.each`."""
        return self._pages(kind, namespace, {"labelSelector": selector})

    def create(self, kind: ObjectKind, namespace: str, body: Manifest) -> Manifest:
        """See `KubernetesApi.create`."""
        query = {"fieldManager": FIELD_MANAGER}
        return self._request("POST", kind, kind.path(namespace), query, _with_type(kind, body))

    def replace(self, kind: ObjectKind, namespace: str, body: Manifest) -> Manifest:
        """See `KubernetesApi.replace`."""
        path = kind.path(namespace, body["metadata"]["name"])
        return self._request("PUT", kind, path, {"fieldManager": FIELD_MANAGER}, _with_type(kind, body))

    def apply(
        self, kind: ObjectKind, namespace: str, body: Manifest, *, force: bool, subresource: str | None = None
    ) -> Manifest:
        """See `KubernetesApi.apply`."""
        query = {"fieldManager": FIELD_MANAGER, "force": "true" if force else "false"}
        path = kind.path(namespace, body["metadata"]["name"], subresource)
        return self._request("PATCH", kind, path, query, _with_type(kind, body), "application/apply-patch+yaml")

    def merge(self, kind: ObjectKind, namespace: str, name: str, patch: Manifest) -> Manifest:
        """See `KubernetesApi.merge`."""
        query = {"fieldManager": FIELD_MANAGER}
        return self._request("PATCH", kind, kind.path(namespace, name), query, patch, "application/merge-patch+json")

    def delete(self, kind: ObjectKind, namespace: str, name: str, uid: str, version: str | None = None) -> None:
        """See `KubernetesApi.delete`; pods receive SIGTERM at once, not after the object is gone."""
        preconditions = {"uid": uid} | ({"resourceVersion": version} if version else {})
        options = {"propagationPolicy": "Background", "preconditions": preconditions}
        try:
            self._request("DELETE", kind, kind.path(namespace, name), {}, options)
        except ApiError as error:
            if not (error.is_not_found or error.is_conflict):
                raise

    def _pages(self, kind: ObjectKind, namespace: str | None, selectors: dict[str, str]) -> Iterator[Manifest]:
        query = {**selectors, "limit": str(PAGE_SIZE)}
        while True:
            page = self._request("GET", kind, kind.path(namespace), query)
            yield from page["items"]
            next_page = page.get("metadata", {}).get("continue")
            if not next_page:
                return
            query = {**query, "continue": next_page}

    def _request(
        self,
        verb: str,
        kind: ObjectKind,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Manifest | None = None,
        content_type: str = "application/json",
    ) -> Manifest:
        """Send a request with retries; a creation that is repeated although it succeeded fails with 409."""
        for attempt in range(MAX_ATTEMPTS):
            try:
                return self._send(verb, kind, path, query or {}, body, content_type)
            except ApiError as error:
                if error.status not in TRANSIENT or attempt == MAX_ATTEMPTS - 1:
                    raise
                self._sleep(min(error.retry_after or 0.2 * 2**attempt, MAX_RETRY_SECONDS))
        raise AssertionError("unreachable")

    def _send(
        self,
        verb: str,
        kind: ObjectKind,
        path: str,
        query: Mapping[str, str],
        body: Manifest | None,
        content_type: str,
    ) -> Manifest:
        headers = {"Accept": "application/json", "Content-Type": content_type}
        try:
            response = self.connection.call_api(
                path,
                verb,
                query_params=[(name, value) for name, value in query.items() if value],
                header_params=headers,
                body=body,
                auth_settings=["BearerToken"],
                _return_http_data_only=True,
                _preload_content=False,
                _request_timeout=TIMEOUT_SECONDS,
            )
            content = cast(Manifest, json.loads(response.data))
        except kubernetes_client.ApiException as error:
            self._on_request(verb, kind.plural, error.status or 0)
            raise _api_error(error) from None
        except (HTTPError, OSError) as error:
            self._on_request(verb, kind.plural, 0)
            raise ApiError(0, "Unreachable", f"the API server did not respond: {error}") from error
        self._on_request(verb, kind.plural, response.status)
        return content


def _with_type(kind: ObjectKind, body: Manifest) -> Manifest:
    """Add apiVersion and kind, without which the server rejects custom resources."""
    return {"apiVersion": kind.api_version, "kind": kind.kind, **body}


def _api_error(error: kubernetes_client.ApiException) -> ApiError:
    try:
        status = json.loads(error.body or "{}")
    except ValueError:
        status = {}
    retry_after = (error.headers or {}).get("Retry-After")
    return ApiError(
        error.status or 0,
        status.get("reason") or error.reason or "Unknown",
        status.get("message") or str(error.reason),
        float(retry_after) if retry_after and retry_after.isdigit() else None,
    )
