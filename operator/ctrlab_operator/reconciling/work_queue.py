"""The work queue: a key waits in it once, however often it was marked dirty, and failures wait ever longer.

As in controller-runtime: a key that is marked while it is worked on is taken again afterwards, never at the same time.
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
CAP_SECONDS = 300.0
JITTER = 0.2
"""Delays are spread by this share, so that a thousand keys do not come back together."""


class WorkQueue(Generic[K]):
    """For any number of threads on both sides."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, spread: Callable[[], float] = random.random
    ) -> None:
        """`spread` gives numbers in [0, 1) for the jitter."""
        self._clock = clock
        self._spread = spread
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
        """Mark the key dirty: it is worked on as soon as a worker is free."""
        with self._changed:
            self._add(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Mark the key dirty later; the earliest of several delays counts."""
        with self._changed:
            due = self._clock() + seconds * (1 + JITTER * self._spread())
            if self._due.get(key, due) < due:
                return
            self._due[key] = due
            self._order += 1
            heapq.heappush(self._timers, (due, self._order, key))
            self._changed.notify()

    def retry(self, key: K) -> float:
        """Mark the key dirty after a back-off that doubles with every failure in a row; returns the seconds."""
        with self._changed:
            failures = self._failures[key] = self._failures.get(key, 0) + 1
        delay = min(BASE_SECONDS * 2.0 ** (failures - 1), CAP_SECONDS)
        self.add_after(key, delay)
        return delay

    def failures(self, key: K) -> int:
        """How often the key has failed in a row."""
        with self._changed:
            return self._failures.get(key, 0)

    def succeed(self, key: K) -> None:
        """The next failure of the key is the first again."""
        with self._changed:
            self._failures.pop(key, None)

    def take(self) -> K | None:
        """The next key, waited for; None once the queue is closed. `done` must follow."""
        with self._changed:
            while not self._closed:
                self._promote()
                if self._ready:
                    key, _ = self._ready.popitem(last=False)
                    self._active[key] = self._clock()
                    return key
                wait = self._timers[0][0] - self._clock() if self._timers else None
                self._changed.wait(wait)
            return None

    def done(self, key: K) -> None:
        """The worker has ended with the key."""
        with self._changed:
            self._active.pop(key, None)
            if key in self._dirty:
                self._dirty.discard(key)
                self._add(key)

    def close(self) -> None:
        """Send the workers home."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def depth(self) -> int:
        """Keys that could be worked on now."""
        with self._changed:
            return len(self._ready) + len(self._dirty)

    @property
    def longest_active(self) -> float:
        """For how many seconds a worker has been at its key; 0 while all are free."""
        with self._changed:
            return self._clock() - min(self._active.values()) if self._active else 0.0

    @property
    def oldest_ready(self) -> float:
        """For how many seconds the first key has been waiting for a worker."""
        with self._changed:
            return self._clock() - next(iter(self._ready.values())) if self._ready else 0.0

    def _add(self, key: K) -> None:
        if key in self._active:
            self._dirty.add(key)
        elif key not in self._ready:
            self._ready[key] = self._clock()
            self._changed.notify()

    def _promote(self) -> None:
        """Move what is due from the timers to the ready keys; a timer that was overtaken is dropped."""
        now = self._clock()
        while self._timers and self._timers[0][0] <= now:
            due, _, key = heapq.heappop(self._timers)
            if self._due.get(key) == due:
                del self._due[key]
                self._add(key)
