"""Rendered manifests: restricted pods, the settings of the operator, hooks, optional objects."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from ctrlab_operator.operator_settings import PREFIX, OperatorSettings, variable_name

CHART = Path(__file__).parents[3] / "charts" / "ctrlab"
EVERYTHING = {
    "tryout": {"postgresql": {"enabled": True}, "objectStore": {"enabled": True}},
    "metrics": {"serviceMonitor": {"enabled": True}},
    "defaults": {"testSecret": "s3-test"},
    "replicas": 2,
}


def pod_specs(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the spec of every pod of the chart, by the name of the object that creates it."""
    specs = {}
    for body in objects:
        if body["kind"] == "Pod":
            specs[body["metadata"]["name"]] = body["spec"]
        elif body["kind"] in ("Deployment", "StatefulSet", "Job"):
            specs[body["metadata"]["name"]] = body["spec"]["template"]["spec"]
    return specs


def only(objects: list[dict[str, Any]], kind: str, name: str = "ctrlab") -> dict[str, Any]:
    (match,) = (body for body in objects if (body["kind"], body["metadata"]["name"]) == (kind, name))
    return match


def test_every_container_has_requests_and_limits_because_a_quota_may_require_them(render: Any) -> None:
    specs = pod_specs(render(**EVERYTHING, dashboard={"enabled": True}))
    for name, spec in specs.items():
        for container in [*spec["containers"], *spec.get("initContainers", ())]:
            for part in ("requests", "limits"):
                assert container["resources"][part].keys() >= {"cpu", "memory"}, name


def test_every_pod_satisfies_pod_security_restricted_with_a_read_only_root(render: Any) -> None:
    specs = pod_specs(render(**EVERYTHING))
    assert specs.keys() == {"ctrlab", "ctrlab-migration", "ctrlab-check", "ctrlab-postgresql", "ctrlab-s3"}
    for spec in specs.values():
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"requests", "limits"} <= container["resources"].keys()


