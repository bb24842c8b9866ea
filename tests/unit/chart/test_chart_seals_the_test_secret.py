"""The admission policies: the pods that they match, the Secrets that they seal, and their CEL expressions."""

from typing import Any

import celpy
import pytest
from celpy.adapter import json_to_cel

from ctrlab_api.names import API_VERSION, PHASE_LABEL

SEALED = "s3-test"
REFERENCES: dict[str, dict[str, Any]] = {
    "env": {"containers": [{"env": [{"valueFrom": {"secretKeyRef": {"name": SEALED, "key": "k"}}}]}]},
    "envFrom": {"containers": [{"envFrom": [{"secretRef": {"name": SEALED}}]}]},
    "init container": {"containers": [{}], "initContainers": [{"envFrom": [{"secretRef": {"name": SEALED}}]}]},
    "ephemeral container": {
        "containers": [{}],
        "ephemeralContainers": [{"envFrom": [{"secretRef": {"name": SEALED}}]}],
    },
    "volume": {"containers": [{}], "volumes": [{"secret": {"secretName": SEALED}}]},
    "projected volume": {"containers": [{}], "volumes": [{"projected": {"sources": [{"secret": {"name": SEALED}}]}}]},
    "csi volume": {"containers": [{}], "volumes": [{"csi": {"nodePublishSecretRef": {"name": SEALED}}}]},
}
HARMLESS: dict[str, dict[str, Any]] = {
    "nothing": {"containers": [{}]},
    "another Secret": {"containers": [{"env": [{"valueFrom": {"secretKeyRef": {"name": "s3", "key": "k"}}}]}]},
    "other sources": {
        "containers": [{"env": [{"name": "A", "value": SEALED}, {"valueFrom": {"fieldRef": {"fieldPath": "x"}}}]}],
        "volumes": [{"emptyDir": {}}, {"configMap": {"name": SEALED}}],
    },
}
EXPERIMENT = {"spec": {"storage": {"testSecretRef": {"name": SEALED}}}}
POLICIES = {"ctrlab-system-seal": EXPERIMENT, "ctrlab-system-seal-defaults": {}}


@pytest.fixture(scope="module")
def policies(render: Any) -> dict[str, dict[str, Any]]:
    """Specs by name."""
    objects = render(defaults={"testSecret": SEALED}, admission={"enabled": False})
    return {b["metadata"]["name"]: b["spec"] for b in objects if b["kind"] == "ValidatingAdmissionPolicy"}


def admits(policy: dict[str, Any], pod: dict[str, Any], params: dict[str, Any]) -> bool:
    """Whether every validation is true; variables are evaluated first, as in the API server."""
    environment = celpy.Environment()

    def evaluate(expression: str, variables: dict[str, Any]) -> Any:
        inputs = {"object": {"spec": pod}, "params": params, "variables": variables}
        activation = {name: json_to_cel(value) for name, value in inputs.items()}
        return environment.program(environment.compile(expression)).evaluate(activation)

    variables: dict[str, Any] = {}
    for variable in policy["variables"]:
        variables[variable["name"]] = evaluate(variable["expression"], variables)
    return all(bool(evaluate(validation["expression"], variables)) for validation in policy["validations"])


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("pod", REFERENCES.values(), ids=REFERENCES)
def test_a_reference_to_the_test_secret_is_rejected(
    policies: dict[str, dict[str, Any]], name: str, pod: dict[str, Any]
) -> None:
    assert not admits(policies[name], pod, POLICIES[name])


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("pod", HARMLESS.values(), ids=HARMLESS)
def test_other_pods_are_admitted(policies: dict[str, dict[str, Any]], name: str, pod: dict[str, Any]) -> None:
    assert admits(policies[name], pod, POLICIES[name])


@pytest.mark.parametrize("experiment", [{"spec": {}}, {"spec": {"storage": {}}}], ids=["no storage", "no test Secret"])
def test_an_experiment_without_test_secret_seals_nothing(
    policies: dict[str, dict[str, Any]], experiment: dict[str, Any]
) -> None:
    assert admits(policies["ctrlab-system-seal"], REFERENCES["env"], experiment)


def test_the_policies_match_every_phase_but_final_runs(policies: dict[str, dict[str, Any]]) -> None:
    for policy in policies.values():
        assert policy["failurePolicy"] == "Fail"
        assert policy["matchConstraints"]["objectSelector"]["matchExpressions"] == [
            {"key": PHASE_LABEL, "operator": "Exists"},
            {"key": PHASE_LABEL, "operator": "NotIn", "values": ["evaluate"]},
        ]


def test_the_policy_is_evaluated_for_every_experiment_of_the_namespace(
    render: Any, policies: dict[str, dict[str, Any]]
) -> None:
    assert policies["ctrlab-system-seal"]["paramKind"] == {"apiVersion": API_VERSION, "kind": "CTRExperiment"}
    (binding,) = (
        body["spec"]
        for body in render()
        if body["kind"] == "ValidatingAdmissionPolicyBinding" and body["metadata"]["name"] == "ctrlab-system-seal"
    )
    assert binding["paramRef"] == {"selector": {}, "parameterNotFoundAction": "Allow"}
    assert binding["validationActions"] == ["Deny"]


def test_a_namespaced_installation_seals_its_namespaces(render: Any) -> None:
    (policy,) = (
        body
        for body in render(watchNamespaces=["team"], admission={"enabled": False})
        if body["kind"] == "ValidatingAdmissionPolicy"
    )
    (expression,) = policy["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"]
    assert expression["values"] == ["system", "team"]
