"""One operator at a time: a Lease that is renewed while the process lives, as Kubernetes' own controllers do it.

A short overlap would be harmless, because children have fixed names; the Lease keeps a second replica from doing every
look twice. Expiry is measured by this process's own clock from when it saw the holder's last renewal.
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
"""Three tries before the Lease runs out."""
GIVE_UP_SECONDS = 10.0
"""Without a renewal for so long the holder stops working, before anybody else may start."""


class LeaderLease:
    """`held` is asked before every look at an experiment."""

    def __init__(
        self,
        api: KubernetesApi,
        namespace: str,
        identity: str,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._identity = identity
        self._clock = clock
        self._now = now
        self._renewed: float | None = None
        self._seen: tuple[str, float] | None = None
        self._stop = threading.Event()

    @property
    def held(self) -> bool:
        """Whether this process may work now."""
        return self._renewed is not None and self._clock() - self._renewed < GIVE_UP_SECONDS

    def run(self, on_acquired: Callable[[], None]) -> None:
        """Acquire and renew until `stop`; `on_acquired` is called each time the Lease changes hands to us."""
        while not self._stop.is_set():
            before = self.held
            try:
                self.step()
            except ApiError as error:
                log.warning("the Lease could not be renewed: %s", error)
            if self.held and not before:
                log.info("holding the Lease as %s", self._identity)
                on_acquired()
            self._stop.wait(RENEW_SECONDS)
        self._release()

    def stop(self) -> None:
        """Let `run` release the Lease and return."""
        self._stop.set()

    def step(self) -> None:
        """One try to acquire or renew."""
        began = self._clock()
        try:
            lease = self._api.get(LEASE, self._namespace, LEASE_NAME)
        except ApiError as error:
            if not error.is_absent:
                raise
            lease = {
                "metadata": {"name": LEASE_NAME, "namespace": self._namespace, "labels": {LEASE_LABEL: "operator"}}
            }
            self._write(lease, began, create=True)
            return
        spec = lease.get("spec", {})
        holder = spec.get("holderIdentity") or ""
        if holder not in ("", self._identity) and not self._has_expired(lease):
            self._renewed = None
            return
        self._write(lease, began, create=False)

    def _has_expired(self, lease: Manifest) -> bool:
        version = str(lease["metadata"].get("resourceVersion"))
        if self._seen is None or self._seen[0] != version:
            self._seen = (version, self._clock())
        return self._clock() - self._seen[1] > DURATION_SECONDS

    def _write(self, lease: Manifest, began: float, *, create: bool) -> None:
        """A conflict means that somebody else was faster."""
        old = lease.get("spec", {})
        moment = self._now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        mine = old.get("holderIdentity") == self._identity
        spec = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": DURATION_SECONDS,
            "acquireTime": old.get("acquireTime", moment) if mine else moment,
            "renewTime": moment,
            "leaseTransitions": int(old.get("leaseTransitions") or 0) + (not mine and not create),
        }
        body = {**lease, "spec": spec}
        try:
            (self._api.create if create else self._api.replace)(LEASE, self._namespace, body)
            self._renewed = began
        except ApiError as error:
            if not error.is_conflict:
                raise
            if not mine:
                self._renewed = None

    def _release(self) -> None:
        """So that a successor need not wait for the end of the duration."""
        if not self.held:
            return
        try:
            lease = self._api.get(LEASE, self._namespace, LEASE_NAME)
            if lease.get("spec", {}).get("holderIdentity") == self._identity:
                lease["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1}
                self._api.replace(LEASE, self._namespace, lease)
        except ApiError as error:
            log.warning("the Lease could not be released: %s", error)
        self._renewed = None
