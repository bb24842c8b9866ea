"""Models and CRDs agree on every example of valid and invalid resources."""

from typing import Any

import pytest
from fake_api_server import AdmissionPolicy, CustomResourceAdmission, rules_of
from resource_examples import ACCEPTED, REJECTED, REJECTED_ON_CLUSTERS, RejectedExample

from ctrlab_api.crd import KINDS, crd_definition
from ctrlab_api.crd.time_policy import time_policy
from ctrlab_api.errors import InvalidSpec
from ctrlab_api.loading.resource_loading import parse_resource

SERVERS = {kind.kind: CustomResourceAdmission(crd_definition(kind)) for kind in KINDS}
TIME_POLICY = AdmissionPolicy(time_policy())


def violations(content: dict[str, Any]) -> list[str]:
    """Return why a cluster rejects a new resource: by its CRD, otherwise by the policy."""
    server = SERVERS[content["kind"]]
    problems = server.violations(content)
    if content["kind"] == "CTRExperiment" and not problems:
        problems = TIME_POLICY.violations(server.with_defaults(content))
    return problems


@pytest.mark.parametrize("content", ACCEPTED.values(), ids=ACCEPTED)
def test_a_valid_resource_is_accepted_by_the_models_and_on_a_cluster(content: dict[str, Any]) -> None:
    parse_resource(content)
    assert violations(content) == []


@pytest.mark.parametrize("content", ACCEPTED.values(), ids=ACCEPTED)
def test_cluster_and_models_have_the_same_defaults(content: dict[str, Any]) -> None:
    filled = parse_resource(SERVERS[content["kind"]].with_defaults(content)).spec
    assert filled.model_dump(exclude_unset=True) == parse_resource(content).spec.model_dump(exclude_none=True)


@pytest.mark.parametrize("case", REJECTED.values(), ids=REJECTED)
def test_an_invalid_resource_is_rejected_with_path_and_allowed_values(case: RejectedExample) -> None:
    with pytest.raises(InvalidSpec) as error:
        parse_resource(case.content)
    problems = [problem for problem in error.value.problems if problem.where == case.where]
    assert problems, f"no problem at {case.where} in: {error.value}"
    assert any(case.message in problem.message for problem in problems), str(error.value)


@pytest.mark.parametrize("case", REJECTED.values(), ids=REJECTED)
def test_a_cluster_rejects_what_its_schema_and_rules_can_express(case: RejectedExample) -> None:
    problems = violations(case.content)
    assert bool(problems) == (case.rejected_by != "operator"), problems


@pytest.mark.parametrize("case", REJECTED_ON_CLUSTERS.values(), ids=REJECTED_ON_CLUSTERS)
def test_a_path_is_valid_on_one_machine_and_rejected_on_a_cluster(case: RejectedExample) -> None:
    parse_resource(case.content)
    (violation,) = SERVERS[case.content["kind"]].violations(case.content)
    assert violation.startswith(f"{case.where}: ")
    assert case.message in violation


@pytest.mark.parametrize(
    "case",
    [case for case in REJECTED.values() if case.rejected_by == "rule"],
    ids=[n for n, c in REJECTED.items() if c.rejected_by == "rule"],
)
def test_an_example_that_a_rule_rejects_passes_the_schema(case: RejectedExample) -> None:
    server = SERVERS[case.content["kind"]]
    messages = {rule["message"] for _, rule in rules_of(server.schema)}
    broken = [violation.partition(": ")[2] for violation in server.violations(case.content)]
    assert broken
    assert set(broken) <= messages


@pytest.mark.parametrize(
    "case",
    [case for case in REJECTED.values() if case.rejected_by == "policy"],
    ids=[n for n, c in REJECTED.items() if c.rejected_by == "policy"],
)
def test_an_example_that_the_policy_rejects_passes_the_crd(case: RejectedExample) -> None:
    assert SERVERS[case.content["kind"]].violations(case.content) == []
    assert all(violation.startswith("spec.dataset") for violation in violations(case.content))


def test_every_validation_of_the_policy_rejects_an_example() -> None:
    rejected = [case.content for case in REJECTED.values() if case.rejected_by == "policy"]
    messages = {message for content in rejected for message in violations(content)}
    assert messages == {validation["message"] for validation in TIME_POLICY.validations}
