"""What the probes say of the operator's threads, and what is never looked at too early or forgotten."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ctrlab_operator import controller as module
from ctrlab_operator.controller import Controller
from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.kubernetes_api.api_errors import ApiError
from ctrlab_operator.kubernetes_api.object_cache import ResourceRef
from ctrlab_operator.kubernetes_api.object_kinds import EXPERIMENT, JOB, LEASE, ObjectKind
from ctrlab_operator.operator_settings import Settings

STUDY = ResourceRef("team", "study")


class SmallApi:
    """A server with one experiment that takes every Lease; a list can be held back or made to fail."""

    def __init__(self) -> None:
        self.may_list = threading.Event()
        self.may_list.set()
        self.failures = 0

    def get(self, kind: ObjectKind, namespace: str, name: str) -> Manifest:
        raise ApiError(404, "NotFound", "there is none")

    def each(self, kind: ObjectKind, namespace: str | None, selector: str = "") -> Iterator[Manifest]:
        self.may_list.wait(20)
        if self.failures:
            self.failures -= 1
            raise ApiError(500, "InternalError", "not now")
        yield from [body()] if kind == EXPERIMENT else []

    def list(self, kind: ObjectKind, namespace: str | None, selector: str = "", fields: str = "") -> list[Manifest]:
        return list(self.each(kind, namespace, selector))

    def create(self, kind: ObjectKind, namespace: str, body: Manifest) -> Manifest:
        return body

    def replace(self, kind: ObjectKind, namespace: str, body: Manifest) -> Manifest:
        return body

    def apply(
        self, kind: ObjectKind, namespace: str, body: Manifest, *, force: bool, subresource: str | None = None
    ) -> Manifest:
        return body

    def merge(self, kind: ObjectKind, namespace: str, name: str, patch: Manifest) -> Manifest:
        return patch

    def delete(self, kind: ObjectKind, namespace: str, name: str, uid: str) -> None:
        """Nothing is there."""


class Looks:
    """Stands in for the reconciler: remembers what was looked at, and can hang."""

    def __init__(self, controller: Controller) -> None:
        self.resync = controller.reconciler.resync
        self.at: list[ResourceRef] = []
        self.may_end = threading.Event()
        self.may_end.set()

    def reconcile(self, ref: ResourceRef) -> float | None:
        self.at.append(ref)
        self.may_end.wait(20)
        return None


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> SmallApi:
    monkeypatch.setattr(module, "LIST_AGAIN_SECONDS", 0.01)
    return SmallApi()


@pytest.fixture
def controller(api: SmallApi) -> Iterator[Controller]:
    made = Controller(Settings(trainer_image="t", report_image="r", port=0, workers=2), api)
    looks: Any = Looks(made)
    made.reconciler = looks
    yield made
    looks.may_end.set()
    api.may_list.set()
    made.stop()


def looks_of(controller: Controller) -> Looks:
    found: Any = controller.reconciler
    assert isinstance(found, Looks)
    return found


def body(name: str = "study", version: int = 1) -> Manifest:
    labels = {"ctrlab.dev/experiment": "study"}
    metadata = {"name": name, "namespace": "team", "uid": name, "resourceVersion": str(version), "labels": labels}
    return {"metadata": metadata, "spec": {"parallelism": 1}}


def soon(what: Any) -> None:
    deadline = time.monotonic() + 20
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_nothing_is_looked_at_before_everything_was_listed_and_then_nothing_is_forgotten(
    controller: Controller, api: SmallApi
) -> None:
    api.may_list.clear()
    api.failures = 1
    controller.start()
    soon(lambda: controller.lease.held)
    controller.saw(EXPERIMENT, body())
    soon(lambda: controller.queue.depth == 0)
    assert looks_of(controller).at == []

    api.may_list.set()

    soon(lambda: looks_of(controller).at == [STUDY])


def test_what_is_known_already_is_no_news(controller: Controller) -> None:
    controller.start()
    soon(lambda: STUDY in looks_of(controller).at)
    soon(lambda: controller.queue.longest_active == 0 and controller.queue.depth == 0)
    before = len(looks_of(controller).at)

    controller.saw(EXPERIMENT, body())
    assert controller.queue.depth == 0
    controller.saw(JOB, body("job", 2))
    soon(lambda: len(looks_of(controller).at) == before + 1)


def test_a_look_that_hangs_fails_liveness(controller: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    controller.start()
    looks_of(controller).may_end.clear()
    controller.saw(EXPERIMENT, body(version=2))
    soon(lambda: looks_of(controller).at)
    assert controller.alive() is None

    monkeypatch.setattr(module, "STUCK_SECONDS", 0.01)

    soon(lambda: "has been going on" in (controller.alive() or ""))


def test_watches_that_are_silent_fail_liveness_and_our_own_lease_is_heard(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller.start()
    soon(lambda: controller.lease.held)
    monkeypatch.setattr(module, "STUCK_SECONDS", 0.05)
    soon(lambda: "no watch has told anything" in (controller.alive() or ""))

    monkeypatch.setattr(module, "STUCK_SECONDS", 30.0)
    controller.saw(LEASE, body("ctrlab-operator"))

    assert controller.alive() is None
    assert controller.watch_age() < 30


def test_a_thread_that_has_ended_fails_liveness(controller: Controller) -> None:
    controller.start()
    controller.queue.close()

    soon(lambda: "have ended" in (controller.alive() or ""))
