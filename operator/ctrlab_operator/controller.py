"""The operator's threads (reconciling, leader election, probes), and the handling of watch events.

kopf runs the watches in its own event loop and calls `object_changed` and `object_deleted`, which are fast and cannot
fail. All blocking work (API server, database, bucket) is done in the threads.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ctrlab_api.status_reasons import waits
from ctrlab_operator.blocked import Blocked
from ctrlab_operator.kubernetes_api.api_client import HttpKubernetesApi, KubernetesApi
from ctrlab_operator.kubernetes_api.api_errors import ApiError
from ctrlab_operator.kubernetes_api.object_cache import RECONCILED_KINDS, ObjectCache, ResourceRef, owning_resource
from ctrlab_operator.kubernetes_api.object_kinds import EXPERIMENT, LEASE, ObjectKind
from ctrlab_operator.operator_settings import OperatorSettings
from ctrlab_operator.process.leader_election import RENEW_SECONDS, LeaderLease
from ctrlab_operator.process.probe_server import ProbeServer
from ctrlab_operator.process.prometheus_metrics import Telemetry
from ctrlab_operator.reconciling.reconciler import Reconciler
from ctrlab_operator.reconciling.work_queue import MAX_SECONDS, WorkQueue

log = logging.getLogger(__name__)

RESYNC = ResourceRef("", "*")
"""Queue key of the periodic comparison of the cache with fresh lists."""
WAITING_RETRY_SECONDS = 30.0
"""Longest delay of a retry while the store or the database is away; work continues soon after it is back."""
BLOCKED_RETRY_SECONDS = 60.0
"""Longest delay of a retry while somebody must act: no watch reports that a Secret or a bucket was corrected."""
LIST_RETRY_SECONDS = 2.0
STOP_SECONDS = 15.0
"""Half of a pod's usual grace period."""
HANG_SECONDS = 300.0
"""A longer reconcile counts as hanging, and so do watches that have not even delivered the Lease's renewals."""


