"""The work queue: deduplication, delays, back-off, shutdown."""

import threading

import pytest

from ctrlab_operator.reconciling.work_queue import WorkQueue


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> WorkQueue[str]:
    return WorkQueue(clock, jitter=lambda: 0.0)


def test_a_key_waits_once_however_often_it_is_added(queue: WorkQueue[str]) -> None:
    for _ in range(3):
        queue.add("a")
    queue.add("b")
    assert queue.depth == 2
    assert [queue.take(), queue.take()] == ["a", "b"]


def test_a_key_that_is_added_while_it_is_worked_on_is_taken_again_and_never_concurrently(
    queue: WorkQueue[str],
) -> None:
    queue.add("a")
    assert queue.take() == "a"
    queue.add("a")
    queue.add("b")
    assert queue.take() == "b"
    queue.done("a")
    assert queue.take() == "a"


def test_consecutive_failures_double_the_delay_up_to_a_maximum(queue: WorkQueue[str]) -> None:
    delays = [queue.retry("a") for _ in range(12)]
    assert delays[:4] == [0.5, 1.0, 2.0, 4.0]
    assert delays[-1] == 300.0
    queue.reset_failures("a")
    assert queue.retry("a") == 0.5


def test_the_shortest_of_several_delays_counts(queue: WorkQueue[str], clock: Clock) -> None:
    queue.add_after("a", 60)
    queue.add_after("a", 5)
    queue.add_after("a", 30)
    clock.now += 5
    assert queue.take() == "a"
    queue.done("a")
    clock.now += 100
    queue.add("b")
    assert queue.take() == "b", "replaced delays are dropped"
    assert queue.depth == 0


def test_closing_unblocks_waiting_threads(queue: WorkQueue[str]) -> None:
    taken: list[str | None] = []
    thread = threading.Thread(target=lambda: taken.append(queue.take()))
    thread.start()
    queue.close()
    thread.join(timeout=10)
    assert taken == [None]


def test_ages_show_work_that_hangs(queue: WorkQueue[str], clock: Clock) -> None:
    queue.add("a")
    queue.add("b")
    clock.now += 3
    assert queue.oldest_ready_seconds == 3
    queue.take()
    clock.now += 7
    assert queue.longest_active_seconds == 7
    queue.done("a")
    assert queue.longest_active_seconds == 0