def test_every_object_has_the_common_labels(render: Any) -> None:
    for body in render(**EVERYTHING):
        labels = body["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "ctrlab", body["metadata"]["name"]
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert {"app.kubernetes.io/component", "app.kubernetes.io/instance", "helm.sh/chart"} <= labels.keys()


def test_no_two_objects_have_the_same_name(render: Any) -> None:
    names = [
        (body["kind"], body["metadata"].get("namespace"), body["metadata"]["name"]) for body in render(**EVERYTHING)
    ]
    assert len(names) == len(set(names))


def test_selectors_match_their_pods(render: Any) -> None:
    objects = render(**EVERYTHING)
    for body in objects:
        if body["kind"] in ("Deployment", "StatefulSet"):
            selector = body["spec"]["selector"]["matchLabels"].items()
            assert selector <= body["spec"]["template"]["metadata"]["labels"].items()
    assert (
        only(objects, "Service")["spec"]["selector"] == (only(objects, "Deployment")["spec"]["selector"]["matchLabels"])
    )


def read_settings(objects: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> OperatorSettings:
    """Read the settings from the environment of the operator's container."""
    container = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    for variable in container["env"]:
        if variable["name"].startswith(PREFIX):
            monkeypatch.setenv(variable["name"], variable.get("value", "pod"))
    return OperatorSettings.from_environment()


def test_the_deployment_sets_every_setting_of_the_operator(render: Any) -> None:
    container = only(render(), "Deployment")["spec"]["template"]["spec"]["containers"][0]
    variables = {variable["name"] for variable in container["env"]}
    assert {name for name in variables if name.startswith(PREFIX)} == {
        variable_name(field) for field in OperatorSettings.model_fields
    }


def test_the_operator_reads_the_settings_of_the_chart(render: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "defaults": {
            "artifacts": "s3://bucket/prefix",
            "storageSecret": "s3",
            "testSecret": "t",
            "databaseSecret": "d",
        },
        "watchNamespaces": ["team"],
        "reconcile": {"workers": 7, "pollSeconds": 3, "resyncSeconds": 60},
        "jobTTLSeconds": 3600,
        "image": {"digest": "sha256:" + "0" * 64},
        "trainer": {"image": {"repository": "registry/trainer", "tag": "7"}},
    }
    objects = render(**values)
    settings = read_settings(objects, monkeypatch)
    container = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    assert settings.trainer_image == "registry/trainer:7"
    assert settings.operator_image == container["image"] == "ctrlab-operator@sha256:" + "0" * 64
    assert settings.namespaces == ("system", "team")
    assert (settings.reconcile_workers, settings.poll_seconds, settings.resync_seconds) == (7, 3.0, 60.0)
    assert settings.job_ttl_seconds == 3600
    storage = settings.storage_defaults
    assert storage.artifacts == "s3://bucket/prefix"
    assert [ref and ref.name for ref in (storage.secret_ref, storage.test_secret_ref)] == ["s3", "t"]


def test_the_tryout_servers_are_the_storage_defaults(render: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = render(**EVERYTHING)
    storage = read_settings(objects, monkeypatch).storage_defaults
    assert storage.artifacts == "s3://ctrlab/experiments"
    assert storage.endpoint == "http://ctrlab-s3.system.svc:8333"
    secrets = {(b["metadata"]["namespace"], b["metadata"]["name"]) for b in objects if b["kind"] == "Secret"}
    for namespace in ("system", "default"):
        assert {(namespace, "ctrlab-storage"), (namespace, "ctrlab-database")} <= secrets


def test_a_password_is_the_same_wherever_it_is_written(render: Any) -> None:
    objects = render(**EVERYTHING)
    urls = {b["stringData"]["url"] for b in objects if b["kind"] == "Secret" and "url" in b["stringData"]}
    keys = {
        b["stringData"]["AWS_SECRET_ACCESS_KEY"]
        for b in objects
        if b["kind"] == "Secret" and "AWS_SECRET_ACCESS_KEY" in b["stringData"]
    }
    assert len(urls) == len(keys) == 1
    assert keys.pop() in only(objects, "Secret", "ctrlab-s3-identities")["stringData"]["identities.json"]


@pytest.mark.parametrize(
    ("values", "hook"),
    [
        ({"migration": {"databaseSecret": "db"}}, "pre-install,pre-upgrade"),
        ({"tryout": {"postgresql": {"enabled": True}}}, "post-install,post-upgrade"),
    ],
    ids=["existing database", "database of the release"],
)
def test_the_migration_runs_when_its_database_exists(render: Any, values: dict[str, Any], hook: str) -> None:
    job = only(render(**values), "Job", "ctrlab-migration")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == hook
    assert job["spec"]["template"]["spec"]["automountServiceAccountToken"] is False


def test_there_is_no_migration_without_a_database(render: Any) -> None:
    assert "Job" not in {body["kind"] for body in render()}


@pytest.mark.parametrize(("replicas", "is_rendered"), [(0, False), (1, False), (2, True)])
def test_a_disruption_budget_needs_a_second_replica(render: Any, replicas: int, is_rendered: bool) -> None:
    kinds = {body["kind"] for body in render(replicas=replicas)}
    assert ("PodDisruptionBudget" in kinds) is is_rendered


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("ServiceMonitor", {}),
        ("StatefulSet", {}),
        ("NetworkPolicy", {"networkPolicy": {"enabled": False}}),
        ("ValidatingAdmissionPolicy", {"seal": {"enabled": False}, "admission": {"enabled": False}}),
        ("ClusterRole", {"rbac": {"create": False}}),
    ],
)
def test_disabled_objects_are_not_rendered(render: Any, kind: str, values: dict[str, Any]) -> None:
    assert kind not in {body["kind"] for body in render(**values)}


def test_the_probes_use_the_paths_of_the_operator(render: Any) -> None:
    container = only(render(), "Deployment")["spec"]["template"]["spec"]["containers"][0]
    paths = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    assert paths == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}


def test_worker_pods_accept_no_connections(render: Any) -> None:
    policy = only(render(watchNamespaces=["team"]), "NetworkPolicy", "ctrlab-system-workers")
    assert policy["metadata"]["namespace"] == "team"
    assert policy["spec"]["policyTypes"] == ["Ingress"]
    assert "ingress" not in policy["spec"]


def test_helm_lint_succeeds(helm: str) -> None:
    done = subprocess.run([helm, "lint", "--strict", str(CHART)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_admission_policy_knows_registered_architectures_and_matches_watched_namespaces(render: Any) -> None:
    values = {"admission": {"registeredArchitectures": ["mine"]}, "watchNamespaces": ["team"]}
    policy = only(render(**values), "ValidatingAdmissionPolicy", "ctrlab-system-models")["spec"]
    assert policy["variables"][0] == {"name": "registeredArchitectures", "expression": '["mine"]'}
    (names,) = policy["matchConstraints"]["namespaceSelector"]["matchExpressions"]
    assert names["values"] == ["system", "team"]
    binding = only(render(**values), "ValidatingAdmissionPolicyBinding", "ctrlab-system-models")
    assert binding["spec"]["policyName"] == "ctrlab-system-models"


def test_both_admission_policies_are_bound_and_only_that_of_models_has_registered_architectures(render: Any) -> None:
    objects = render()
    for part in ("models", "time"):
        policy = only(objects, "ValidatingAdmissionPolicy", f"ctrlab-system-{part}")["spec"]
        names = [variable["name"] for variable in policy["variables"]]
        assert ("registeredArchitectures" in names) == (part == "models")
        binding = only(objects, "ValidatingAdmissionPolicyBinding", f"ctrlab-system-{part}")["spec"]
        assert (binding["policyName"], binding["validationActions"]) == (f"ctrlab-system-{part}", ["Deny"])
