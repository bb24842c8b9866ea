"""The objects of the fake API server: uid, resourceVersion, generation, conflicts, admission of custom resources,
graceful deletion, finalizers, garbage collection of dependents, and a history for watches that can be compacted.
"""

import copy
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fake_api_server.admission import admissions
from fake_api_server.admission_policies import AdmissionPolicy, time_admission
from fake_api_server.field_ownership import Json, Ownership, merge_patch, record_update, server_side_apply
from fake_api_server.served_kinds import SERVED_KINDS, ServedKind
from fake_api_server.status_errors import StatusError, conflict, invalid, not_found

Key = tuple[str, str, str]
"""Plural, namespace (empty for cluster-wide kinds), name."""

SERVER_FIELDS = ("uid", "creationTimestamp", "generation", "namespace", "name")
"""Metadata that no update changes."""


@dataclass(frozen=True)
class WatchEvent:
    """One event of a watch."""

    version: int
    type: str
    kind: ServedKind
    body: Json


class ObjectStore:
    """All objects of the cluster; safe for threads."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._objects: dict[Key, Json] = {}
        self._ownership: dict[str, Ownership] = {}
        self._version = 100
        self.history: list[WatchEvent] = []
        self.compacted_version = 0
        self._is_muted = False
        self.policies: tuple[AdmissionPolicy, ...] = (time_admission(),)
        """Admission policies; empty for a cluster where `admission.enabled` of the chart is false."""
        self.listeners: list[Callable[[WatchEvent], None]] = []

    @property
    def version(self) -> int:
        return self._version

    def get(self, kind: ServedKind, namespace: str, name: str) -> Json:
        with self.lock:
            try:
                return copy.deepcopy(self._objects[kind.plural, namespace, name])
            except KeyError:
                raise not_found(kind.plural, name) from None

    def list(self, kind: ServedKind, namespace: str | None) -> list[Json]:
        """Return the stored objects, which must not be changed: copies of thousands would take seconds."""
        with self.lock:
            return [
                body
                for (plural, own_namespace, _), body in sorted(self._objects.items())
                if plural == kind.plural and namespace in (None, own_namespace)
            ]

    def create(self, kind: ServedKind, namespace: str, body: Json, manager: str) -> Json:
        with self.lock:
            name = body["metadata"]["name"]
            key = (kind.plural, namespace, name)
            if key in self._objects:
                raise StatusError(409, "AlreadyExists", f'{kind.plural} "{name}" already exists')
            created = copy.deepcopy(body) | {"apiVersion": kind.api_version, "kind": kind.kind}
            created["metadata"] |= {"uid": str(uuid.uuid4()), "generation": 1, "creationTimestamp": now()}
            if kind.namespaced:
                created["metadata"]["namespace"] = namespace
            if kind.has_status:
                created.pop("status", None)
            created = self._admit(kind, created, None)
            uid = created["metadata"]["uid"]
            self._ownership[uid] = {}
            record_update({}, created, self._ownership[uid], manager)
            self._write(kind, key, created, "ADDED")
            self._collect_if_orphaned(kind, key, created)
            return copy.deepcopy(created)

    def replace(self, kind: ServedKind, namespace: str, name: str, body: Json, manager: str, *, status: bool) -> Json:
        with self.lock:
            live = self.get(kind, namespace, name)
            if body["metadata"].get("resourceVersion") not in (None, live["metadata"]["resourceVersion"]):
                raise conflict(f"{name}: the object has been modified; please apply your changes to the latest version")
            return self._update(kind, namespace, name, live, body, manager, status=status)

    def merge(self, kind: ServedKind, namespace: str, name: str, patch: Json, manager: str, *, status: bool) -> Json:
        with self.lock:
            live = self.get(kind, namespace, name)
            return self._update(kind, namespace, name, live, merge_patch(live, patch), manager, status=status)

    def apply(
        self, kind: ServedKind, namespace: str, name: str, body: Json, manager: str, *, force: bool, status: bool
    ) -> Json:
        with self.lock:
            if (kind.plural, namespace, name) not in self._objects:
                if status:
                    raise not_found(kind.plural, name)
                return self.create(kind, namespace, body, manager)
            live = self.get(kind, namespace, name)
            uid = body["metadata"].get("uid")
            if uid not in (None, live["metadata"]["uid"]):
                raise conflict(f"Precondition failed: UID in precondition: {uid}")
            ownership = copy.deepcopy(self._ownership[live["metadata"]["uid"]])
            scope = {"status": body.get("status", {})} if status else {k: v for k, v in body.items() if k != "status"}
            after = server_side_apply(live, scope, ownership, f"{manager}/status" if status else manager, force)
            updated = self._store_update(kind, namespace, name, live, after)
            if live["metadata"]["uid"] in self._ownership:
                self._ownership[live["metadata"]["uid"]] = ownership
            return updated

    def delete(
        self,
        kind: ServedKind,
        namespace: str,
        name: str,
        uid: str | None,
        version: str | None = None,
        *,
        at_once: bool = False,
    ) -> Json:
        """Delete an object with this uid and version; a pod that has not ended stays until its node confirms."""
        with self.lock:
            live = self.get(kind, namespace, name)
            metadata = live["metadata"]
            if uid not in (None, metadata["uid"]):
                raise conflict(f"Precondition failed: UID in precondition: {uid}")
            if version not in (None, metadata["resourceVersion"]):
                raise conflict(f"Precondition failed: ResourceVersion in precondition: {version}")
            phase = live.get("status", {}).get("phase")
            has_ended = phase in ("Succeeded", "Failed") and not metadata.get("deletionTimestamp")
            is_graceful = kind.plural == "pods" and not (at_once or has_ended)
            key = (kind.plural, namespace, name)
            if not (metadata.get("finalizers") or is_graceful):
                return self._remove(kind, key, live)
            if metadata.get("deletionTimestamp"):
                return live
            metadata |= {"deletionTimestamp": now(), "deletionGracePeriodSeconds": 30}
            return self._write(kind, key, live, "MODIFIED")

    def compact(self) -> None:
        """Make watches that start from an older version fail with 410."""
        with self.lock:
            self.compacted_version = self._version

    @contextmanager
    def muted(self) -> Iterator[None]:
        """Hide changes from every watch, now and later."""
        with self.lock:
            self._is_muted = True
        try:
            yield
        finally:
            self._is_muted = False

    def _update(
        self, kind: ServedKind, namespace: str, name: str, live: Json, new: Json, manager: str, *, status: bool
    ) -> Json:
        after = copy.deepcopy(new)
        if kind.has_status:
            if status:
                after = {**live, "status": new.get("status", {})}
            elif "status" in live:
                after["status"] = live["status"]
            else:
                after.pop("status", None)
        for field in SERVER_FIELDS:
            if field in live["metadata"]:
                after["metadata"][field] = live["metadata"][field]
        updated = self._store_update(kind, namespace, name, live, after)
        if live["metadata"]["uid"] in self._ownership:
            ownership = self._ownership[live["metadata"]["uid"]]
            record_update(live, after, ownership, f"{manager}/status" if status else manager)
        return updated

    def _store_update(self, kind: ServedKind, namespace: str, name: str, live: Json, after: Json) -> Json:
        if _without_version(live) == _without_version(after):
            return live
        if live.get("immutable") and live.get("data") != after.get("data"):
            raise StatusError(422, "Invalid", f"{name}: data: Forbidden: field is immutable when `immutable` is set")
        if kind.plural == "jobs" and live["spec"].get("template") != after["spec"].get("template"):
            raise StatusError(422, "Invalid", f"{name}: spec.template: Invalid value: field is immutable")
        after = self._admit(kind, after, live)
        if live.get("spec") != after.get("spec"):
            after["metadata"]["generation"] = live["metadata"]["generation"] + 1
        key = (kind.plural, namespace, name)
        is_released = after["metadata"].get("deletionTimestamp") and not after["metadata"].get("finalizers")
        if is_released and kind.plural != "pods":
            return self._remove(kind, key, after)
        return self._write(kind, key, after, "MODIFIED")

    def _write(self, kind: ServedKind, key: Key, body: Json, event_type: str) -> Json:
        self._version += 1
        body["metadata"]["resourceVersion"] = str(self._version)
        self._objects[key] = copy.deepcopy(body)
        self._notify(WatchEvent(self._version, event_type, kind, self._objects[key]))
        return body

    def _remove(self, kind: ServedKind, key: Key, body: Json) -> Json:
        self._version += 1
        body["metadata"]["resourceVersion"] = str(self._version)
        del self._objects[key]
        del self._ownership[body["metadata"]["uid"]]
        self._notify(WatchEvent(self._version, "DELETED", kind, copy.deepcopy(body)))
        self._collect_dependents(body["metadata"]["uid"])
        return body

    def _admit(self, kind: ServedKind, body: Json, old: Json | None) -> Json:
        """Return a custom resource with its defaults; objects of other kinds are not validated."""
        admission = admissions().get(kind.kind)
        if admission is None:
            return body
        admitted: Json = admission.with_defaults(body)
        problems = admission.violations(body, old)
        is_status_write = old is not None and old.get("spec") == admitted.get("spec")
        for policy in () if problems or is_status_write else self.policies:
            if kind.plural in policy.plurals:
                problems += policy.violations(admitted, old)
        if problems:
            raise invalid(kind.kind, body["metadata"]["name"], problems)
        return admitted

    def _collect_dependents(self, uid: str) -> None:
        for (plural, namespace, name), body in list(self._objects.items()):
            owners = body["metadata"].get("ownerReferences", ())
            if any(owner["uid"] == uid for owner in owners) and not self._has_other_owner(owners, uid):
                self.delete(next(kind for kind in SERVED_KINDS if kind.plural == plural), namespace, name, None)

    def _has_other_owner(self, owners: Any, uid: str) -> bool:
        return any(owner["uid"] != uid and owner["uid"] in self._ownership for owner in owners)

    def _collect_if_orphaned(self, kind: ServedKind, key: Key, body: Json) -> None:
        """Delete a child that was created after its owner had been deleted."""
        owners = body["metadata"].get("ownerReferences", ())
        if owners and not any(owner["uid"] in self._ownership for owner in owners):
            self.delete(kind, key[1], key[2], None)

    def _notify(self, event: WatchEvent) -> None:
        if self._is_muted:
            return
        self.history.append(event)
        for listener in list(self.listeners):
            listener(event)


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _without_version(body: Json) -> Json:
    return {**body, "metadata": {k: v for k, v in body["metadata"].items() if k != "resourceVersion"}}
