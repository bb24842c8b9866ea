"""Every worker container has requests and limits of CPU and memory, and only phases that compute get devices."""

from typing import Any

import pytest
from builders import make_small_experiment

from ctrlab_api.resources.runtime import Resources, Runtime
from ctrlab_control.planner import Phase
from ctrlab_operator.manifests.container_resources import container_resources
from ctrlab_operator.operator_settings import OperatorSettings

PHASES: tuple[Phase, ...] = ("prepare", "tune", "evaluate", "decide", "report")
DEFAULTS = Resources(requests={"cpu": "250m", "memory": "512Mi"}, limits={"cpu": "4", "memory": "16Gi"})


def resources_of(phase: Phase, runtime: dict[str, Any], defaults: Resources = DEFAULTS) -> dict[str, Any]:
    parsed: Runtime = make_small_experiment(runtime=runtime).spec.runtime
    return container_resources(parsed, phase, defaults)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize(
    "resources",
    [
        {},
        {"requests": {"cpu": "8", "memory": "32Gi"}},
        {"limits": {"memory": "600Mi"}},
        {"requests": {"memory": "1Gi"}, "limits": {"cpu": "100m", "memory": "2Gi"}},
    ],
    ids=["none", "requests", "limits", "both"],
)
def test_every_container_has_requests_and_limits(phase: Phase, resources: dict[str, Any]) -> None:
    result = resources_of(phase, {"resources": resources})
    assert result["limits"].keys() >= {"cpu", "memory"}
    assert (result.get("requests", {}) | result["limits"]).keys() >= {"cpu", "memory"}
    specified = resources.get("limits", {})
    assert {name: result["limits"][name] for name in specified} == specified


def test_a_default_limit_is_not_below_the_request() -> None:
    result = resources_of("tune", {"resources": {"requests": {"cpu": "8", "memory": "32Gi"}}})
    assert result == {"requests": {"cpu": "8", "memory": "32Gi"}, "limits": {"cpu": "8", "memory": "32Gi"}}


def test_a_limit_without_a_request_reserves_the_limit_as_kubernetes_does() -> None:
    result = resources_of("tune", {"resources": {"limits": {"memory": "8Gi"}}})
    assert result == {"requests": {"cpu": "250m"}, "limits": {"cpu": "4", "memory": "8Gi"}}


def test_the_report_has_the_limits_of_the_specification_and_small_requests() -> None:
    result = resources_of("report", {"resources": {"requests": {"memory": "64Gi"}, "limits": {"memory": "80Gi"}}})
    assert result == {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "80Gi"}}
    small = resources_of("report", {"resources": {"limits": {"cpu": "250m", "memory": "512Mi"}}})
    assert small["requests"] == {"cpu": "250m", "memory": "512Mi"}


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("device", ["nvidia.com/mig-1g.5gb", "amd.com/gpu", "nvidia.com/gpu.shared"])
def test_only_phases_that_compute_get_devices(phase: Phase, device: str) -> None:
    result = resources_of(phase, {"resources": {"limits": {device: 1}}})
    assert (device in result["limits"]) == (phase in ("tune", "evaluate"))


def test_an_installation_without_defaults_adds_none() -> None:
    assert resources_of("tune", {}, Resources()) == {}


def test_the_defaults_are_json_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CTRLAB_TRAINER_IMAGE", "t")
    monkeypatch.setenv("CTRLAB_OPERATOR_IMAGE", "o")
    monkeypatch.setenv("CTRLAB_DEFAULT_RESOURCES", '{"limits": {"cpu": 2}}')
    assert OperatorSettings.from_environment().default_resources == Resources(limits={"cpu": "2"})
    monkeypatch.setenv("CTRLAB_DEFAULT_RESOURCES", "{}")
    assert OperatorSettings.from_environment().default_resources == Resources()
