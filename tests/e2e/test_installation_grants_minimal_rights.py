"""What the installed operator may not do, what its policies refuse, and what its API tells about itself."""

import json
from typing import Any

import pytest
from e2e.experiment_steps import experiment
from e2e.kubectl import Kubectl, Manifest, Refused

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


def sealed_pod(phase: str, where: str) -> Manifest:
    """A pod of an experiment that references the Secret which opens the test set."""
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container: dict[str, Any] = {"name": "worker", "image": "busybox", "securityContext": security}
    pod: dict[str, Any] = {
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    reference = {"name": "opens-the-test-set", "key": "AWS_ACCESS_KEY_ID"}
    if where == "env":
        container["env"] = [{"name": "KEY", "valueFrom": {"secretKeyRef": reference}}]
    elif where == "envFrom":
        container["envFrom"] = [{"secretRef": {"name": "opens-the-test-set"}}]
    elif where == "volume":
        pod["volumes"] = [{"name": "keys", "secret": {"secretName": "opens-the-test-set"}}]
    else:
        pod["initContainers"] = [
            {**container, "name": "first", "envFrom": [{"secretRef": {"name": reference["name"]}}]}
        ]
    metadata = {"name": "opens-the-seal", "labels": {"ctrlab.dev/phase": phase, "ctrlab.dev/experiment": "any"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod}


def _try(team: Kubectl, pod: Manifest) -> None:
    team.run("create", "--validate=false", "--dry-run=server", "--filename", "-", given=json.dumps(pod))


@pytest.mark.parametrize("where", ["env", "envFrom", "volume", "initContainer"])
def test_a_tuning_pod_with_the_test_secret_is_refused(team: Kubectl, where: str) -> None:
    with pytest.raises(Refused, match="the test set is sealed: a pod of the phase tune must not reference"):
        _try(team, sealed_pod("tune", where))
    _try(team, sealed_pod("evaluate", where))


def test_a_secret_that_an_experiment_names_is_sealed_as_well(team: Kubectl) -> None:
    storage = {"secretRef": {"name": "s3"}, "testSecretRef": {"name": "ours-alone"}}
    team.apply(experiment("sealing", "s3://nowhere/data", storage=storage, suspend=True))
    pod = sealed_pod("tune", "env")
    pod["spec"]["containers"][0]["env"][0]["valueFrom"]["secretKeyRef"]["name"] = "ours-alone"

    def look() -> Manifest:
        try:
            _try(team, pod)
        except Refused as refused:
            return {"status": str(refused)}
        return {}

    team.wait("the policy's knowledge of the experiment", look, lambda found: "ours-alone" in found.get("status", ""))
    team.delete("ctrexperiment", "sealing")


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
def test_a_bad_specification_is_refused_by_the_api_server(team: Kubectl, changes: Manifest, message: str) -> None:
    with pytest.raises(Refused, match=message):
        team.apply(experiment("bad", "s3://bucket/data", **changes))


@pytest.mark.parametrize("plural", ["ctrexperiments", "ablations"])
def test_every_field_is_documented(team: Kubectl, plural: str) -> None:
    """`kubectl explain` shows what the schema of the installed CRD says."""
    (version,) = team.get("crd", f"{plural}.ctrlab.dev")["spec"]["versions"]
    fields = version["schema"]["openAPIV3Schema"]["properties"]
    assert not [path for part in ("spec", "status") for path in undocumented(fields[part], part)]


def undocumented(schema: Manifest, path: str) -> list[str]:
    """Paths of the fields without a description."""
    found = [] if schema.get("description") else [path]
    for name, below in schema.get("properties", {}).items():
        found += undocumented(below, f"{path}.{name}")
    for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
        below = schema.get(key)
        if isinstance(below, dict):
            found += [bare for bare in undocumented(below, path + mark) if bare != path + mark]
    return found
