"""The dashboard of the study database: there when asked for, restricted, reached by port-forward alone."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ON = {"dashboard": {"enabled": True, "databaseSecret": "studies"}}
NAME = "ctrlab-dashboard"


def of_the_dashboard(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What the chart makes for it, by kind; each kind once."""
    found = [body for body in objects if body["metadata"]["name"] == NAME]
    assert len({body["kind"] for body in found}) == len(found)
    return {body["kind"]: body for body in found}


def test_it_is_there_only_when_asked_for(render: Any) -> None:
    assert of_the_dashboard(render()) == {}
    assert of_the_dashboard(render(**ON)).keys() == {"Deployment", "Service", "NetworkPolicy"}
    without_policies = render(**ON, networkPolicy={"enabled": False})
    assert of_the_dashboard(without_policies).keys() == {"Deployment", "Service"}


def test_its_pod_is_restricted_and_holds_no_token(render: Any) -> None:
    spec = of_the_dashboard(render(**ON))["Deployment"]["spec"]["template"]["spec"]
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


def test_the_password_stands_in_no_manifest_but_its_secret(render: Any) -> None:
    (container,) = of_the_dashboard(render(**ON))["Deployment"]["spec"]["template"]["spec"]["containers"]
    (variable,) = container["env"]
    assert variable == {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "studies", "key": "url"}}}


@pytest.mark.parametrize(
    ("values", "secret"),
    [
        ({"migration": {"databaseSecret": "db"}}, "db"),
        ({"tryout": {"postgresql": {"enabled": True}}}, "ctrlab-database"),
        ({"migration": {"databaseSecret": "db"}, "dashboard": {"enabled": True, "databaseSecret": "mine"}}, "mine"),
    ],
    ids=["of the migration", "of the release", "its own"],
)
def test_it_finds_the_database(render: Any, values: dict[str, Any], secret: str) -> None:
    objects = of_the_dashboard(render(**{"dashboard": {"enabled": True}, **values}))
    (container,) = objects["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert container["env"][0]["valueFrom"]["secretKeyRef"]["name"] == secret


def test_a_dashboard_without_a_database_is_refused(refusal: Any) -> None:
    assert "dashboard.databaseSecret must name a Secret" in refusal(dashboard={"enabled": True})


def test_no_pod_may_connect_to_it(render: Any) -> None:
    objects = of_the_dashboard(render(**ON))
    labels = objects["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    policy = objects["NetworkPolicy"]["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= labels
    assert policy["policyTypes"] == ["Ingress"]
    assert "ingress" not in policy


def test_its_service_leads_to_its_port(render: Any) -> None:
    objects = of_the_dashboard(render(**ON))
    template = objects["Deployment"]["spec"]["template"]
    service = objects["Service"]["spec"]
    assert service["selector"].items() <= template["metadata"]["labels"].items()
    assert service.get("type", "ClusterIP") == "ClusterIP"
    (port,) = template["spec"]["containers"][0]["ports"]
    assert (service["ports"][0]["targetPort"], port["containerPort"]) == (port["name"], 8080)


@pytest.mark.parametrize("scheme", ["postgresql+psycopg", "postgresql", "postgres", "postgresql+psycopg2"])
def test_its_command_names_the_driver_of_its_image(render: Any, tmp_path: Path, scheme: str) -> None:
    """The container's own command, with a program in the dashboard's place that prints what it is given."""
    (container,) = of_the_dashboard(render(**ON))["Deployment"]["spec"]["template"]["spec"]["containers"]
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
