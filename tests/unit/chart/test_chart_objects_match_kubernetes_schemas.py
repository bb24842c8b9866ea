"""Every object of the chart matches the JSON schemas of Kubernetes strictly: unknown or misspelled fields are errors.

The versions are the oldest and the newest that the chart supports. The schemas do not restrict
CustomResourceDefinitions and lack ServiceMonitor; the real API server of `make e2e` validates both.
"""

from typing import Any

import kubernetes_validate
import pytest

VERSIONS = ("1.33", "1.36")
WITHOUT_SCHEMA = ("ServiceMonitor",)

VALUES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "everything": {
        "tryout": {"postgresql": {"enabled": True}, "objectStore": {"enabled": True}},
        "metrics": {"serviceMonitor": {"enabled": True}},
        "dashboard": {"enabled": True},
        "defaults": {"testSecret": "s3-test"},
        "replicas": 2,
    },
    "namespaced": {"watchNamespaces": ["team-a", "team-b"]},
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("values", VALUES)
def test_every_object_of_the_chart_is_valid(render: Any, values: str, version: str) -> None:
    objects = [body for body in render(**VALUES[values]) if body["kind"] not in WITHOUT_SCHEMA]
    assert objects
    for body in objects:
        kubernetes_validate.validate(body, version, strict=True)


def test_a_misspelled_field_is_detected(render: Any) -> None:
    (deployment,) = (body for body in render() if body["kind"] == "Deployment")
    deployment["spec"]["template"]["spec"]["nodeSelectors"] = {"a": "b"}
    with pytest.raises(kubernetes_validate.ValidationError, match="nodeSelectors"):
        kubernetes_validate.validate(deployment, VERSIONS[-1], strict=True)