class Controller:
    """Everything in one operator process except kopf."""

    def __init__(
        self,
        settings: OperatorSettings,
        api: KubernetesApi | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.telemetry = Telemetry()
        self.api = api or HttpKubernetesApi.connect(self.telemetry.count_request)
        self.cache = ObjectCache()
        self.queue: WorkQueue[ResourceRef] = WorkQueue(clock)
        self.lease = LeaderLease(self.api, settings.pod_namespace, settings.pod_name, settings.pod_uid, clock)
        self.reconciler = Reconciler(self.api, self.cache, settings)
        self._clock = clock
        self._last_event = clock()
        self._is_listed = threading.Event()
        self._is_listing = False
        self._is_stopped = threading.Event()
        self.telemetry.add_gauges(self.cache, self.queue, self.watch_age_seconds)
        self.probes = ProbeServer(settings.port, self.telemetry.registry, self.liveness_problem, self.readiness_problem)
        self.threads = [
            threading.Thread(target=self._reconcile_until_closed, name=f"reconcile-{number}", daemon=True)
            for number in range(settings.reconcile_workers)
        ]
        self.threads.append(
            threading.Thread(target=self.lease.run, args=(self._on_lease_acquired,), name="lease", daemon=True)
        )

    def start(self) -> None:
        """Start the threads; call it once, before the watches begin."""
        for thread in self.threads:
            thread.start()
        self.probes.start()

    def stop(self) -> None:
        """Finish the running reconciles and release the Lease; abandon threads that hang."""
        deadline = time.monotonic() + STOP_SECONDS
        self._is_stopped.set()
        self.queue.close()
        self.lease.stop()
        for thread in self.threads:
            thread.join(timeout=max(0.0, deadline - time.monotonic()))
        self.probes.stop()

    def object_changed(self, kind: ObjectKind, body: Mapping[str, Any]) -> None:
        """Handle the current state of an object from a watch or from its initial list."""
        self._last_event = self._clock()
        if kind is not LEASE:
            if self.lease.is_held:  # otherwise every replica would count the same work
                self.telemetry.work.observe(kind, self.cache.child(kind, body), body)
            # The operator's own writes come back, and the initial list repeats the cache: neither is a change.
            self._enqueue(kind, body, is_change=self.cache.put(kind, body))

    def object_deleted(self, kind: ObjectKind, body: Mapping[str, Any]) -> None:
        """Handle the deletion of an object."""
        self._last_event = self._clock()
        if kind is not LEASE:
            self.cache.remove(kind, body)
            self._enqueue(kind, body, is_change=True)

    def watch_age_seconds(self) -> float:
        """Return the seconds since the last event of any watch; the renewals of the Lease keep it small."""
        return self._clock() - self._last_event

    def liveness_problem(self) -> str | None:
        """Return what hangs, for the liveness probe."""
        running = self.queue.longest_active_seconds
        if running > HANG_SECONDS:
            return f"a reconcile has been running for {running:.0f} s"
        if self.lease.is_held and self.watch_age_seconds() > HANG_SECONDS:
            return f"no watch event for {self.watch_age_seconds():.0f} s"
        dead = [thread.name for thread in self.threads if not thread.is_alive()]
        return f"threads have ended: {', '.join(dead)}" if dead else None

    def readiness_problem(self) -> str | None:
        """Return what hangs, for the readiness probe; a replica that waits for the Lease is ready as well."""
        return self.liveness_problem()

    def list_all(self) -> None:
        """Fill the cache from lists, with retries, and enqueue every resource.

        It runs before the first reconcile: the watches deliver Jobs and pods in any order, and a Job whose pods are
        not cached yet would appear to have none.
        """
        while not self._is_listed.is_set() and not self._is_stopped.is_set():
            try:
                self.reconciler.resync()
                self._is_listed.set()
            except Exception:
                log.exception("the initial list failed")
                self._is_stopped.wait(LIST_RETRY_SECONDS)
        self._enqueue_all()

    def reconcile_next(self) -> bool:
        """Wait for the next key and reconcile it; return False once the queue is closed."""
        ref = self.queue.take()
        if ref is None:
            return False
        try:
            if not self.lease.is_held:  # it may be lost for a moment only, and no event would enqueue the key again
                self.queue.add_after(ref, RENEW_SECONDS)
            elif self._is_listed.is_set():  # `list_all` enqueues every resource when it ends
                self._reconcile(ref)
        finally:
            self.queue.done(ref)
        return True

    def _enqueue(self, kind: ObjectKind, body: Mapping[str, Any], *, is_change: bool) -> None:
        """Enqueue the resource that an object belongs to; for an experiment, always its waiting ablations as well."""
        ref = owning_resource(kind, body)
        if is_change:
            self.queue.add(ref)
        if kind == EXPERIMENT:
            for ablation in self.cache.ablations_of(ref):
                self.queue.add(ablation)

    def _enqueue_all(self) -> None:
        for kind in RECONCILED_KINDS:
            for ref in self.cache.refs(kind):
                self.queue.add(ref)
        self.queue.add_after(RESYNC, self.settings.resync_seconds)

    def _on_lease_acquired(self) -> None:
        """Reconcile everything, because it may have changed while another replica held the Lease."""
        if self._is_listed.is_set():
            self._enqueue_all()
        elif not self._is_listing:  # the Lease may have been lost and acquired again meanwhile
            self._is_listing = True
            threading.Thread(target=self.list_all, name="initial list", daemon=True).start()

    def _reconcile_until_closed(self) -> None:
        while self.reconcile_next():
            pass

    def _reconcile(self, ref: ResourceRef) -> None:
        """Reconcile one key; no error ends the thread or loses the key."""
        with self.telemetry.reconcile_seconds.time():
            try:
                next_seconds = self._resync() if ref == RESYNC else self.reconciler.reconcile(ref)
                self.queue.reset_failures(ref)
                if next_seconds is not None:
                    self.queue.add_after(ref, next_seconds)
            except Blocked as blocked:
                self._handle_blocked(ref, blocked)
            except ApiError as error:
                self._retry(ref, f"api_{error.status}", error)
            except Exception as error:
                log.exception("unexpected error", extra={"experiment": str(ref)})
                self._retry(ref, "unexpected", error)

    def _resync(self) -> float:
        for ref in self.reconciler.resync():
            self.queue.add(ref)
        return self.settings.resync_seconds

    def _handle_blocked(self, ref: ResourceRef, blocked: Blocked) -> None:
        is_new = not self.reconciler.has_status(ref)  # a user must see at once that the operator works on a resource
        if is_new or self.queue.failures(ref) >= blocked.tolerated_failures:
            try:
                self.reconciler.report_blocked(ref, blocked)
            except ApiError as error:
                log.warning("the status could not be written: %s", error, extra={"experiment": str(ref)})
        self._retry(
            ref, blocked.reason, blocked, WAITING_RETRY_SECONDS if waits(blocked.reason) else BLOCKED_RETRY_SECONDS
        )

    def _retry(self, ref: ResourceRef, reason: str, error: Exception, max_seconds: float = MAX_SECONDS) -> None:
        self.telemetry.reconcile_errors.labels(reason).inc()
        delay = self.queue.retry(ref, max_seconds)
        log.warning("%s; retry in %.1f s", error, delay, extra={"experiment": str(ref), "reason": reason})
