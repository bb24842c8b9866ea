"""RBAC: the operator has the rights that it needs, and none by which a user could gain its rights."""

from typing import Any

import pytest

NAMESPACED = {"watchNamespaces": ["team-a", "team-b"]}


def rules(role: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the rules of a role by resource."""
    by_resource: dict[str, list[dict[str, Any]]] = {}
    for rule in role["rules"]:
        for resource in rule["resources"]:
            by_resource.setdefault(resource, []).append(rule)
    return by_resource


def operator_roles(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        body
        for body in objects
        if body["kind"] in ("Role", "ClusterRole")
        and body["metadata"]["labels"]["app.kubernetes.io/component"] == "operator"
    ]


@pytest.mark.parametrize("values", [{}, NAMESPACED], ids=["cluster", "namespaced"])
def test_no_rule_is_a_wildcard(render: Any, values: dict[str, Any]) -> None:
    for role in operator_roles(render(**values)):
        for rule in role["rules"]:
            assert "*" not in rule["apiGroups"] + rule["resources"] + rule["verbs"]


@pytest.mark.parametrize("values", [{}, NAMESPACED], ids=["cluster", "namespaced"])
def test_pods_service_accounts_and_roles_are_never_written(render: Any, values: dict[str, Any]) -> None:
    for role in operator_roles(render(**values)):
        by_resource = rules(role)
        assert not {"serviceaccounts", "roles", "rolebindings", "clusterroles", "pods/exec"} & by_resource.keys()
        assert all(rule["verbs"] == ["list", "watch"] for rule in by_resource.get("pods", []))


def test_without_names_no_secret_can_be_read(render: Any) -> None:
    """An empty resourceNames would mean every Secret."""
    assert not any("secrets" in rules(role) for role in operator_roles(render()))


@pytest.mark.parametrize("values", [{}, NAMESPACED], ids=["cluster", "namespaced"])
def test_secrets_are_read_by_name_and_never_the_test_secret(render: Any, values: dict[str, Any]) -> None:
    defaults = {"storageSecret": "s3", "testSecret": "s3-test", "databaseSecret": "db"}
    roles = operator_roles(render(**values, defaults=defaults, secretNames=["team-s3"]))
    secret_rules = [rule for role in roles for rule in rules(role).get("secrets", [])]
    assert secret_rules
    for rule in secret_rules:
        assert rule["verbs"] == ["get"]
        assert rule["resourceNames"] == ["db", "s3", "team-s3"]


def test_namespaced_mode_creates_no_cluster_roles(render: Any) -> None:
    kinds = {body["kind"] for body in render(**NAMESPACED)}
    assert not {"ClusterRole", "ClusterRoleBinding"} & kinds


def test_namespaced_mode_watches_the_configured_namespaces_and_that_of_the_lease(render: Any) -> None:
    objects = render(**NAMESPACED)
    bound = {body["metadata"]["namespace"] for body in objects if body["kind"] == "RoleBinding"}
    assert bound == {"system", "team-a", "team-b"}
    (deployment,) = (body for body in objects if body["kind"] == "Deployment")
    variables = {v["name"]: v.get("value") for v in deployment["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert variables["CTRLAB_NAMESPACES"] == "system,team-a,team-b"


def test_the_lease_is_written_by_name(render: Any) -> None:
    (role,) = (role for role in operator_roles(render()) if role["metadata"]["name"] == "ctrlab-lease")
    by_verb = {tuple(rule["verbs"]): rule.get("resourceNames") for rule in role["rules"]}
    assert by_verb == {("create",): None, ("get", "update", "delete"): ["ctrlab-operator"]}
    assert role["metadata"]["namespace"] == "system"


def test_users_with_edit_may_create_experiments_and_never_write_status(render: Any) -> None:
    (editor,) = (body for body in render() if body["metadata"]["name"].endswith("-editor"))
    assert editor["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-edit"] == "true"
    assert rules(editor).keys() == {"ctrexperiments", "ablations"}
