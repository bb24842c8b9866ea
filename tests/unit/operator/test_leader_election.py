"""Two operators, one Lease: who may work, and when the other one takes over."""

from typing import Any

import pytest

from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.kubernetes_api.api_errors import ApiError
from ctrlab_operator.kubernetes_api.object_kinds import ObjectKind
from ctrlab_operator.process.leader_election import LeaderLease


class OneLease:
    """The part of an API server that a Lease needs, with versions and conflicts."""

    def __init__(self) -> None:
        self.body: Manifest | None = None
        self.is_down = False

    def get(self, kind: ObjectKind, namespace: str, name: str) -> Manifest:
        self._answer()
        if self.body is None:
            raise ApiError(404, "NotFound", name)
        return {**self.body, "metadata": dict(self.body["metadata"]), "spec": dict(self.body["spec"])}

    def create(self, kind: ObjectKind, namespace: str, body: Manifest) -> Manifest:
        self._answer()
        if self.body is not None:
            raise ApiError(409, "AlreadyExists", "lease")
        return self._keep(body, 1)

    def replace(self, kind: ObjectKind, namespace: str, body: Manifest) -> Manifest:
        self._answer()
        assert self.body is not None
        if body["metadata"]["resourceVersion"] != self.body["metadata"]["resourceVersion"]:
            raise ApiError(409, "Conflict", "lease")
        return self._keep(body, int(body["metadata"]["resourceVersion"]) + 1)

    def _answer(self) -> None:
        if self.is_down:
            raise ApiError(0, "Unreachable", "no answer")

    def _keep(self, body: Manifest, version: int) -> Manifest:
        self.body = {**body, "metadata": {**body["metadata"], "resourceVersion": str(version)}}
        return self.body


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server() -> OneLease:
    return OneLease()


def operator(name: str, server: Any, clock: Clock) -> LeaderLease:
    return LeaderLease(server, "ctrlab", name, clock)


def test_the_first_holds_it_and_the_second_waits(server: OneLease, clock: Clock) -> None:
    first, second = operator("a", server, clock), operator("b", server, clock)
    first.step()
    second.step()
    assert (first.held, second.held) == (True, False)


def test_a_holder_that_dies_is_followed_after_the_duration_as_the_other_saw_it(server: OneLease, clock: Clock) -> None:
    first, second = operator("a", server, clock), operator("b", server, clock)
    first.step()
    clock.now = 100
    second.step()
    assert not second.held, "when the renewal was is known to the holder's clock alone"
    clock.now = 116
    second.step()
    assert second.held
    assert server.body is not None
    assert server.body["spec"]["leaseTransitions"] == 1


def test_a_holder_that_cannot_renew_stops_before_anybody_may_follow(server: OneLease, clock: Clock) -> None:
    first = operator("a", server, clock)
    first.step()
    server.is_down = True
    clock.now = 9
    with pytest.raises(ApiError):
        first.step()
    assert first.held
    clock.now = 11
    assert not first.held


def test_of_two_that_follow_at_once_one_loses(server: OneLease, clock: Clock) -> None:
    first, second = operator("a", server, clock), operator("b", server, clock)
    first.step()
    stale = server.get(ObjectKind("", "", ""), "", "")
    first.step()
    server.get = lambda kind, namespace, name: {**stale, "spec": {**stale["spec"], "holderIdentity": ""}}  # type: ignore[method-assign]
    second.step()
    assert not second.held


def test_a_restarted_pod_of_the_same_name_goes_on_at_once(server: OneLease, clock: Clock) -> None:
    operator("a", server, clock).step()
    again = operator("a", server, clock)
    again.step()
    assert again.held
