"""A store whose requests wait while the store is unavailable.

Every request of the protocol is idempotent. A write whose response was lost succeeds when it is repeated, because the
object has the same content.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from ctrlab_api.outage_waiting import OutagePatience
from ctrlab_store.protocol import Store

T = TypeVar("T")


@dataclass(frozen=True)
class WaitingStore:
    """Another store, with patience."""

    store: Store
    patience: OutagePatience

    @property
    def uri(self) -> str:
        """See `Store.uri`."""
        return self.store.uri

    def get(self, key: str) -> bytes:
        """See `Store.get`."""
        return self._wait(lambda: self.store.get(key))

    def put(self, key: str, data: bytes) -> None:
        """See `Store.put`."""
        self._wait(lambda: self.store.put(key, data))

    def replace(self, key: str, data: bytes) -> None:
        """See `Store.replace`."""
        self._wait(lambda: self.store.replace(key, data))

    def exists(self, key: str) -> bool:
        """See `Store.exists`."""
        return self._wait(lambda: self.store.exists(key))

    def list(self, prefix: str) -> list[str]:
        """See `Store.list`."""
        return self._wait(lambda: self.store.list(prefix))

    def put_folder(self, prefix: str, folder: Path) -> None:
        """See `Store.put_folder`."""
        self._wait(lambda: self.store.put_folder(prefix, folder))

    def local_folder(self, prefix: str) -> Path:
        """See `Store.local_folder`."""
        return self._wait(lambda: self.store.local_folder(prefix))

    def below(self, prefix: str) -> "WaitingStore":
        """See `Store.below`."""
        return WaitingStore(self.store.below(prefix), self.patience)

    def _wait(self, request: Callable[[], T]) -> T:
        return self.patience.wait_out(request)


def waiting_at_least(store: Store, seconds: float) -> Store:
    """Return the store with a patience of at least `seconds`; a store that does not wait stays as it is."""
    if not isinstance(store, WaitingStore) or store.patience.seconds >= seconds:
        return store
    return WaitingStore(store.store, replace(store.patience, seconds=seconds))


def without_waiting(store: Store) -> Store:
    """Return the store whose requests fail at once while it is unavailable."""
    return store.store if isinstance(store, WaitingStore) else store


def with_patience_of(other: Store, store: Store) -> Store:
    """Return `store` with the patience of `other`, if that waits."""
    return WaitingStore(store, other.patience) if isinstance(other, WaitingStore) else store
