"""Leader election between two operators: which one may work, and when the other takes over."""

import pytest
from fake_api_server.in_process_api import InProcessApi
from fake_api_server.injected_faults import Fault
from fake_api_server.served_kinds import served_kind

from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.kubernetes_api.api_errors import ApiError
from ctrlab_operator.kubernetes_api.object_kinds import LEASE, POD
from ctrlab_operator.process.leader_election import LEASE_NAME, LeaderLease


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def api() -> InProcessApi:
    return InProcessApi()


def replica(name: str, api: InProcessApi, clock: Clock) -> LeaderLease:
    pods = [pod for pod in api.list(POD, "ctrlab") if pod["metadata"]["name"] == name]
    pod = pods[0] if pods else api.create(POD, "ctrlab", {"metadata": {"name": name}, "spec": {}})
    return LeaderLease(api, "ctrlab", name, pod["metadata"]["uid"], clock)


def stored_lease(api: InProcessApi) -> Manifest:
    return api.get(LEASE, "ctrlab", LEASE_NAME)


def test_the_first_replica_holds_the_lease_and_the_second_waits(api: InProcessApi, clock: Clock) -> None:
    first, second = replica("a", api, clock), replica("b", api, clock)
    first.acquire_or_renew()
    second.acquire_or_renew()
    assert (first.is_held, second.is_held) == (True, False)


def test_a_dead_holder_is_replaced_after_the_duration_measured_by_the_successor(
    api: InProcessApi, clock: Clock
) -> None:
    first, second = replica("a", api, clock), replica("b", api, clock)
    first.acquire_or_renew()
    clock.now = 100
    second.acquire_or_renew()
    assert not second.is_held, "the time of the renewal is on the holder's clock, so the wait starts now"
    clock.now = 116
    second.acquire_or_renew()
    assert second.is_held
    assert stored_lease(api)["spec"]["leaseTransitions"] == 1


def test_a_holder_that_cannot_renew_stops_before_a_successor_may_start(api: InProcessApi, clock: Clock) -> None:
    first = replica("a", api, clock)
    first.acquire_or_renew()
    api.faults.add(Fault(status=500))
    clock.now = 9
    with pytest.raises(ApiError):
        first.acquire_or_renew()
    assert first.is_held
    clock.now = 11
    assert not first.is_held


def test_one_of_two_simultaneous_successors_loses(
    api: InProcessApi, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = replica("a", api, clock), replica("b", api, clock)
    first.acquire_or_renew()
    stale = stored_lease(api)
    stale["spec"]["holderIdentity"] = ""
    clock.now = 1
    first.acquire_or_renew()
    with monkeypatch.context() as patch:
        patch.setattr(api, "get", lambda kind, namespace, name: stale)
        second.acquire_or_renew()
    assert not second.is_held
    assert stored_lease(api)["spec"]["holderIdentity"] == "a"


def test_a_restarted_pod_with_the_same_name_continues_at_once(api: InProcessApi, clock: Clock) -> None:
    replica("a", api, clock).acquire_or_renew()
    restarted = replica("a", api, clock)
    restarted.acquire_or_renew()
    assert restarted.is_held


def test_the_lease_is_deleted_with_the_pod_of_its_holder(api: InProcessApi, clock: Clock) -> None:
    first, second = replica("a", api, clock), replica("b", api, clock)
    first.acquire_or_renew()
    pod = api.get(POD, "ctrlab", "a")
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": pod["metadata"]["uid"]}
    assert stored_lease(api)["metadata"]["ownerReferences"] == [owner]
    clock.now = 100
    second.acquire_or_renew()
    clock.now = 116
    second.acquire_or_renew()
    assert [reference["name"] for reference in stored_lease(api)["metadata"]["ownerReferences"]] == ["b"]
    api.objects.delete(served_kind("v1", "pods"), "ctrlab", "a", None, at_once=True)
    assert stored_lease(api)["spec"]["holderIdentity"] == "b"
    api.objects.delete(served_kind("v1", "pods"), "ctrlab", "b", None, at_once=True)
    with pytest.raises(ApiError, match="not found"):
        stored_lease(api)


def test_outside_of_a_cluster_nothing_owns_the_lease(api: InProcessApi, clock: Clock) -> None:
    LeaderLease(api, "ctrlab", "laptop", None, clock).acquire_or_renew()
    assert not stored_lease(api)["metadata"].get("ownerReferences")
