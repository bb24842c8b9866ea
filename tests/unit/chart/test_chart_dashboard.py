"""The dashboard of the study database: optional, restricted, reachable only by port-forward."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ON = {"dashboard": {"enabled": True, "databaseSecret": "studies"}}
NAME = "ctrlab-dashboard"


def dashboard_objects(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the objects of the dashboard by kind; each kind occurs once."""
    by_kind = {body["kind"]: body for body in objects if body["metadata"]["name"] == NAME}
    assert len(by_kind) == sum(body["metadata"]["name"] == NAME for body in objects)
    return by_kind


def test_it_is_rendered_only_if_enabled(render: Any) -> None:
    assert dashboard_objects(render()) == {}
    assert dashboard_objects(render(**ON)).keys() == {"Deployment", "Service", "NetworkPolicy"}
    without_policies = render(**ON, networkPolicy={"enabled": False})
    assert dashboard_objects(without_policies).keys() == {"Deployment", "Service"}


def test_its_pod_is_restricted_and_has_no_service_account_token(render: Any) -> None:
    spec = dashboard_objects(render(**ON))["Deployment"]["spec"]["template"]["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"requests", "limits"} <= container["resources"].keys()
    assert "latest" not in container["image"]


def test_the_password_is_in_no_manifest_but_its_secret(render: Any) -> None:
    (container,) = dashboard_objects(render(**ON))["Deployment"]["spec"]["template"]["spec"]["containers"]
    (variable,) = container["env"]
    assert variable == {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "studies", "key": "url"}}}


@pytest.mark.parametrize(
    ("values", "secret"),
    [
        ({"migration": {"databaseSecret": "db"}}, "db"),
        ({"tryout": {"postgresql": {"enabled": True}}}, "ctrlab-database"),
        ({"migration": {"databaseSecret": "db"}, "dashboard": {"enabled": True, "databaseSecret": "mine"}}, "mine"),
    ],
    ids=["of the migration", "of the release", "explicit"],
)
def test_the_database_secret_has_defaults(render: Any, values: dict[str, Any], secret: str) -> None:
    objects = dashboard_objects(render(**{"dashboard": {"enabled": True}, **values}))
    (container,) = objects["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert container["env"][0]["valueFrom"]["secretKeyRef"]["name"] == secret


def test_a_dashboard_without_a_database_is_rejected(rejection: Any) -> None:
    assert "dashboard.databaseSecret must name a Secret" in rejection(dashboard={"enabled": True})


def test_no_pod_may_connect_to_it(render: Any) -> None:
    objects = dashboard_objects(render(**ON))
    labels = objects["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    policy = objects["NetworkPolicy"]["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= labels
    assert policy["policyTypes"] == ["Ingress"]
    assert "ingress" not in policy


def test_its_service_targets_its_port(render: Any) -> None:
    objects = dashboard_objects(render(**ON))
    template = objects["Deployment"]["spec"]["template"]
    service = objects["Service"]["spec"]
    assert service["selector"].items() <= template["metadata"]["labels"].items()
    assert service.get("type", "ClusterIP") == "ClusterIP"
    (port,) = template["spec"]["containers"][0]["ports"]
    assert (service["ports"][0]["targetPort"], port["containerPort"]) == (port["name"], 8080)


@pytest.mark.parametrize("scheme", ["postgresql+psycopg", "postgresql", "postgres", "postgresql+psycopg2"])
def test_its_command_uses_the_driver_of_its_image(render: Any, tmp_path: Path, scheme: str) -> None:
    """Run the container's command with a fake dashboard that prints its arguments."""
    (container,) = dashboard_objects(render(**ON))["Deployment"]["spec"]["template"]["spec"]["containers"]
    program = tmp_path / "optuna-dashboard"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    done = subprocess.run(
        [*container["command"], *container["args"]],
        env={
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "DATABASE_URL": f"{scheme}://u:a+psycopg:b@host/db?sslmode=require",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    url = "postgresql+psycopg2://u:a+psycopg:b@host/db?sslmode=require"
    assert done.stdout.splitlines() == [url, "--host", "0.0.0.0", "--port", "8080"]
