"""What the watches have told, so that looking at an experiment costs no request.

Never trusted for "does not exist": a watch that was broken misses deletions. Whoever creates or deletes lists first,
and everything is compared with fresh lists from time to time.
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
"""The kinds that are looked at; everything else is a child of one of them."""


class ResourceRef(NamedTuple):
    """An experiment or an ablation by name; the two may share one."""

    namespace: str
    name: str
    kind: ObjectKind = EXPERIMENT

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" + (" (Ablation)" if self.kind == ABLATION else "")

    @property
    def selector(self) -> str:
        """The label selector of its children; those of an experiment's ablations are not its own."""
        if self.kind == ABLATION:
            return f"{ABLATION_LABEL}={self.name}"
        return f"{EXPERIMENT_LABEL}={self.name},!{ABLATION_LABEL}"


KEPT = {
    EXPERIMENT: ("metadata", "spec", "status"),
    ABLATION: ("metadata", "spec", "status"),
    JOB: ("metadata", "spec", "status"),
    POD: ("metadata", "status"),
}


def experiment_of(kind: ObjectKind, body: Mapping[str, Any]) -> ResourceRef:
    """The experiment or ablation that an object is, or belongs to."""
    metadata = body["metadata"]
    if kind in RECONCILED_KINDS:
        return ResourceRef(metadata["namespace"], metadata["name"], kind)
    labels = metadata.get("labels", {})
    if ABLATION_LABEL in labels:
        return ResourceRef(metadata["namespace"], labels[ABLATION_LABEL], ABLATION)
    return ResourceRef(metadata["namespace"], labels.get(EXPERIMENT_LABEL, ""))


