"""What the watches have told, so that looking at an experiment costs no request.

Never trusted for "does not exist": a watch that was broken misses deletions. Whoever creates or deletes lists first,
and everything is compared with fresh lists from time to time.
"""

import threading
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ctrlab_contract.names import ABLATION_LABEL, EXPERIMENT_LABEL
from ctrlab_operator.cluster.client import Manifest
from ctrlab_operator.cluster.resources import ABLATION, EXPERIMENT, JOB, POD, Kind

RECONCILED = (EXPERIMENT, ABLATION)
"""The kinds that are looked at; everything else is a child of one of them."""


class Ref(NamedTuple):
    """An experiment or an ablation by name; the two may share one."""

    namespace: str
    name: str
    kind: Kind = EXPERIMENT

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


def experiment_of(kind: Kind, body: Mapping[str, Any]) -> Ref:
    """The experiment or ablation that an object is, or belongs to."""
    metadata = body["metadata"]
    if kind in RECONCILED:
        return Ref(metadata["namespace"], metadata["name"], kind)
    labels = metadata.get("labels", {})
    if ABLATION_LABEL in labels:
        return Ref(metadata["namespace"], labels[ABLATION_LABEL], ABLATION)
    return Ref(metadata["namespace"], labels.get(EXPERIMENT_LABEL, ""))


class Cache:
    """The last known state of experiments, ablations and their children; safe for threads."""

    def __init__(self) -> None:
        self._objects: dict[Kind, dict[Ref, dict[str, Manifest]]] = {kind: {} for kind in KEPT}
        self._lock = threading.Lock()

    def put(self, kind: Kind, body: Mapping[str, Any]) -> None:
        """Remember an object, unless what is known of it is newer."""
        trimmed = _trimmed(kind, body)
        metadata = trimmed["metadata"]
        with self._lock:
            group = self._objects[kind].setdefault(experiment_of(kind, trimmed), {})
            known = group.get(metadata["name"])
            if known is None or _version(known) <= _version(trimmed):
                group[metadata["name"]] = trimmed

    def drop(self, kind: Kind, body: Mapping[str, Any]) -> None:
        """Forget an object, unless another of its name has come since."""
        ref, metadata = experiment_of(kind, body), body["metadata"]
        with self._lock:
            group = self._objects[kind].get(ref, {})
            known = group.get(metadata["name"])
            if known is not None and known["metadata"].get("uid") == metadata.get("uid"):
                del group[metadata["name"]]
            if not group:
                self._objects[kind].pop(ref, None)

    def known(self, kind: Kind, ref: Ref | None = None) -> dict[str, Manifest]:
        """Objects by uid, of one experiment or of all: to be taken before a list, for `compare` after it."""
        with self._lock:
            groups = [self._objects[kind].get(ref, {})] if ref else list(self._objects[kind].values())
            return {str(body["metadata"].get("uid")): body for group in groups for body in group.values()}

    def compare(self, kind: Kind, before: Mapping[str, Manifest], found: Iterable[Mapping[str, Any]]) -> None:
        """Take in a fresh list; what was known before it and is not in it has been deleted unseen."""
        present = set()
        for body in found:
            present.add(str(body["metadata"].get("uid")))
            self.put(kind, body)
        for uid, body in before.items():
            if uid not in present:
                self.drop(kind, body)

    def experiment(self, ref: Ref) -> Manifest | None:
        """The resource itself."""
        with self._lock:
            return self._objects[ref.kind].get(ref, {}).get(ref.name)

    def ablations_of(self, experiment: Ref) -> list[Ref]:
        """The ablations that name an experiment, which need not exist."""
        with self._lock:
            return [
                ref
                for ref, group in self._objects[ABLATION].items()
                if ref.namespace == experiment.namespace
                and any(_experiment_name(body) == experiment.name for body in group.values())
            ]

    def children(self, kind: Kind, ref: Ref) -> list[Manifest]:
        """Jobs or pods of an experiment, by name."""
        with self._lock:
            return [body for _, body in sorted(self._objects[kind].get(ref, {}).items())]

    def refs(self, kind: Kind = EXPERIMENT) -> set[Ref]:
        """Every experiment or ablation that is known, or that has children of this kind."""
        with self._lock:
            return set(self._objects[kind])


def _trimmed(kind: Kind, body: Mapping[str, Any]) -> Manifest:
    """Without what nobody here reads: pod templates and the record of who owns which field."""
    kept: Manifest = {name: dict(body[name]) for name in KEPT[kind] if body.get(name)}
    kept["metadata"].pop("managedFields", None)
    if kind is JOB:
        kept["spec"].pop("template", None)
    return kept


def _experiment_name(ablation: Manifest) -> str:
    return str(ablation.get("spec", {}).get("experimentRef", {}).get("name", ""))


def _version(body: Manifest) -> int:
    """resourceVersion grows with every write of an object (KEP-5504); another uid is always newer."""
    text = body["metadata"].get("resourceVersion", "0")
    return int(text) if text.isdigit() else 0
