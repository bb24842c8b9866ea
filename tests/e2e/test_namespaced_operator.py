"""Namespaced mode: an operator with Roles only, in addition to one for the whole cluster."""

from collections.abc import Iterator

import pytest
from e2e.experiment_steps import condition, experiment
from e2e.helm_installation import CHART, image_values, make_namespace
from e2e.kubectl import Kubectl

RELEASE = "tenant"
NAMESPACE = "ctrlab-e2e-tenant"
OPERATOR = f"system:serviceaccount:{NAMESPACE}:tenant-ctrlab"


@pytest.fixture(scope="module")
def tenant(system: Kubectl, images: dict[str, str]) -> Iterator[Kubectl]:
    """The namespace of a second release, which creates no cluster-wide objects."""
    make_namespace(NAMESPACE)
    kubectl = Kubectl(NAMESPACE)
    values = [
        *image_values(images),
        f"watchNamespaces={{{NAMESPACE}}}",
        "crds.enabled=false",
        "seal.enabled=false",
        "admission.enabled=false",
    ]
    arguments = [part for value in values for part in ("--set", value)]
    kubectl.run("upgrade", "--install", RELEASE, str(CHART), *arguments, program="helm")
    yield kubectl
    kubectl.run("uninstall", RELEASE, "--wait=false", "--ignore-not-found", program="helm")
    kubectl.run("delete", "namespace", NAMESPACE, "--wait=false")


def test_it_becomes_ready_without_forbidden_requests(tenant: Kubectl) -> None:
    tenant.run("rollout", "status", "deployment/tenant-ctrlab", "--timeout=600s")
    logs = tenant.run("logs", "deployment/tenant-ctrlab", "--tail=-1")
    assert "acquired the Lease" in logs
    assert "forbidden" not in logs.lower()


def test_it_reconciles_experiments_of_its_namespace(tenant: Kubectl) -> None:
    tenant.apply(experiment("here", "s3://bucket/data"))
    resource = tenant.wait(
        "a condition",
        lambda: tenant.get("ctrexperiment", "here"),
        lambda resource: bool(condition(resource, "Ready")),
    )
    assert "spec.storage.artifacts" in condition(resource, "Stalled").get("message", "") or condition(resource, "Ready")


@pytest.mark.parametrize("resource", ["ctrexperiments", "jobs", "pods"])
def test_it_sees_no_other_namespace(tenant: Kubectl, team: Kubectl, resource: str) -> None:
    assert tenant.may(OPERATOR, "list", resource)
    assert not team.may(OPERATOR, "list", resource)


def test_no_lease_remains_after_helm_uninstall(tenant: Kubectl) -> None:
    lease = tenant.get("lease", "ctrlab-operator")
    assert [owner["kind"] for owner in lease["metadata"]["ownerReferences"]] == ["Pod"]
    tenant.run("uninstall", RELEASE, "--wait=false", program="helm")
    tenant.wait(
        "the Lease gone",
        lambda: {"status": [lease["metadata"]["name"] for lease in tenant.list("leases")]},
        lambda resource: "ctrlab-operator" not in resource["status"],
    )
