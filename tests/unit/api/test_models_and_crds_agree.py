"""One table of good and bad resources: the models and the CRDs agree on every one of them."""

from typing import Any

import pytest
from fake_api_server import CustomResourceAdmission, rules_of
from resource_examples import ACCEPTED, REJECTED, RejectedExample

from ctrlab_api.crd import KINDS, crd_definition
from ctrlab_api.errors import InvalidSpec
from ctrlab_api.loading.resource_loading import parse_resource

SERVERS = {kind.kind: CustomResourceAdmission(crd_definition(kind)) for kind in KINDS}


@pytest.mark.parametrize("content", ACCEPTED.values(), ids=ACCEPTED)
def test_a_good_resource_is_accepted_by_the_models_and_on_a_cluster(content: dict[str, Any]) -> None:
    parse_resource(content)
    assert SERVERS[content["kind"]].violations(content) == []


@pytest.mark.parametrize("content", ACCEPTED.values(), ids=ACCEPTED)
def test_the_defaults_of_a_cluster_are_those_of_the_models(content: dict[str, Any]) -> None:
    filled = parse_resource(SERVERS[content["kind"]].with_defaults(content)).spec
    assert filled.model_dump(exclude_unset=True) == parse_resource(content).spec.model_dump(exclude_none=True)


@pytest.mark.parametrize("case", REJECTED.values(), ids=REJECTED)
def test_a_bad_resource_is_refused_with_its_place_and_what_is_allowed(case: RejectedExample) -> None:
    with pytest.raises(InvalidSpec) as refusal:
        parse_resource(case.content)
    found = [problem for problem in refusal.value.problems if problem.where == case.where]
    assert found, f"nothing at {case.where} in: {refusal.value}"
    assert any(case.message in problem.message for problem in found), str(refusal.value)


@pytest.mark.parametrize("case", REJECTED.values(), ids=REJECTED)
def test_a_cluster_refuses_what_its_schema_and_rules_can_say(case: RejectedExample) -> None:
    refusals = SERVERS[case.content["kind"]].violations(case.content)
    assert bool(refusals) == (case.rejected_by != "operator"), refusals


@pytest.mark.parametrize(
    "case",
    [case for case in REJECTED.values() if case.rejected_by == "rule"],
    ids=[n for n, c in REJECTED.items() if c.rejected_by == "rule"],
)
def test_what_a_rule_refuses_passes_the_schema(case: RejectedExample) -> None:
    server = SERVERS[case.content["kind"]]
    messages = {rule["message"] for _, rule in rules_of(server.schema)}
    refusals = [refusal.partition(": ")[2] for refusal in server.violations(case.content)]
    assert refusals
    assert set(refusals) <= messages
