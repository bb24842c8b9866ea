"""The operator's threads: reconciling workers, the Lease, the probes; and what the watches tell them.

kopf runs the watches in its own event loop and calls `saw` and `gone`, which are quick and cannot fail; everything that
waits (API server, database, bucket) happens here.
"""

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

from ctrlab_operator.connections.connection_pool import ConnectionPool
from ctrlab_operator.kubernetes_api.api_client import HttpKubernetesApi, KubernetesApi
from ctrlab_operator.kubernetes_api.api_errors import ApiError, Blocked
from ctrlab_operator.kubernetes_api.object_cache import (
    RECONCILED_KINDS,
    ObjectCache,
    ResourceRef,
    experiment_of,
)
from ctrlab_operator.kubernetes_api.object_kinds import EXPERIMENT, LEASE, ObjectKind
from ctrlab_operator.operator_settings import Settings
from ctrlab_operator.process.leader_election import RENEW_SECONDS, LeaderLease
from ctrlab_operator.process.probe_server import ProbeServer
from ctrlab_operator.process.prometheus_metrics import Telemetry
from ctrlab_operator.reconciling.reconciler import Reconciler
from ctrlab_operator.reconciling.work_queue import WorkQueue

log = logging.getLogger(__name__)

RESYNC = ResourceRef("", "*")
"""The key that stands for comparing everything with fresh lists."""
LIST_AGAIN_SECONDS = 2.0
STOP_SECONDS = 15.0
"""Half of a pod's usual grace period."""
STUCK_SECONDS = 300.0
"""A look that takes longer hangs, and so do the watches if not even our own Lease's renewal was seen for so long."""


