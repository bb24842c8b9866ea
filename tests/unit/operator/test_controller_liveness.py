"""The controller: health problems, and that no resource is reconciled too early or forgotten."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from builders import small_spec
from fake_api_server.in_process_api import InProcessApi
from fake_api_server.injected_faults import Fault

from ctrlab_operator import controller as controller_module
from ctrlab_operator.blocked import Blocked
from ctrlab_operator.controller import HANG_SECONDS, Controller
from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.kubernetes_api.object_cache import ResourceRef
from ctrlab_operator.kubernetes_api.object_kinds import EXPERIMENT, JOB, LEASE
from ctrlab_operator.operator_settings import OperatorSettings

STUDY = ResourceRef("team", "study")


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class RecordingReconciler:
    """Records the reconciled resources; can be made to hang."""

    def __init__(self, controller: Controller) -> None:
        self.resync = controller.reconciler.resync
        self.reconciled: list[ResourceRef] = []
        self.has_started = threading.Event()
        self.may_end = threading.Event()
        self.may_end.set()

    def reconcile(self, ref: ResourceRef) -> float | None:
        self.reconciled.append(ref)
        self.has_started.set()
        self.may_end.wait()
        return None


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def api() -> InProcessApi:
    """A server with one experiment."""
    api = InProcessApi()
    api.create(EXPERIMENT, "team", {"metadata": {"name": "study"}, "spec": small_spec()})
    return api


@pytest.fixture
def controller(api: InProcessApi, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Controller]:
    """A controller whose threads do not run unless the test starts them."""
    monkeypatch.setattr(controller_module, "LIST_RETRY_SECONDS", 0.0)
    settings = OperatorSettings(trainer_image="t", operator_image="o", port=0, reconcile_workers=2)
    controller = Controller(settings, api, clock)
    reconciler: Any = RecordingReconciler(controller)
    controller.reconciler = reconciler
    yield controller
    reconciler.may_end.set()
    controller.queue.close()
    controller.lease.stop()
    for thread in controller.threads:
        if thread.is_alive():
            thread.join()
    controller.probes.stop()


def recorder(controller: Controller) -> RecordingReconciler:
    reconciler: Any = controller.reconciler
    assert isinstance(reconciler, RecordingReconciler)
    return reconciler


def job_event(version: int = 1) -> Manifest:
    labels = {"ctrlab.dev/experiment": "study"}
    metadata = {"name": "job", "namespace": "team", "uid": "job", "resourceVersion": str(version), "labels": labels}
    return {"metadata": metadata, "spec": {"parallelism": 1}}


def start_threads(controller: Controller) -> None:
    """Start the reconcile threads of a controller that holds the Lease and has listed everything."""
    controller.lease.acquire_or_renew()
    controller.list_all()
    for thread in controller.threads:
        thread.start()


def test_nothing_is_reconciled_before_everything_is_listed_and_then_nothing_is_forgotten(
    controller: Controller, api: InProcessApi
) -> None:
    controller.lease.acquire_or_renew()
    controller.object_changed(EXPERIMENT, api.get(EXPERIMENT, "team", "study"))
    assert controller.reconcile_next()
    assert recorder(controller).reconciled == []

    api.faults.add(Fault(status=500, plural="ctrexperiments"))
    controller.list_all()

    assert controller.reconcile_next()
    assert recorder(controller).reconciled == [STUDY]


def test_a_resource_waits_while_another_replica_holds_the_lease(controller: Controller, clock: Clock) -> None:
    controller.list_all()
    assert controller.reconcile_next()
    assert recorder(controller).reconciled == []

    controller.lease.acquire_or_renew()
    clock.now += 6.5

    assert controller.reconcile_next()
    assert recorder(controller).reconciled == [STUDY]


def test_a_cached_version_is_not_a_change(controller: Controller, api: InProcessApi) -> None:
    controller.lease.acquire_or_renew()
    controller.list_all()
    assert controller.reconcile_next()

    controller.object_changed(EXPERIMENT, api.get(EXPERIMENT, "team", "study"))
    assert controller.queue.depth == 0
    controller.object_changed(JOB, job_event())
    assert controller.reconcile_next()
    assert recorder(controller).reconciled == [STUDY, STUDY]


def test_a_reconcile_that_hangs_fails_liveness(controller: Controller, clock: Clock) -> None:
    recorder(controller).may_end.clear()
    start_threads(controller)
    recorder(controller).has_started.wait()
    assert controller.liveness_problem() is None

    clock.now += HANG_SECONDS + 1

    assert controller.liveness_problem() == "a reconcile has been running for 301 s"


def test_silent_watches_fail_liveness_and_an_event_of_the_lease_shows_that_they_work(
    controller: Controller, clock: Clock
) -> None:
    start_threads(controller)
    clock.now += HANG_SECONDS + 1
    controller.lease.acquire_or_renew()
    assert controller.liveness_problem() == "no watch event for 301 s"

    controller.object_changed(LEASE, job_event())

    assert controller.liveness_problem() is None
    assert controller.watch_age_seconds() == 0


def test_a_thread_that_has_ended_fails_liveness(controller: Controller) -> None:
    start_threads(controller)
    controller.queue.close()
    for thread in controller.threads[:-1]:
        thread.join()

    assert controller.liveness_problem() == "threads have ended: reconcile-0, reconcile-1"


class BlockedReconciler:
    """Is always blocked by a database that is away, and records what it reports."""

    def __init__(self, *, has_status: bool) -> None:
        self.reported: list[str] = []
        self._has_status = has_status

    def reconcile(self, ref: ResourceRef) -> float | None:
        raise Blocked("DatabaseUnavailable", "it does not respond", tolerated_failures=2)

    def has_status(self, ref: ResourceRef) -> bool:
        return self._has_status

    def report_blocked(self, ref: ResourceRef, blocked: Blocked) -> None:
        self.reported.append(blocked.reason)


@pytest.mark.parametrize(("has_status", "reports"), [(False, 3), (True, 1)])
def test_a_new_resource_has_a_status_at_once_and_a_short_outage_is_not_reported(
    controller: Controller, has_status: bool, reports: int
) -> None:
    controller.lease.acquire_or_renew()
    controller.list_all()
    reconciler: Any = BlockedReconciler(has_status=has_status)
    controller.reconciler = reconciler
    for _ in range(3):
        controller.queue.add(STUDY)
        assert controller.reconcile_next()
    assert reconciler.reported == ["DatabaseUnavailable"] * reports