class ProgressCounts(NamedTuple):
    """What a status says in numbers, summed over models."""

    stage: str
    trials_done: int = 0
    """The failed ones included, and so below."""
    trials_failed: int = 0
    runs_done: int = 0
    runs_failed: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One object as it is kept: its JSON takes a tenth of the memory of dicts, and there are tens of thousands."""

    uid: str
    version: int
    text: bytes
    parent: str
    """The experiment that an ablation names; empty for everything else."""
    progress: ProgressCounts | None
    """Of experiments and ablations; read once, because it is asked for at every scrape of the metrics."""

    @property
    def body(self) -> Manifest:
        """The object without what nobody here reads; for the caller alone."""
        return cast(Manifest, json.loads(self.text))


Known = dict[str, tuple[ResourceRef, str]]
"""Where objects are kept, by uid: what they belong to, and their names."""


class ObjectCache:
    """The last known state of experiments, ablations and their children; safe for threads."""

    def __init__(self) -> None:
        self._objects: dict[ObjectKind, dict[ResourceRef, dict[str, Entry]]] = {kind: {} for kind in KEPT}
        self._lock = threading.Lock()

    def put(self, kind: ObjectKind, body: Mapping[str, Any]) -> bool:
        """Remember an object, unless what is known of it is newer; False if it was known just so."""
        ref, name = experiment_of(kind, body), body["metadata"]["name"]
        if self._has(kind, ref, name, body):
            return False
        entry = _entry(kind, body)
        with self._lock:
            group = self._objects[kind].setdefault(ref, {})
            known = group.get(name)
            if known is not None and (known.version > entry.version or known == entry):
                return False
            group[name] = entry
            return True

    def drop(self, kind: ObjectKind, body: Mapping[str, Any]) -> None:
        """Forget an object, unless another of its name has come since."""
        metadata = body["metadata"]
        self._forget(kind, str(metadata.get("uid")), experiment_of(kind, body), metadata["name"])

    def known(self, kind: ObjectKind, ref: ResourceRef | None = None, namespace: str | None = None) -> Known:
        """Objects of one experiment, of a namespace or of all: to be taken before a list, for `compare` after it."""
        with self._lock:
            groups = {ref: self._objects[kind].get(ref, {})} if ref else self._objects[kind]
            return {
                entry.uid: (owner, name)
                for owner, group in groups.items()
                if namespace in (None, owner.namespace)
                for name, entry in group.items()
            }

    def compare(self, kind: ObjectKind, before: Known, found: Iterable[Mapping[str, Any]]) -> None:
        """Take in a fresh list; what was known before it and is not in it has been deleted unseen."""
        present = set()
        for body in found:
            present.add(str(body["metadata"].get("uid")))
            self.put(kind, body)
        for uid, where in before.items():
            if uid not in present:
                self._forget(kind, uid, *where)

    def experiment(self, ref: ResourceRef) -> Manifest | None:
        """The resource itself."""
        with self._lock:
            found = self._objects[ref.kind].get(ref, {}).get(ref.name)
        return found.body if found else None

    def progress(self, kind: ObjectKind) -> list[ProgressCounts]:
        """Of all experiments, or of all ablations."""
        with self._lock:
            entries = [entry for group in self._objects[kind].values() for entry in group.values()]
        return [entry.progress for entry in entries if entry.progress is not None]

    def ablations_of(self, experiment: ResourceRef) -> list[ResourceRef]:
        """The ablations that name an experiment, which need not exist."""
        with self._lock:
            return [
                ref
                for ref, group in self._objects[ABLATION].items()
                if ref.namespace == experiment.namespace
                and any(entry.parent == experiment.name for entry in group.values())
            ]

    def children(self, kind: ObjectKind, ref: ResourceRef) -> list[Manifest]:
        """Jobs or pods of an experiment, by name."""
        with self._lock:
            found = sorted(self._objects[kind].get(ref, {}).items())
        return [entry.body for _, entry in found]

    def refs(self, kind: ObjectKind = EXPERIMENT) -> set[ResourceRef]:
        """Every experiment or ablation that is known, or that has children of this kind."""
        with self._lock:
            return set(self._objects[kind])

    def _has(self, kind: ObjectKind, ref: ResourceRef, name: str, body: Mapping[str, Any]) -> bool:
        """Whether this version of the object is kept, told before the work of keeping it."""
        with self._lock:
            known = self._objects[kind].get(ref, {}).get(name)
        uid, version = str(body["metadata"].get("uid")), _version(body)
        return known is not None and version > 0 and (known.uid, known.version) == (uid, version)

    def _forget(self, kind: ObjectKind, uid: str, ref: ResourceRef, name: str) -> None:
        with self._lock:
            group = self._objects[kind].get(ref, {})
            if name in group and group[name].uid == uid:
                del group[name]
            if not group:
                self._objects[kind].pop(ref, None)


def _entry(kind: ObjectKind, body: Mapping[str, Any]) -> Entry:
    """Without pod templates and the record of who owns which field."""
    kept: Manifest = {name: dict(body[name]) for name in KEPT[kind] if body.get(name)}
    kept["metadata"].pop("managedFields", None)
    if kind is JOB:
        kept["spec"].pop("template", None)
    parent = _experiment_name(kept) if kind is ABLATION else ""
    progress = _progress(kept.get("status", {})) if kind in RECONCILED_KINDS else None
    text = json.dumps(kept, separators=(",", ":")).encode()
    return Entry(str(kept["metadata"].get("uid")), _version(kept), text, parent, progress)


def _progress(status: Mapping[str, Any]) -> ProgressCounts:
    def total(field: str) -> int:
        return sum(int(model.get(field, 0)) for model in status.get("models", ()))

    stage = str(status.get("stage", "Pending"))
    return ProgressCounts(stage, total("trialsDone"), total("trialsFailed"), total("runsDone"), total("runsFailed"))


def _experiment_name(ablation: Manifest) -> str:
    return str(ablation.get("spec", {}).get("experimentRef", {}).get("name", ""))


def _version(body: Mapping[str, Any]) -> int:
    """resourceVersion grows with every write of an object (KEP-5504); another uid is always newer."""
    text = body["metadata"].get("resourceVersion", "0")
    return int(text) if text.isdigit() else 0
