"""Rights of the installed operator, its admission policies, and the documentation of its API."""

import json
from typing import Any

import pytest
from e2e.experiment_steps import experiment
from e2e.kubectl import CommandFailed, Kubectl, Manifest

OPERATOR = "system:serviceaccount:ctrlab:ctrlab"


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        ("create", "pods"),
        ("delete", "pods"),
        ("create", "pods/exec"),
        ("get", "secrets"),
        ("list", "secrets"),
        ("get", "secret/opens-the-test-set"),
        ("create", "secrets"),
        ("create", "serviceaccounts"),
        ("create", "serviceaccounts/token"),
        ("create", "rolebindings"),
        ("impersonate", "users"),
        ("update", "ctrexperiments"),
        ("patch", "ctrexperiments"),
        ("delete", "ctrexperiments"),
        ("create", "deployments"),
        ("get", "configmaps"),
        ("list", "nodes"),
    ],
)
def test_the_operator_may_not(team: Kubectl, verb: str, resource: str) -> None:
    assert not team.may(OPERATOR, verb, resource)


@pytest.mark.parametrize(
    ("verb", "resource"), [("create", "jobs"), ("list", "ctrexperiments"), ("get", "secret/ctrlab-storage")]
)
def test_the_operator_may(team: Kubectl, verb: str, resource: str) -> None:
    assert team.may(OPERATOR, verb, resource)


def sealed_pod(phase: str, reference_in: str) -> Manifest:
    """Return a pod of an experiment that references the test Secret."""
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container: dict[str, Any] = {"name": "worker", "image": "busybox", "securityContext": security}
    pod: dict[str, Any] = {
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    reference = {"name": "opens-the-test-set", "key": "AWS_ACCESS_KEY_ID"}
    if reference_in == "env":
        container["env"] = [{"name": "KEY", "valueFrom": {"secretKeyRef": reference}}]
    elif reference_in == "envFrom":
        container["envFrom"] = [{"secretRef": {"name": "opens-the-test-set"}}]
    elif reference_in == "volume":
        pod["volumes"] = [{"name": "keys", "secret": {"secretName": "opens-the-test-set"}}]
    else:
        pod["initContainers"] = [
            {**container, "name": "first", "envFrom": [{"secretRef": {"name": reference["name"]}}]}
        ]
    metadata = {"name": "opens-the-seal", "labels": {"ctrlab.dev/phase": phase, "ctrlab.dev/experiment": "any"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod}


def _dry_run(team: Kubectl, pod: Manifest) -> None:
    team.run("create", "--validate=false", "--dry-run=server", "--filename", "-", stdin=json.dumps(pod))


@pytest.mark.parametrize("reference_in", ["env", "envFrom", "volume", "initContainer"])
def test_a_tuning_pod_with_the_test_secret_is_rejected(team: Kubectl, reference_in: str) -> None:
    with pytest.raises(CommandFailed, match="the test set is sealed: a pod of phase tune must not reference"):
        _dry_run(team, sealed_pod("tune", reference_in))
    _dry_run(team, sealed_pod("evaluate", reference_in))


def test_the_test_secret_of_an_experiment_is_sealed(team: Kubectl) -> None:
    storage = {"secretRef": {"name": "s3"}, "testSecretRef": {"name": "ours-alone"}}
    team.apply(experiment("sealing", "s3://nowhere/data", storage=storage, suspend=True))
    pod = sealed_pod("tune", "env")
    pod["spec"]["containers"][0]["env"][0]["valueFrom"]["secretKeyRef"]["name"] = "ours-alone"

    def observe() -> Manifest:
        try:
            _dry_run(team, pod)
        except CommandFailed as error:
            return {"status": str(error)}
        return {}

    team.wait("the policy to use the experiment", observe, lambda state: "ours-alone" in state.get("status", ""))
    team.delete("ctrexperiment", "sealing")


def test_the_admission_policies_compile_without_warnings(team: Kubectl) -> None:
    """The API server checks the types of every expression when a policy is created or changed."""
    checked = team.wait(
        "the policies type-checked",
        lambda: {"status": team.list("validatingadmissionpolicies", "app.kubernetes.io/instance=ctrlab")},
        lambda state: bool(state["status"]) and all("typeChecking" in policy["status"] for policy in state["status"]),
    )
    names = [policy["metadata"]["name"] for policy in checked["status"]]
    assert {"ctrlab-ctrlab-models", "ctrlab-ctrlab-time", "ctrlab-ctrlab-seal"} <= set(names)
    warnings = {name: policy["status"]["typeChecking"] for name, policy in zip(names, checked["status"], strict=True)}
    assert not any(warnings.values()), warnings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"evaluation": {"seeds": {"count": 4}}}, r"spec\.evaluation\.seeds\.count"),
        ({"models": []}, r"spec\.models"),
        ({"storage": {"secretRef": {"name": "s3"}, "testSecretRef": {"name": "s3"}}}, "must name another Secret"),
        ({"tuning": {"trials": 0}}, r"spec\.tuning\.trials"),
        ({"runtime": {"gpu": -1}}, r"spec\.runtime\.gpu"),
    ],
)
def test_an_invalid_specification_is_rejected_by_the_api_server(team: Kubectl, changes: Manifest, message: str) -> None:
    with pytest.raises(CommandFailed, match=message):
        team.apply(experiment("bad", "s3://bucket/data", **changes))


@pytest.mark.parametrize("plural", ["ctrexperiments", "ablations"])
def test_every_field_is_documented(team: Kubectl, plural: str) -> None:
    """`kubectl explain` shows what the schema of the installed CRD says."""
    (version,) = team.get("crd", f"{plural}.ctrlab.dev")["spec"]["versions"]
    fields = version["schema"]["openAPIV3Schema"]["properties"]
    assert not [path for part in ("spec", "status") for path in undocumented(fields[part], part)]


def undocumented(schema: Manifest, path: str) -> list[str]:
    """Return the paths of fields without a description."""
    paths = [] if schema.get("description") else [path]
    for name, below in schema.get("properties", {}).items():
        paths += undocumented(below, f"{path}.{name}")
    for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
        below = schema.get(key)
        if isinstance(below, dict):
            paths += [nested for nested in undocumented(below, path + mark) if nested != path + mark]
    return paths
