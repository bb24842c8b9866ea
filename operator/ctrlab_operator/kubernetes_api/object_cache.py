"""Cache of the watched objects, so that a reconcile without changes makes no request.

The cache cannot prove that an object does not exist, because a broken watch misses deletions. Code that creates or
deletes objects lists them first, and the whole cache is compared with fresh lists at intervals.
"""

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from ctrlab_api.names import ABLATION_LABEL, EXPERIMENT_LABEL
from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.kubernetes_api.object_kinds import ABLATION, EXPERIMENT, JOB, POD, ObjectKind

RECONCILED_KINDS = (EXPERIMENT, ABLATION)
"""The kinds that are reconciled; objects of other kinds are children of one of them."""


class ResourceRef(NamedTuple):
    """Reference to an experiment or an ablation; one of each may have the same name."""

    namespace: str
    name: str
    kind: ObjectKind = EXPERIMENT

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" + (" (Ablation)" if self.kind == ABLATION else "")

    @property
    def selector(self) -> str:
        """Label selector of its children; an experiment's does not match the children of its ablations."""
        if self.kind == ABLATION:
            return f"{ABLATION_LABEL}={self.name}"
        return f"{EXPERIMENT_LABEL}={self.name},!{ABLATION_LABEL}"


CACHED_FIELDS = {
    EXPERIMENT: ("metadata", "spec", "status"),
    ABLATION: ("metadata", "spec", "status"),
    JOB: ("metadata", "spec", "status"),
    POD: ("metadata", "status"),
}
"""Top-level fields that are cached for each kind."""


def owning_resource(kind: ObjectKind, body: Mapping[str, Any]) -> ResourceRef:
    """Return the experiment or ablation that an object is, or belongs to by its labels."""
    metadata = body["metadata"]
    if kind in RECONCILED_KINDS:
        return ResourceRef(metadata["namespace"], metadata["name"], kind)
    labels = metadata.get("labels", {})
    if ABLATION_LABEL in labels:
        return ResourceRef(metadata["namespace"], labels[ABLATION_LABEL], ABLATION)
    return ResourceRef(metadata["namespace"], labels.get(EXPERIMENT_LABEL, ""))


class ProgressCounts(NamedTuple):
    """Numbers of a status, summed over models."""

    stage: str
    trials_done: int = 0
    """Finished trials, including failed ones (as for runs)."""
    trials_failed: int = 0
    runs_done: int = 0
    runs_failed: int = 0


@dataclass(frozen=True, slots=True)
class CachedObject:
    """One object, kept as JSON text: tens of thousands of objects take a tenth of the memory of dicts."""

    uid: str
    version: int
    text: bytes
    experiment_name: str
    """The experiment that an ablation refers to; empty for other kinds."""
    is_terminating: bool
    """Whether the object has a deletion timestamp."""
    progress: ProgressCounts | None
    """Progress of an experiment or ablation, computed once because every scrape of the metrics reads it."""

    @property
    def body(self) -> Manifest:
        """A new dict of the object without the fields that are not cached."""
        return cast(Manifest, json.loads(self.text))


Snapshot = dict[str, tuple[ResourceRef, str]]
"""Owning resource and name of cached objects, by uid."""


