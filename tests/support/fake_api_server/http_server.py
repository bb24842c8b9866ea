"""The fake API server over HTTP, in a thread: discovery, lists, watches with bookmarks and 410, three kinds of patch.

Every request is counted, so that a test can assert the number of requests of an operator.
"""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from fake_api_server.injected_faults import Faults
from fake_api_server.object_selectors import fields_match, labels_match
from fake_api_server.served_kinds import SERVED_KINDS, ServedKind, find_kind
from fake_api_server.status_errors import StatusError
from fake_api_server.stored_objects import ObjectStore, WatchEvent

BOOKMARK_SECONDS = 5.0


class FakeApiServer:
    """Listens on a free port of 127.0.0.1 between `start` and `stop`."""

    def __init__(self) -> None:
        self.objects = ObjectStore()
        self.faults = Faults()
        self.requests: Counter[tuple[str, str]] = Counter()
        """Number of requests by verb (WATCH for watches) and plural."""
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._watches: set[asyncio.Queue[WatchEvent | None]] = set()
        self._thread = threading.Thread(target=self._serve, name="api-server", daemon=True)
        self.objects.listeners.append(self._notify_watches)

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        self.drop_watches()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def write_kubeconfig(self, path: Path) -> None:
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "fake", "cluster": {"server": self.url}}],
            "users": [{"name": "me", "user": {"token": "none"}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "me"}}],
            "current-context": "fake",
        }
        path.write_text(yaml.safe_dump(content))

    def drop_watches(self) -> None:
        """End every watch, as when a load balancer restarts."""

        def drop() -> None:
            for queue in self._watches:
                queue.put_nowait(None)

        self._loop.call_soon_threadsafe(drop)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._runner.cleanup())
        self._loop.close()

    async def _listen(self) -> None:
        application = web.Application(client_max_size=2**24)
        application.router.add_get("/version", _version)
        application.router.add_get("/api", _core)
        application.router.add_get("/apis", _groups)
        application.router.add_get("/api/{version}", _resources)
        application.router.add_get("/apis/{group}/{version}", _resources)
        for root in ("/api/{version}", "/apis/{group}/{version}"):
            for scope in ("/namespaces/{namespace}", ""):  # the first matching route is used
                application.router.add_route("*", f"{root}{scope}/{{plural}}", self._guarded(self._collection))
                application.router.add_route("*", f"{root}{scope}/{{plural}}/{{name}}", self._guarded(self._object))
                application.router.add_route(
                    "*", f"{root}{scope}/{{plural}}/{{name}}/{{subresource}}", self._guarded(self._object)
                )
        self._runner = web.AppRunner(application, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    def _guarded(
        self, handler: Callable[[web.Request, ServedKind], Awaitable[web.StreamResponse]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def guarded(request: web.Request) -> web.StreamResponse:
            match = request.match_info
            version = f"{match['group']}/{match['version']}" if "group" in match else match["version"]
            kind = find_kind(version, match["plural"])
            is_watch = request.query.get("watch") in ("1", "true")
            self.requests["WATCH" if is_watch else request.method, match["plural"]] += 1
            fault = self.faults.take("WATCH" if is_watch else request.method, match["plural"])
            try:
                if fault is not None:
                    await asyncio.sleep(fault.seconds)
                    if fault.status:
                        raise StatusError(fault.status, "Injected", "an injected fault")
                if kind is None:
                    raise StatusError(404, "NotFound", "the server could not find the requested resource")
                return await handler(request, kind)
            except StatusError as error:
                headers = {"Retry-After": str(fault.retry_after)} if fault and fault.retry_after is not None else {}
                return web.json_response(error.body, status=error.code, headers=headers)

        return guarded

    async def _collection(self, request: web.Request, kind: ServedKind) -> web.StreamResponse:
        namespace = request.match_info.get("namespace")
        selector = request.query.get("labelSelector", "")
        if request.method == "POST":
            manager = request.query.get("fieldManager", "unknown")
            body = await request.json()
            if body.get("kind") != kind.kind:
                raise StatusError(
                    400, "BadRequest", f"the object provided is unrecognized (must be of type {kind.kind})"
                )
            written = self.objects.create(kind, namespace or "", body, manager)
            return web.json_response(written, status=201)
        if request.query.get("watch") in ("1", "true"):
            return await self._watch(request, kind, namespace, selector)
        with self.objects.lock:
            fields = request.query.get("fieldSelector", "")
            items = [
                body
                for body in self.objects.list(kind, namespace)
                if labels_match(body, selector) and fields_match(body, fields)
            ]
            metadata = {"resourceVersion": str(self.objects.version)}
        first, size = int(request.query.get("continue") or 0), int(request.query.get("limit") or len(items) or 1)
        if first + size < len(items):
            metadata["continue"] = str(first + size)
        page = {"apiVersion": kind.api_version, "kind": f"{kind.kind}List", "metadata": metadata}
        return web.json_response(page | {"items": items[first : first + size]})

    async def _object(self, request: web.Request, kind: ServedKind) -> web.StreamResponse:
        match = request.match_info
        namespace, name, status = match.get("namespace", ""), match["name"], match.get("subresource") == "status"
        manager = request.query.get("fieldManager", "unknown")
        body: dict[str, Any] = json.loads(await request.text() or "{}")
        if request.method == "GET":
            return web.json_response(self.objects.get(kind, namespace, name))
        if request.method == "PUT":
            return web.json_response(self.objects.replace(kind, namespace, name, body, manager, status=status))
        if request.method == "DELETE":
            preconditions = body.get("preconditions", {})
            uid, version = preconditions.get("uid"), preconditions.get("resourceVersion")
            at_once = "0" in (str(body.get("gracePeriodSeconds")), request.query.get("gracePeriodSeconds"))
            return web.json_response(self.objects.delete(kind, namespace, name, uid, version, at_once=at_once))
        if request.content_type == "application/apply-patch+yaml":
            force = request.query.get("force") == "true"
            written = self.objects.apply(kind, namespace, name, body, manager, force=force, status=status)
            return web.json_response(written)
        if request.content_type == "application/merge-patch+json":
            return web.json_response(self.objects.merge(kind, namespace, name, body, manager, status=status))
        raise StatusError(415, "UnsupportedMediaType", f"{request.method} with {request.content_type}")

    async def _watch(
        self, request: web.Request, kind: ServedKind, namespace: str | None, selector: str
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        queue: asyncio.Queue[WatchEvent | None] = asyncio.Queue()
        since = int(request.query.get("resourceVersion") or 0)
        with self.objects.lock:
            expired = since < self.objects.compacted_version
            for event in self.objects.history:
                if event.version > since:
                    queue.put_nowait(event)
            self._watches.add(queue)
        await response.prepare(request)
        try:
            if expired:
                error = StatusError(410, "Expired", f"too old resource version: {since}")
                await _send(response, "ERROR", error.body)
                return response
            while True:
                try:
                    next_event = await asyncio.wait_for(queue.get(), BOOKMARK_SECONDS)
                except TimeoutError:
                    if request.query.get("allowWatchBookmarks") == "true":
                        metadata = {"resourceVersion": str(self.objects.version)}
                        await _send(response, "BOOKMARK", {"kind": kind.kind, "metadata": metadata})
                    continue
                if next_event is None:
                    return response
                event_namespace = next_event.body["metadata"].get("namespace")
                is_watched = next_event.kind == kind and namespace in (None, event_namespace)
                if is_watched and labels_match(next_event.body, selector):
                    await _send(response, next_event.type, next_event.body)
        except ConnectionResetError:
            return response
        finally:
            self._watches.discard(queue)

    def _notify_watches(self, event: WatchEvent) -> None:
        """Notify the watches; called with the lock held, from any thread."""
        for queue in list(self._watches):
            self._loop.call_soon_threadsafe(queue.put_nowait, event)


async def _send(response: web.StreamResponse, type: str, body: dict[str, Any]) -> None:
    await response.write(json.dumps({"type": type, "object": body}).encode() + b"\n")


async def _version(request: web.Request) -> web.Response:
    return web.json_response({"major": "1", "minor": "36", "gitVersion": "v1.36.0-fake"})


async def _core(request: web.Request) -> web.Response:
    return web.json_response({"kind": "APIVersions", "versions": ["v1"]})


async def _groups(request: web.Request) -> web.Response:
    groups = []
    for group, version in sorted({tuple(s.api_version.split("/")) for s in SERVED_KINDS if "/" in s.api_version}):
        entry = {"groupVersion": f"{group}/{version}", "version": version}
        groups.append({"name": group, "versions": [entry], "preferredVersion": entry})
    return web.json_response({"kind": "APIGroupList", "groups": groups})


async def _resources(request: web.Request) -> web.Response:
    match = request.match_info
    api_version = f"{match['group']}/{match['version']}" if "group" in match else match["version"]
    resources = []
    for kind in SERVED_KINDS:
        if kind.api_version == api_version:
            verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
            entry = {
                "name": kind.plural,
                "singularName": kind.kind.lower(),
                "namespaced": kind.namespaced,
                "kind": kind.kind,
                "verbs": verbs,
            }
            resources.append(entry)
            if kind.has_status:
                resources.append({**entry, "name": f"{kind.plural}/status", "verbs": ["get", "patch", "update"]})
    return web.json_response({"kind": "APIResourceList", "groupVersion": api_version, "resources": resources})
