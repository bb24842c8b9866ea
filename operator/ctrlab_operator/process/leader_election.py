"""Leader election: only the replica that renews the Lease reconciles, as in Kubernetes' built-in controllers.

A short overlap would be harmless, because children have fixed names; the Lease keeps a second replica from repeating
every reconcile. Expiry is measured with the local clock, from the first observation of the last renewal.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from ctrlab_api.names import GROUP
from ctrlab_operator.kubernetes_api.api_client import KubernetesApi, Manifest
from ctrlab_operator.kubernetes_api.api_errors import ApiError
from ctrlab_operator.kubernetes_api.object_kinds import LEASE

log = logging.getLogger(__name__)

LEASE_NAME = "ctrlab-operator"
LEASE_LABEL = f"{GROUP}/lease"
DURATION_SECONDS = 15
RENEW_SECONDS = 5.0
"""Interval of renewals; three attempts before the Lease expires."""
RENEW_DEADLINE_SECONDS = 10.0
"""Seconds without a renewal after which the holder stops reconciling, before another replica may start."""


class LeaderLease:
    """The Lease of the operator; check `is_held` before every reconcile."""

    def __init__(
        self,
        api: KubernetesApi,
        namespace: str,
        identity: str,
        pod_uid: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`identity` is the pod's name, and `pod_uid` its uid: a Lease whose pod is deleted is deleted as well.

        The operator cannot release its Lease while Helm uninstalls it, because its rights are deleted first. `clock`
        measures durations; `now` is written into the Lease.
        """
        self._api = api
        self._namespace = namespace
        self._identity = identity
        self._owners = [{"apiVersion": "v1", "kind": "Pod", "name": identity, "uid": pod_uid}] if pod_uid else []
        self._clock = clock
        self._now = now
        self._renewed_at: float | None = None
        self._observed_version: tuple[str, float] | None = None
        self._stop = threading.Event()

    @property
    def is_held(self) -> bool:
        """Whether this process may reconcile now."""
        return self._renewed_at is not None and self._clock() - self._renewed_at < RENEW_DEADLINE_SECONDS

    def run(self, on_acquired: Callable[[], None]) -> None:
        """Acquire and renew the Lease until `stop`; call `on_acquired` whenever this process becomes the holder."""
        while not self._stop.is_set():
            was_held = self.is_held
            try:
                self.acquire_or_renew()
            except ApiError as error:
                log.warning("the Lease could not be renewed: %s", error)
            if self.is_held and not was_held:
                log.info("acquired the Lease as %s", self._identity)
                on_acquired()
            self._stop.wait(RENEW_SECONDS)
        self._release()

    def stop(self) -> None:
        """Make `run` release the Lease and return."""
        self._stop.set()

    def acquire_or_renew(self) -> None:
        """Try once to acquire or renew the Lease."""
        started = self._clock()
        try:
            lease = self._api.get(LEASE, self._namespace, LEASE_NAME)
        except ApiError as error:
            if not error.is_not_found:
                raise
            metadata = {"name": LEASE_NAME, "namespace": self._namespace, "labels": {LEASE_LABEL: "operator"}}
            self._write({"metadata": metadata}, started, create=True)
            return
        holder = lease.get("spec", {}).get("holderIdentity") or ""
        if holder not in ("", self._identity) and not self._has_expired(lease):
            self._renewed_at = None
            return
        self._write(lease, started, create=False)

    def _has_expired(self, lease: Manifest) -> bool:
        version = str(lease["metadata"].get("resourceVersion"))
        if self._observed_version is None or self._observed_version[0] != version:
            self._observed_version = (version, self._clock())
        return self._clock() - self._observed_version[1] > DURATION_SECONDS

    def _write(self, lease: Manifest, started: float, *, create: bool) -> None:
        """Write the Lease; a conflict means that another replica was faster."""
        old = lease.get("spec", {})
        now = self._now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        is_renewal = old.get("holderIdentity") == self._identity
        spec = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": DURATION_SECONDS,
            "acquireTime": old.get("acquireTime", now) if is_renewal else now,
            "renewTime": now,
            "leaseTransitions": int(old.get("leaseTransitions") or 0) + (not is_renewal and not create),
        }
        body = {**lease, "metadata": {**lease["metadata"], "ownerReferences": self._owners}, "spec": spec}
        try:
            (self._api.create if create else self._api.replace)(LEASE, self._namespace, body)
            self._renewed_at = started
        except ApiError as error:
            if not error.is_conflict:
                raise
            if not is_renewal:
                self._renewed_at = None

    def _release(self) -> None:
        """Release the Lease, so that a successor does not wait until it expires."""
        if not self.is_held:
            return
        try:
            lease = self._api.get(LEASE, self._namespace, LEASE_NAME)
            if lease.get("spec", {}).get("holderIdentity") == self._identity:
                lease["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1}
                self._api.replace(LEASE, self._namespace, lease)
        except ApiError as error:
            log.warning("the Lease could not be released: %s", error)
        self._renewed_at = None
