"""Namespaced mode: an operator with Roles alone, beside one for the whole cluster."""

from collections.abc import Iterator

import pytest
from e2e.experiment_steps import condition, experiment
from e2e.helm_installation import CHART, image_values, make_namespace
from e2e.kubectl import Kubectl

RELEASE = "own"
NAMESPACE = "ctrlab-e2e-own"
OPERATOR = f"system:serviceaccount:{NAMESPACE}:own-ctrlab"


@pytest.fixture(scope="module")
def own(system: Kubectl, images: dict[str, str]) -> Iterator[Kubectl]:
    """The namespace of a second release, which may make nothing that is cluster-wide."""
    make_namespace(NAMESPACE)
    found = Kubectl(NAMESPACE)
    values = [
        *image_values(images),
        f"watchNamespaces={{{NAMESPACE}}}",
        "crds.enabled=false",
        "seal.enabled=false",
    ]
    arguments = [part for value in values for part in ("--set", value)]
    found.run("upgrade", "--install", RELEASE, str(CHART), *arguments, program="helm")
    yield found
    found.run("uninstall", RELEASE, "--wait=false", program="helm")
    found.run("delete", "namespace", NAMESPACE, "--wait=false")


def test_it_becomes_ready_without_asking_for_more(own: Kubectl) -> None:
    own.run("rollout", "status", "deployment/own-ctrlab", "--timeout=600s")
    told = own.run("logs", "deployment/own-ctrlab", "--tail=-1")
    assert "acquired the Lease" in told
    assert "forbidden" not in told.lower()


def test_it_answers_for_its_namespace(own: Kubectl) -> None:
    own.apply(experiment("here", "s3://bucket/data"))
    found = own.wait(
        "an answer",
        lambda: own.get("ctrexperiment", "here"),
        lambda found: bool(condition(found, "Ready")),
    )
    assert "spec.storage.artifacts" in condition(found, "Stalled").get("message", "") or condition(found, "Ready")


@pytest.mark.parametrize("resource", ["ctrexperiments", "jobs", "pods"])
def test_it_sees_no_other_namespace(own: Kubectl, team: Kubectl, resource: str) -> None:
    assert own.may(OPERATOR, "list", resource)
    assert not team.may(OPERATOR, "list", resource)
