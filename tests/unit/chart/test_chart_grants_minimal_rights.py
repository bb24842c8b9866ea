"""RBAC: what the operator does is allowed, and nothing by which a user could gain its rights."""

from typing import Any

import pytest

NAMESPACED = {"watchNamespaces": ["team-a", "team-b"]}


def rules(found: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The rules of a role by resource."""
    by_resource: dict[str, list[dict[str, Any]]] = {}
    for rule in found["rules"]:
        for resource in rule["resources"]:
            by_resource.setdefault(resource, []).append(rule)
    return by_resource


def operator_roles(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        found
        for found in objects
        if found["kind"] in ("Role", "ClusterRole")
        and found["metadata"]["labels"]["app.kubernetes.io/component"] == "operator"
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
def test_secrets_are_read_by_name_and_the_test_secret_never(render: Any, values: dict[str, Any]) -> None:
    defaults = {"storageSecret": "s3", "testSecret": "s3-test", "databaseSecret": "db"}
    roles = operator_roles(render(**values, defaults=defaults, secretNames=["team-s3"]))
    found = [rule for role in roles for rule in rules(role).get("secrets", [])]
    assert found
    for rule in found:
        assert rule["verbs"] == ["get"]
        assert rule["resourceNames"] == ["db", "s3", "team-s3"]


def test_namespaced_mode_makes_nothing_cluster_wide_but_crds_and_seal(render: Any) -> None:
    kinds = {found["kind"] for found in render(**NAMESPACED)}
    assert not {"ClusterRole", "ClusterRoleBinding"} & kinds


def test_namespaced_mode_watches_the_given_namespaces_and_that_of_the_lease(render: Any) -> None:
    objects = render(**NAMESPACED)
    bound = {found["metadata"]["namespace"] for found in objects if found["kind"] == "RoleBinding"}
    assert bound == {"system", "team-a", "team-b"}
    (deployment,) = (found for found in objects if found["kind"] == "Deployment")
    variables = {v["name"]: v.get("value") for v in deployment["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert variables["CTRLAB_NAMESPACES"] == "system,team-a,team-b"


def test_the_lease_is_written_by_its_name(render: Any) -> None:
    (role,) = (found for found in operator_roles(render()) if found["metadata"]["name"] == "ctrlab-lease")
    by_verb = {tuple(rule["verbs"]): rule.get("resourceNames") for rule in role["rules"]}
    assert by_verb == {("create",): None, ("get", "update"): ["ctrlab-operator"]}
    assert role["metadata"]["namespace"] == "system"


def test_people_with_edit_may_make_experiments_and_never_write_status(render: Any) -> None:
    (editor,) = (found for found in render() if found["metadata"]["name"].endswith("-editor"))
    assert editor["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-edit"] == "true"
    assert rules(editor).keys() == {"ctrexperiments", "ablations"}