class ObjectCache:
    """The last observed state of experiments, ablations and their children; safe for threads."""

    def __init__(self) -> None:
        self._objects: dict[ObjectKind, dict[ResourceRef, dict[str, CachedObject]]] = {
            kind: {} for kind in CACHED_FIELDS
        }
        self._lock = threading.Lock()

    def put(self, kind: ObjectKind, body: Mapping[str, Any]) -> bool:
        """Store an object unless the cache has a newer version; return whether the cache changed."""
        ref, name = owning_resource(kind, body), body["metadata"]["name"]
        if self._has_version(kind, ref, name, body):
            return False
        entry = _cached_object(kind, body)
        with self._lock:
            group = self._objects[kind].setdefault(ref, {})
            existing = group.get(name)
            if existing is not None and (existing.version > entry.version or existing == entry):
                return False
            group[name] = entry
            return True

    def remove(self, kind: ObjectKind, body: Mapping[str, Any]) -> None:
        """Remove an object unless another object of its name replaced it."""
        metadata = body["metadata"]
        self._remove(kind, str(metadata.get("uid")), owning_resource(kind, body), metadata["name"])

    def snapshot(self, kind: ObjectKind, ref: ResourceRef | None = None, namespace: str | None = None) -> Snapshot:
        """Return the objects of one resource, a namespace or all; take it before a list, for `synchronize`."""
        with self._lock:
            groups = {ref: self._objects[kind].get(ref, {})} if ref else self._objects[kind]
            return {
                entry.uid: (owner, name)
                for owner, group in groups.items()
                if namespace in (None, owner.namespace)
                for name, entry in group.items()
            }

    def synchronize(self, kind: ObjectKind, before: Snapshot, listed: Iterable[Mapping[str, Any]]) -> None:
        """Store a fresh list, and remove the objects of the snapshot `before` that the list no longer contains."""
        present = set()
        for body in listed:
            present.add(str(body["metadata"].get("uid")))
            self.put(kind, body)
        for uid, (ref, name) in before.items():
            if uid not in present:
                self._remove(kind, uid, ref, name)

    def resource(self, ref: ResourceRef) -> CachedObject | None:
        """Return an experiment or ablation."""
        with self._lock:
            return self._objects[ref.kind].get(ref, {}).get(ref.name)

    def progress(self, kind: ObjectKind) -> list[ProgressCounts]:
        """Return the progress of all experiments or of all ablations."""
        with self._lock:
            entries = [entry for group in self._objects[kind].values() for entry in group.values()]
        return [entry.progress for entry in entries if entry.progress is not None]

    def ablations_of(self, experiment: ResourceRef) -> list[ResourceRef]:
        """Return the ablations that refer to an experiment, which need not exist."""
        with self._lock:
            return [
                ref
                for ref, group in self._objects[ABLATION].items()
                if ref.namespace == experiment.namespace
                and any(entry.experiment_name == experiment.name for entry in group.values())
            ]

    def children(self, kind: ObjectKind, ref: ResourceRef) -> list[Manifest]:
        """Return the Jobs or pods of a resource, sorted by name."""
        with self._lock:
            entries = sorted(self._objects[kind].get(ref, {}).items())
        return [entry.body for _, entry in entries]

    def child(self, kind: ObjectKind, body: Mapping[str, Any]) -> Manifest | None:
        """Return the cached state of a Job or pod with the same uid; None for other kinds and unknown objects."""
        if kind in RECONCILED_KINDS:
            return None
        with self._lock:
            entry = self._objects[kind].get(owning_resource(kind, body), {}).get(body["metadata"]["name"])
        return entry.body if entry is not None and entry.uid == str(body["metadata"].get("uid")) else None

    def refs(self, kind: ObjectKind = EXPERIMENT) -> set[ResourceRef]:
        """Return every resource that is cached, or that has cached children of this kind."""
        with self._lock:
            return set(self._objects[kind])

    def _has_version(self, kind: ObjectKind, ref: ResourceRef, name: str, body: Mapping[str, Any]) -> bool:
        """Check cheaply, before the object is serialized, whether the cache has this version."""
        with self._lock:
            existing = self._objects[kind].get(ref, {}).get(name)
        uid, version = str(body["metadata"].get("uid")), _version(body)
        return existing is not None and version > 0 and (existing.uid, existing.version) == (uid, version)

    def _remove(self, kind: ObjectKind, uid: str, ref: ResourceRef, name: str) -> None:
        with self._lock:
            group = self._objects[kind].get(ref, {})
            if name in group and group[name].uid == uid:
                del group[name]
            if not group:
                self._objects[kind].pop(ref, None)


def _cached_object(kind: ObjectKind, body: Mapping[str, Any]) -> CachedObject:
    """Serialize an object without pod templates and managed fields."""
    content: Manifest = {name: dict(body[name]) for name in CACHED_FIELDS[kind] if body.get(name)}
    metadata = content["metadata"]
    metadata.pop("managedFields", None)
    if kind is JOB:
        content["spec"].pop("template", None)
    return CachedObject(
        uid=str(metadata.get("uid")),
        version=_version(content),
        text=json.dumps(content, separators=(",", ":")).encode(),
        experiment_name=_experiment_name(content) if kind is ABLATION else "",
        is_terminating=bool(metadata.get("deletionTimestamp")),
        progress=_progress(content.get("status", {})) if kind in RECONCILED_KINDS else None,
    )


def _progress(status: Mapping[str, Any]) -> ProgressCounts:
    def total(field: str) -> int:
        return sum(int(model.get(field, 0)) for model in status.get("models", ()))

    stage = str(status.get("stage", "Pending"))
    return ProgressCounts(stage, total("trialsDone"), total("trialsFailed"), total("runsDone"), total("runsFailed"))


def _experiment_name(ablation: Manifest) -> str:
    return str(ablation.get("spec", {}).get("experimentRef", {}).get("name", ""))


def _version(body: Mapping[str, Any]) -> int:
    """Return the resourceVersion, which grows with every write of an object (KEP-5504); 0 if it is not a number."""
    text = body["metadata"].get("resourceVersion", "0")
    return int(text) if text.isdigit() else 0
