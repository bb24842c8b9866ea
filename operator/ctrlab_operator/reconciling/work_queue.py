"""Work queue: a key is queued at most once, however often it is added, and failed keys are retried with back-off.

As in controller-runtime, a key that is added while a thread processes it is processed again afterwards, never
concurrently.
"""

import heapq
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

BASE_SECONDS = 0.5
MAX_SECONDS = 300.0
JITTER = 0.2
"""Maximum random extension of a delay, as a share, so that a thousand keys do not become due at once."""


class WorkQueue(Generic[K]):
    """A queue of keys; safe for any number of producers and reconcile threads."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, jitter: Callable[[], float] = random.random
    ) -> None:
        """`jitter` returns numbers in [0, 1)."""
        self._clock = clock
        self._jitter = jitter
        self._ready: OrderedDict[K, float] = OrderedDict()
        self._active: dict[K, float] = {}
        self._dirty: set[K] = set()
        self._due: dict[K, float] = {}
        self._timers: list[tuple[float, int, K]] = []
        self._order = 0
        self._failures: dict[K, int] = {}
        self._closed = False
        self._changed = threading.Condition()

    def add(self, key: K) -> None:
        """Add the key; the next free thread takes it."""
        with self._changed:
            self._add(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Add the key after a delay; of several pending delays of a key, the one that ends first counts."""
        with self._changed:
            due = self._clock() + seconds * (1 + JITTER * self._jitter())
            if self._due.get(key, due) < due:
                return
            self._due[key] = due
            self._order += 1
            heapq.heappush(self._timers, (due, self._order, key))
            self._changed.notify()

    def retry(self, key: K, max_seconds: float = MAX_SECONDS) -> float:
        """Add the key after a back-off that doubles with every consecutive failure; return its seconds."""
        with self._changed:
            failures = self._failures[key] = self._failures.get(key, 0) + 1
        delay = min(BASE_SECONDS * 2.0 ** (failures - 1), max_seconds)
        self.add_after(key, delay)
        return delay

    def failures(self, key: K) -> int:
        """Return the number of consecutive failures of the key."""
        with self._changed:
            return self._failures.get(key, 0)

    def reset_failures(self, key: K) -> None:
        """Restart the back-off of the key, after a success."""
        with self._changed:
            self._failures.pop(key, None)

    def take(self) -> K | None:
        """Wait for the next key and return it, or None once the queue is closed; call `done` afterwards."""
        with self._changed:
            while not self._closed:
                self._add_due_keys()
                if self._ready:
                    key, _ = self._ready.popitem(last=False)
                    self._active[key] = self._clock()
                    return key
                self._changed.wait(self._timers[0][0] - self._clock() if self._timers else None)
            return None

    def done(self, key: K) -> None:
        """Mark the work on the key as finished; add it again if it was added meanwhile."""
        with self._changed:
            self._active.pop(key, None)
            if key in self._dirty:
                self._dirty.discard(key)
                self._add(key)

    def close(self) -> None:
        """Shut down: unblock `take()`, which returns None from now on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def depth(self) -> int:
        """Number of keys that wait for a thread."""
        with self._changed:
            return len(self._ready) + len(self._dirty)

    @property
    def longest_active_seconds(self) -> float:
        """Seconds since the oldest work in progress started; 0 while all threads are idle."""
        with self._changed:
            return self._clock() - min(self._active.values()) if self._active else 0.0

    @property
    def oldest_ready_seconds(self) -> float:
        """Seconds for which the first key has waited for a thread; 0 if none waits."""
        with self._changed:
            return self._clock() - next(iter(self._ready.values())) if self._ready else 0.0

    def _add(self, key: K) -> None:
        if key in self._active:
            self._dirty.add(key)
        elif key not in self._ready:
            self._ready[key] = self._clock()
            self._changed.notify()

    def _add_due_keys(self) -> None:
        """Move due keys from the timers to the ready keys; drop timers that a shorter delay replaced."""
        now = self._clock()
        while self._timers and self._timers[0][0] <= now:
            due, _, key = heapq.heappop(self._timers)
            if self._due.get(key) == due:
                del self._due[key]
                self._add(key)
