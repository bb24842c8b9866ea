"""The fake API server over HTTP, in a thread: discovery, lists, watches with bookmarks and 410, three kinds of patch.

Every request is counted, so that a test can say what an operator costs.
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
from fake_api_server.object_selectors import fields_match, matches
from fake_api_server.served_kinds import SERVED, Served, find
from fake_api_server.status_errors import Refused
from fake_api_server.stored_objects import Change, Objects

BOOKMARK_SECONDS = 5.0


class FakeApiServer:
    """Listens on a free port of 127.0.0.1 between `start` and `stop`."""

    def __init__(self) -> None:
        self.objects = Objects()
        self.faults = Faults()
        self.requests: Counter[tuple[str, str]] = Counter()
        """By verb (watches as WATCH) and plural."""
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._watches: set[asyncio.Queue[Change | None]] = set()
        self._thread = threading.Thread(target=self._serve, name="api-server", daemon=True)
        self.objects.listeners.append(self._spread)

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
        """Every watch ends, as when a load balancer is restarted."""

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
            for scope in ("/namespaces/{namespace}", ""):  # the first route that fits is taken
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
        self, work: Callable[[web.Request, Served], Awaitable[web.StreamResponse]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            match = request.match_info
            version = f"{match['group']}/{match['version']}" if "group" in match else match["version"]
            served = find(version, match["plural"])
            is_watch = request.query.get("watch") in ("1", "true")
            self.requests["WATCH" if is_watch else request.method, match["plural"]] += 1
            fault = self.faults.take("WATCH" if is_watch else request.method, match["plural"])
            try:
                if fault is not None:
                    await asyncio.sleep(fault.seconds)
                    if fault.status:
                        raise Refused(fault.status, "Injected", "an injected fault")
                if served is None:
                    raise Refused(404, "NotFound", "the server could not find the requested resource")
                return await work(request, served)
            except Refused as refused:
                headers = {"Retry-After": str(fault.retry_after)} if fault and fault.retry_after is not None else {}
                return web.json_response(refused.body, status=refused.code, headers=headers)

        return handle

    async def _collection(self, request: web.Request, served: Served) -> web.StreamResponse:
        namespace = request.match_info.get("namespace")
        selector = request.query.get("labelSelector", "")
        if request.method == "POST":
            manager = request.query.get("fieldManager", "unknown")
            body = await request.json()
            if body.get("kind") != served.kind:
                raise Refused(400, "BadRequest", f"the object provided is unrecognized (must be of type {served.kind})")
            made = self.objects.create(served, namespace or "", body, manager)
            return web.json_response(made, status=201)
        if request.query.get("watch") in ("1", "true"):
            return await self._watch(request, served, namespace, selector)
        with self.objects.lock:
            fields = request.query.get("fieldSelector", "")
            items = [
                body
                for body in self.objects.list(served, namespace)
                if matches(body, selector) and fields_match(body, fields)
            ]
            metadata = {"resourceVersion": str(self.objects.version)}
        first, size = int(request.query.get("continue") or 0), int(request.query.get("limit") or len(items) or 1)
        if first + size < len(items):
            metadata["continue"] = str(first + size)
        found = {"apiVersion": served.api_version, "kind": f"{served.kind}List", "metadata": metadata}
        return web.json_response(found | {"items": items[first : first + size]})

    async def _object(self, request: web.Request, served: Served) -> web.StreamResponse:
        match = request.match_info
        namespace, name, status = match.get("namespace", ""), match["name"], match.get("subresource") == "status"
        manager = request.query.get("fieldManager", "unknown")
        body: dict[str, Any] = json.loads(await request.text() or "{}")
        if request.method == "GET":
            return web.json_response(self.objects.get(served, namespace, name))
        if request.method == "PUT":
            return web.json_response(self.objects.replace(served, namespace, name, body, manager, status=status))
        if request.method == "DELETE":
            uid = body.get("preconditions", {}).get("uid")
            at_once = "0" in (str(body.get("gracePeriodSeconds")), request.query.get("gracePeriodSeconds"))
            return web.json_response(self.objects.delete(served, namespace, name, uid, at_once=at_once))
        if request.content_type == "application/apply-patch+yaml":
            force = request.query.get("force") == "true"
            made = self.objects.apply(served, namespace, name, body, manager, force=force, status=status)
            return web.json_response(made)
        if request.content_type == "application/merge-patch+json":
            return web.json_response(self.objects.merge(served, namespace, name, body, manager, status=status))
        raise Refused(415, "UnsupportedMediaType", f"{request.method} with {request.content_type}")

    async def _watch(
        self, request: web.Request, served: Served, namespace: str | None, selector: str
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        queue: asyncio.Queue[Change | None] = asyncio.Queue()
        since = int(request.query.get("resourceVersion") or 0)
        with self.objects.lock:
            expired = since < self.objects.compacted
            for change in self.objects.history:
                if change.version > since:
                    queue.put_nowait(change)
            self._watches.add(queue)
        await response.prepare(request)
        try:
            if expired:
                gone = Refused(410, "Expired", f"too old resource version: {since}")
                await _send(response, "ERROR", gone.body)
                return response
            while True:
                try:
                    found = await asyncio.wait_for(queue.get(), BOOKMARK_SECONDS)
                except TimeoutError:
                    if request.query.get("allowWatchBookmarks") == "true":
                        metadata = {"resourceVersion": str(self.objects.version)}
                        await _send(response, "BOOKMARK", {"kind": served.kind, "metadata": metadata})
                    continue
                if found is None:
                    return response
                where = found.body["metadata"].get("namespace")
                if found.served == served and namespace in (None, where) and matches(found.body, selector):
                    await _send(response, found.type, found.body)
        except ConnectionResetError:
            return response
        finally:
            self._watches.discard(queue)

    def _spread(self, change: Change) -> None:
        """Called with the lock held, from any thread."""
        for queue in list(self._watches):
            self._loop.call_soon_threadsafe(queue.put_nowait, change)


async def _send(response: web.StreamResponse, type: str, body: dict[str, Any]) -> None:
    await response.write(json.dumps({"type": type, "object": body}).encode() + b"\n")


async def _version(request: web.Request) -> web.Response:
    return web.json_response({"major": "1", "minor": "36", "gitVersion": "v1.36.0-fake"})


async def _core(request: web.Request) -> web.Response:
    return web.json_response({"kind": "APIVersions", "versions": ["v1"]})


async def _groups(request: web.Request) -> web.Response:
    groups = []
    for group, version in sorted({tuple(s.api_version.split("/")) for s in SERVED if "/" in s.api_version}):
        entry = {"groupVersion": f"{group}/{version}", "version": version}
        groups.append({"name": group, "versions": [entry], "preferredVersion": entry})
    return web.json_response({"kind": "APIGroupList", "groups": groups})


async def _resources(request: web.Request) -> web.Response:
    match = request.match_info
    wanted = f"{match['group']}/{match['version']}" if "group" in match else match["version"]
    found = []
    for served in SERVED:
        if served.api_version == wanted:
            verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
            entry = {
                "name": served.plural,
                "singularName": served.kind.lower(),
                "namespaced": served.namespaced,
                "kind": served.kind,
                "verbs": verbs,
            }
            found.append(entry)
            if served.has_status:
                found.append({**entry, "name": f"{served.plural}/status", "verbs": ["get", "patch", "update"]})
    return web.json_response({"kind": "APIResourceList", "groupVersion": wanted, "resources": found})
