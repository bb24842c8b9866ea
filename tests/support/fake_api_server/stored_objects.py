"""Objects as an API server keeps them: uid, resourceVersion, generation, conflicts, graceful deletion, finalizers,
garbage collection of dependents, a history for watches that can be compacted.
"""

import copy
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fake_api_server.field_ownership import Json, Path, applied, merged, written
from fake_api_server.served_kinds import SERVED, Served
from fake_api_server.status_errors import Refused, conflict, not_found

Key = tuple[str, str, str]
"""Plural, namespace (empty for cluster-wide kinds), name."""


@dataclass(frozen=True)
class Change:
    """One event of a watch."""

    version: int
    type: str
    served: Served
    body: Json


class Objects:
    """Everything in the cluster; safe for threads."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._objects: dict[Key, Json] = {}
        self._owners: dict[str, dict[str, set[Path]]] = {}
        self._version = 100
        self.history: list[Change] = []
        self.compacted = 0
        self._is_silent = False
        self.listeners: list[Callable[[Change], None]] = []

    @property
    def version(self) -> int:
        return self._version

    def get(self, served: Served, namespace: str, name: str) -> Json:
        with self.lock:
            try:
                return copy.deepcopy(self._objects[served.plural, namespace, name])
            except KeyError:
                raise not_found(served.plural, name) from None

    def list(self, served: Served, namespace: str | None) -> list[Json]:
        """The objects themselves, which nobody may change: copies of thousands would take seconds."""
        with self.lock:
            return [
                body
                for (plural, where, _), body in sorted(self._objects.items())
                if plural == served.plural and namespace in (None, where)
            ]

    def create(self, served: Served, namespace: str, body: Json, manager: str) -> Json:
        with self.lock:
            metadata = body["metadata"]
            key = (served.plural, namespace, metadata["name"])
            if key in self._objects:
                raise Refused(409, "AlreadyExists", f'{served.plural} "{metadata["name"]}" already exists')
            made = copy.deepcopy(body) | {"apiVersion": served.api_version, "kind": served.kind}
            made["metadata"] |= {"uid": str(uuid.uuid4()), "generation": 1, "creationTimestamp": now()}
            if served.namespaced:
                made["metadata"]["namespace"] = namespace
            if served.has_status:
                made.pop("status", None)
            self._owners[made["metadata"]["uid"]] = {}
            written({}, made, self._owners[made["metadata"]["uid"]], manager)
            self._keep(served, key, made, "ADDED")
            self._collect_orphan(served, key, made)
            return copy.deepcopy(made)

    def replace(self, served: Served, namespace: str, name: str, body: Json, manager: str, *, status: bool) -> Json:
        with self.lock:
            live = self.get(served, namespace, name)
            if body["metadata"].get("resourceVersion") not in (None, live["metadata"]["resourceVersion"]):
                raise conflict(f"{name}: the object has been modified; please apply your changes to the latest version")
            return self._update(served, namespace, name, live, body, manager, status=status)

    def merge(self, served: Served, namespace: str, name: str, patch: Json, manager: str, *, status: bool) -> Json:
        with self.lock:
            live = self.get(served, namespace, name)
            return self._update(served, namespace, name, live, merged(live, patch), manager, status=status)

    def apply(
        self, served: Served, namespace: str, name: str, body: Json, manager: str, *, force: bool, status: bool
    ) -> Json:
        with self.lock:
            if (served.plural, namespace, name) not in self._objects:
                if status:
                    raise not_found(served.plural, name)
                return self.create(served, namespace, body, manager)
            live = self.get(served, namespace, name)
            uid = body["metadata"].get("uid")
            if uid not in (None, live["metadata"]["uid"]):
                raise conflict(f"Precondition failed: UID in precondition: {uid}")
            owners = copy.deepcopy(self._owners[live["metadata"]["uid"]])
            scope = {"status": body.get("status", {})} if status else {k: v for k, v in body.items() if k != "status"}
            label = f"{manager}/status" if status else manager
            after = applied(live, scope, owners, label, force)
            self._owners[live["metadata"]["uid"]] = owners
            return self._store(served, namespace, name, live, after)

    def delete(self, served: Served, namespace: str, name: str, uid: str | None, *, at_once: bool = False) -> Json:
        """A pod stays until its node is done with it (`at_once`), unless it had ended before."""
        with self.lock:
            live = self.get(served, namespace, name)
            if uid not in (None, live["metadata"]["uid"]):
                raise conflict(f"Precondition failed: UID in precondition: {uid}")
            metadata, phase = live["metadata"], live.get("status", {}).get("phase")
            has_ended = phase in ("Succeeded", "Failed") and not metadata.get("deletionTimestamp")
            graceful = served.plural == "pods" and not (at_once or has_ended)
            if live["metadata"].get("finalizers") or graceful:
                if not live["metadata"].get("deletionTimestamp"):
                    live["metadata"] |= {"deletionTimestamp": now(), "deletionGracePeriodSeconds": 30}
                    return self._keep(served, (served.plural, namespace, name), live, "MODIFIED")
                return live
            return self._remove(served, (served.plural, namespace, name), live)

    def compact(self) -> None:
        """Watches that begin before now are told 410."""
        with self.lock:
            self.compacted = self._version

    @contextmanager
    def silence(self) -> Iterator[None]:
        """What changes meanwhile is told to no watch, now or later."""
        with self.lock:
            self._is_silent = True
        try:
            yield
        finally:
            self._is_silent = False

    def _update(
        self, served: Served, namespace: str, name: str, live: Json, wanted: Json, manager: str, *, status: bool
    ) -> Json:
        after = copy.deepcopy(wanted)
        if served.has_status:
            if status:
                after = {**live, "status": wanted.get("status", {})}
            elif "status" in live:
                after["status"] = live["status"]
            else:
                after.pop("status", None)
        for field in ("uid", "creationTimestamp", "generation", "namespace", "name"):
            if field in live["metadata"]:
                after["metadata"][field] = live["metadata"][field]
        written(live, after, self._owners[live["metadata"]["uid"]], f"{manager}/status" if status else manager)
        return self._store(served, namespace, name, live, after)

    def _store(self, served: Served, namespace: str, name: str, live: Json, after: Json) -> Json:
        if _without_version(live) == _without_version(after):
            return live
        if live.get("immutable") and live.get("data") != after.get("data"):
            raise Refused(422, "Invalid", f"{name}: data: Forbidden: field is immutable when `immutable` is set")
        if served.plural == "jobs" and live["spec"].get("template") != after["spec"].get("template"):
            raise Refused(422, "Invalid", f"{name}: spec.template: Invalid value: field is immutable")
        if live.get("spec") != after.get("spec"):
            after["metadata"]["generation"] = live["metadata"]["generation"] + 1
        key = (served.plural, namespace, name)
        is_released = after["metadata"].get("deletionTimestamp") and not after["metadata"].get("finalizers")
        if is_released and served.plural != "pods":
            return self._remove(served, key, after)
        return self._keep(served, key, after, "MODIFIED")

    def _keep(self, served: Served, key: Key, body: Json, type: str) -> Json:
        self._version += 1
        body["metadata"]["resourceVersion"] = str(self._version)
        self._objects[key] = copy.deepcopy(body)
        self._tell(Change(self._version, type, served, self._objects[key]))
        return body

    def _remove(self, served: Served, key: Key, body: Json) -> Json:
        self._version += 1
        body["metadata"]["resourceVersion"] = str(self._version)
        del self._objects[key]
        del self._owners[body["metadata"]["uid"]]
        self._tell(Change(self._version, "DELETED", served, copy.deepcopy(body)))
        self._collect(body["metadata"]["uid"])
        return body

    def _collect(self, uid: str) -> None:
        """Dependents of an object that is gone."""
        for (plural, namespace, name), body in list(self._objects.items()):
            owners = body["metadata"].get("ownerReferences", ())
            if any(owner["uid"] == uid for owner in owners) and not self._has_other_owner(owners, uid):
                self.delete(next(s for s in SERVED if s.plural == plural), namespace, name, None)

    def _has_other_owner(self, owners: Any, uid: str) -> bool:
        return any(owner["uid"] != uid and owner["uid"] in self._owners for owner in owners)

    def _collect_orphan(self, served: Served, key: Key, body: Json) -> None:
        """A child that is created after its owner was deleted."""
        owners = body["metadata"].get("ownerReferences", ())
        if owners and not any(owner["uid"] in self._owners for owner in owners):
            self.delete(served, key[1], key[2], None)

    def _tell(self, change: Change) -> None:
        if self._is_silent:
            return
        self.history.append(change)
        for listener in list(self.listeners):
            listener(change)


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _without_version(body: Json) -> Json:
    return {**body, "metadata": {k: v for k, v in body["metadata"].items() if k != "resourceVersion"}}
