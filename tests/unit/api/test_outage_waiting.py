"""Waiting for an unavailable service: growing pauses, a limit, rare log lines; simulated time."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from ctrlab_api.errors import InvalidSpec, ServiceUnavailable
from ctrlab_api.outage_waiting import DENIED_SECONDS, LOG_SECONDS, OutagePatience


@dataclass
class Outage:
    """A service that is unavailable until `ends`, and the time of the process that waits for it."""

    ends: float
    longest_wait: float = float("inf")
    now: float = 1000.0
    pauses: list[float] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def request(self) -> str:
        if self.now < 1000 + self.ends:
            raise ServiceUnavailable("no route to the store", longest_wait=self.longest_wait)
        return "content"

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def patience(self, seconds: float, stop: Callable[[], bool] = lambda: False) -> OutagePatience:
        return OutagePatience(seconds, stop, lambda: self.now, self.sleep, self.lines.append)


@pytest.mark.parametrize("seconds", [0.0, 3.0, 60.0, 590.0])
def test_an_outage_within_the_patience_is_only_a_delay(seconds: float) -> None:
    outage = Outage(ends=seconds)
    assert outage.patience(600).wait_out(outage.request) == "content"
    assert outage.now - 1000 < seconds + 15


def test_pauses_grow_and_stay_bounded() -> None:
    outage = Outage(ends=300)
    outage.patience(600).wait_out(outage.request)
    assert outage.pauses[0] < 1 < max(outage.pauses) <= 15
    assert len(outage.pauses) < 60


def test_a_longer_outage_ends_with_its_cause_and_its_beginning() -> None:
    outage = Outage(ends=3600)
    with pytest.raises(ServiceUnavailable, match=r"no route to the store \(unavailable since 20"):
        outage.patience(120).wait_out(outage.request)
    assert outage.now - 1000 == pytest.approx(120)


def test_a_rejected_credential_is_not_waited_for_as_long_because_only_a_new_process_reads_the_new_one() -> None:
    outage = Outage(ends=3600, longest_wait=DENIED_SECONDS)
    with pytest.raises(ServiceUnavailable):
        outage.patience(600).wait_out(outage.request)
    assert outage.now - 1000 == pytest.approx(DENIED_SECONDS)


def test_nested_waits_do_not_add_up() -> None:
    outage = Outage(ends=3600)
    patience = outage.patience(100)
    with pytest.raises(ServiceUnavailable):
        patience.wait_out(lambda: patience.wait_out(outage.request))
    assert outage.now - 1000 == pytest.approx(100)


def test_a_line_is_logged_once_in_a_while_and_not_for_a_short_outage() -> None:
    short, long = Outage(ends=3), Outage(ends=10 * LOG_SECONDS)
    for outage in (short, long):
        outage.patience(3600).wait_out(outage.request)
    assert short.lines == []
    assert 8 <= len(long.lines) <= 12
    assert "no route to the store" in long.lines[0]


def test_a_process_that_was_told_to_stop_does_not_wait() -> None:
    outage = Outage(ends=3600)
    with pytest.raises(ServiceUnavailable):
        outage.patience(600, stop=lambda: outage.now > 1005).wait_out(outage.request)
    assert outage.now - 1000 < 20


def test_other_errors_are_not_repeated() -> None:
    calls: list[int] = []

    def fail() -> None:
        calls.append(1)
        raise KeyError("a defect")

    with pytest.raises(KeyError):
        OutagePatience(600).wait_out(fail)
    assert calls == [1]


def test_the_limit_is_a_variable() -> None:
    assert OutagePatience.from_environment(environment={"CTRLAB_OUTAGE_SECONDS": "30"}).seconds == 30
    assert OutagePatience.from_environment(environment={}).seconds == 600
    for text in ("soon", "-1", "inf", "nan"):
        with pytest.raises(InvalidSpec, match="CTRLAB_OUTAGE_SECONDS: expected a number of seconds"):
            OutagePatience.from_environment(environment={"CTRLAB_OUTAGE_SECONDS": text})
