"""The API server over HTTP: plain dicts in and out, one type of error, every request counted.

The official client brings what is hard (credentials, token renewal, TLS, connection pool); its thousand model classes
are not used. Safe for threads.
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
from ctrlab_operator.operator_settings import FIELD_MANAGER

Manifest = dict[str, Any]
"""A Kubernetes object as JSON."""

TIMEOUT_SECONDS = (5.0, 30.0)
"""To connect, and to wait for an answer."""
PAGE = 100
"""Objects of one answer."""
ATTEMPTS = 4
"""Of one request while the server is overloaded or unreachable; after that the caller's own back-off takes over."""
TRANSIENT = frozenset({0, 429, 500, 502, 503, 504})


class KubernetesApi(Protocol):
    """What the operator asks of an API server."""

    def get(self, kind: ObjectKind, namespace: str, name: str) -> Manifest:
        """One object; ApiError 404 if there is none."""

    def list(self, kind: ObjectKind, namespace: str | None, selector: str = "", fields: str = "") -> list[Manifest]:
        """All objects that match a label selector and a field selector, of one namespace or of all."""

    def each(self, kind: ObjectKind, namespace: str | None, selector: str = "") -> Iterator[Manifest]:
        """The same, one after the other: of thousands of objects never more than some are in memory."""

    def create(self, kind: ObjectKind, namespace: str, body: Manifest) -> Manifest:
        """A new object; ApiError 409 if the name is taken."""

    def replace(self, kind: ObjectKind, namespace: str, body: Manifest) -> Manifest:
        """The object as a whole; ApiError 409 if somebody wrote since `body` was read."""

    def apply(
        self, kind: ObjectKind, namespace: str, body: Manifest, *, force: bool, subresource: str | None = None
    ) -> Manifest:
        """Server-side apply; without `force`, ApiError 409 where another manager owns a field with another value."""

    def merge(self, kind: ObjectKind, namespace: str, name: str, patch: Manifest) -> Manifest:
        """JSON merge patch."""

    def delete(self, kind: ObjectKind, namespace: str, name: str, uid: str) -> None:
        """Delete this very object with its dependents; absent or another uid is fine."""


class HttpKubernetesApi:
    """`Api` over the official client's connection."""

    def __init__(
        self,
        connection: kubernetes_client.ApiClient,
        on_request: Callable[[str, str, int], None] = lambda verb, kind, status: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`on_request` is called with verb, plural and HTTP status of every request."""
        self.connection = connection
        self._on_request = on_request
        self._sleep = sleep

    @classmethod
    def connect(
        cls, on_request: Callable[[str, str, int], None] = lambda verb, kind, status: None
    ) -> "HttpKubernetesApi":
        """With the pod's service account, or with $KUBECONFIG outside of a cluster."""
        configuration = kubernetes_client.Configuration()
        try:
            kubernetes_config.load_incluster_config(client_configuration=configuration)
        except kubernetes_config.ConfigException:
            kubernetes_config.load_kube_config(client_configuration=configuration)
        configuration.retries = False
        return cls(kubernetes_client.ApiClient(configuration), on_request)

    def get(self, kind: ObjectKind, namespace: str, name: str) -> Manifest:
        """See `Api.get`."""
        return self._request("GET", kind, kind.path(namespace, name))

    def list(self, kind: ObjectKind, namespace: str | None, selector: str = "", fields: str = "") -> list[Manifest]:
        """See `Api.list`."""
        return list(self._pages(kind, namespace, {"labelSelector": selector, "fieldSelector": fields}))

    def each(self, kind: ObjectKind, namespace: str | None, selector: str = "") -> Iterator[Manifest]:
        """See `Api.each`."""
        return self._pages(kind, namespace, {"labelSelector": selector})

    def _pages(self, kind: ObjectKind, namespace: str | None, selectors: dict[str, str]) -> Iterator[Manifest]:
        query = {**selectors, "limit": str(PAGE)}
        while True:
            page = self._request("GET", kind, kind.path(namespace), query)
            yield from page["items"]
            following = page.get("metadata", {}).get("continue")
            if not following:
                return
            query = {**query, "continue": following}

    def create(self, kind: ObjectKind, namespace: str, body: Manifest) -> Manifest:
        """See `Api.create`."""
        return self._request("POST", kind, kind.path(namespace), {"fieldManager": FIELD_MANAGER}, _typed(kind, body))

    def replace(self, kind: ObjectKind, namespace: str, body: Manifest) -> Manifest:
        """See `Api.replace`."""
        path = kind.path(namespace, body["metadata"]["name"])
        return self._request("PUT", kind, path, {"fieldManager": FIELD_MANAGER}, _typed(kind, body))

    def apply(
        self, kind: ObjectKind, namespace: str, body: Manifest, *, force: bool, subresource: str | None = None
    ) -> Manifest:
        """See `Api.apply`."""
        query = {"fieldManager": FIELD_MANAGER, "force": "true" if force else "false"}
        path = kind.path(namespace, body["metadata"]["name"], subresource)
        return self._request("PATCH", kind, path, query, _typed(kind, body), "application/apply-patch+yaml")

    def merge(self, kind: ObjectKind, namespace: str, name: str, patch: Manifest) -> Manifest:
        """See `Api.merge`."""
        query = {"fieldManager": FIELD_MANAGER}
        return self._request("PATCH", kind, kind.path(namespace, name), query, patch, "application/merge-patch+json")

    def delete(self, kind: ObjectKind, namespace: str, name: str, uid: str) -> None:
        """See `Api.delete`; pods are told to stop at once, not after the object is gone."""
        options = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        try:
            self._request("DELETE", kind, kind.path(namespace, name), {}, options)
        except ApiError as error:
            if not (error.is_absent or error.is_conflict):
                raise

    def _request(
        self,
        verb: str,
        kind: ObjectKind,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Manifest | None = None,
        content: str = "application/json",
    ) -> Manifest:
        """Every request here may be repeated: a creation that had gone through is told by a 409, as any other."""
        for attempt in range(ATTEMPTS):
            try:
                return self._once(verb, kind, path, query or {}, body, content)
            except ApiError as error:
                if error.status not in TRANSIENT or attempt == ATTEMPTS - 1:
                    raise
                self._sleep(min(error.retry_after or 0.2 * 2**attempt, 10.0))
        raise AssertionError("unreachable")

    def _once(
        self, verb: str, kind: ObjectKind, path: str, query: Mapping[str, str], body: Manifest | None, content: str
    ) -> Manifest:
        headers = {"Accept": "application/json", "Content-Type": content}
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
            answer = cast(Manifest, json.loads(response.data))
        except kubernetes_client.ApiException as refused:
            self._on_request(verb, kind.plural, refused.status or 0)
            raise _refusal(refused) from None
        except (HTTPError, OSError) as error:
            self._on_request(verb, kind.plural, 0)
            raise ApiError(0, "Unreachable", f"the API server did not answer: {error}") from error
        self._on_request(verb, kind.plural, response.status)
        return answer


def _typed(kind: ObjectKind, body: Manifest) -> Manifest:
    """Custom resources are refused without their type."""
    return {"apiVersion": kind.api_version, "kind": kind.kind, **body}


def _refusal(refused: kubernetes_client.ApiException) -> ApiError:
    try:
        said = json.loads(refused.body or "{}")
    except ValueError:
        said = {}
    headers = refused.headers or {}
    wait = headers.get("Retry-After")
    return ApiError(
        refused.status or 0,
        said.get("reason") or refused.reason or "Unknown",
        said.get("message") or str(refused.reason),
        float(wait) if wait and wait.isdigit() else None,
    )