class Controller:
    """Everything of one operator process but kopf."""

    def __init__(self, settings: Settings, api: KubernetesApi | None = None) -> None:
        self.settings = settings
        self.telemetry = Telemetry()
        self.api = api or HttpKubernetesApi.connect(self.telemetry.count_request)
        self.cache = ObjectCache()
        self.queue: WorkQueue[ResourceRef] = WorkQueue()
        self.lease = LeaderLease(self.api, settings.own_namespace, settings.identity)
        self.reconciler = Reconciler(self.api, self.cache, ConnectionPool(self.api, settings), settings)
        self._last_event = time.monotonic()
        self._listed = threading.Event()
        self._is_listing = False
        self.telemetry.watch(self.cache, self.queue, self.watch_age)
        self.probes = ProbeServer(settings.port, self.telemetry.registry, self.alive, self.ready)
        self._threads = [
            threading.Thread(target=self._work, name=f"reconcile-{number}", daemon=True)
            for number in range(settings.workers)
        ]
        self._threads.append(threading.Thread(target=self.lease.run, args=(self._begin,), name="lease", daemon=True))

    def start(self) -> None:
        """Called once, before the watches begin."""
        for thread in self._threads:
            thread.start()
        self.probes.start()

    def stop(self) -> None:
        """Finish the looks that are going on, release the Lease; what hangs is left behind."""
        deadline = time.monotonic() + STOP_SECONDS
        self.queue.close()
        self.lease.stop()
        for thread in self._threads:
            thread.join(timeout=max(0.0, deadline - time.monotonic()))
        self.probes.stop()

    def saw(self, kind: ObjectKind, body: Mapping[str, Any]) -> None:
        """A watch or its first list shows an object as it is."""
        self._last_event = time.monotonic()
        if kind is not LEASE:
            # Our own writes come back, and at the start what was listed: neither is news.
            self._mark(kind, body, is_news=self.cache.put(kind, body))

    def gone(self, kind: ObjectKind, body: Mapping[str, Any]) -> None:
        """A watch tells of a deletion."""
        self._last_event = time.monotonic()
        if kind is not LEASE:
            self.cache.drop(kind, body)
            self._mark(kind, body, is_news=True)

    def watch_age(self) -> float:
        """Seconds since any watch told anything; our own Lease is renewed every few seconds, so it stays small."""
        return time.monotonic() - self._last_event

    def alive(self) -> str | None:
        """For the liveness probe: what hangs."""
        if self.queue.longest_active > STUCK_SECONDS:
            return f"a look at an experiment has been going on for {self.queue.longest_active:.0f} s"
        if self.lease.held and self.watch_age() > STUCK_SECONDS:
            return f"no watch has told anything for {self.watch_age():.0f} s"
        dead = [thread.name for thread in self._threads if not thread.is_alive()]
        return f"the threads {', '.join(dead)} have ended" if dead else None

    def ready(self) -> str | None:
        """For the readiness probe; a second replica that waits for the Lease is ready, too."""
        return self.alive()

    def _mark(self, kind: ObjectKind, body: Mapping[str, Any], *, is_news: bool) -> None:
        """What an object belongs to is dirty, and with an experiment, in any case, the ablations that wait for it."""
        ref = experiment_of(kind, body)
        if is_news:
            self.queue.add(ref)
        if kind == EXPERIMENT:
            for ablation in self.cache.ablations_of(ref):
                self.queue.add(ablation)

    def _begin(self) -> None:
        """The Lease is ours: everything may have changed since somebody else held it."""
        if self._listed.is_set():
            self._mark_all()
        elif not self._is_listing:  # the Lease may be lost and won again meanwhile
            self._is_listing = True
            threading.Thread(target=self._list, name="first list", daemon=True).start()

    def _list(self) -> None:
        """Everything once, before the first look: watches tell of Jobs and of their pods in any order, and a Job whose
        pods are not known yet would look as if it had none."""
        while not self._listed.is_set():
            try:
                self.reconciler.resync()
                self._listed.set()
            except Exception:
                log.exception("not everything could be listed")
                time.sleep(LIST_AGAIN_SECONDS)
        self._mark_all()

    def _mark_all(self) -> None:
        for kind in RECONCILED_KINDS:
            for ref in self.cache.refs(kind):
                self.queue.add(ref)
        self.queue.add_after(RESYNC, self.settings.resync_seconds)

    def _work(self) -> None:
        while (ref := self.queue.take()) is not None:
            try:
                if not self.lease.held:  # perhaps for a moment only, and then nobody would look at it again
                    self.queue.add_after(ref, RENEW_SECONDS)
                elif self._listed.is_set():  # otherwise it is marked at the end of the list
                    self._look(ref)
            finally:
                self.queue.done(ref)

    def _look(self, ref: ResourceRef) -> None:
        """One key; whatever happens, the worker goes on and the key is not lost."""
        with self.telemetry.reconcile_seconds.time():
            try:
                if ref == RESYNC:
                    again: float | None = self.settings.resync_seconds
                    for known in self.reconciler.resync():
                        self.queue.add(known)
                else:
                    again = self.reconciler.reconcile(ref)
                self.queue.succeed(ref)
                if again is not None:
                    self.queue.add_after(ref, again)
            except Blocked as problem:
                self._blocked(ref, problem)
            except ApiError as error:
                self._failed(ref, f"api_{error.status}", error)
            except Exception as error:
                log.exception("unexpected", extra={"experiment": str(ref)})
                self._failed(ref, "unexpected", error)

    def _blocked(self, ref: ResourceRef, problem: Blocked) -> None:
        if self.queue.failures(ref) >= problem.patience:
            try:
                self.reconciler.tell(ref, problem)
            except (ApiError, Blocked) as error:
                log.warning("the status could not be written: %s", error, extra={"experiment": str(ref)})
        self._failed(ref, problem.reason, problem)

    def _failed(self, ref: ResourceRef, reason: str, error: Exception) -> None:
        self.telemetry.reconcile_errors.labels(reason).inc()
        delay = self.queue.retry(ref)
        log.warning("%s; again in %.1f s", error, delay, extra={"experiment": str(ref), "reason": reason})
