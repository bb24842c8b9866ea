"""The checks of an API server when a CRD is applied: structural schema, defaults, and the cost of rules."""

import functools
from typing import Any

import pytest
from fake_api_server import rule_costs, structural_problems

from ctrlab_api.crd import KINDS, ResourceKind, crd_definition

MAX_RULE_COST = 10_000_000
"""Limit of an API server for the estimated cost of one rule (apiextensions, StaticEstimatedCostLimit)."""

MAX_SCHEMA_COST = 100_000_000
"""Limit for the estimated cost of all rules of a CRD together."""


@functools.cache
def _schema(kind: ResourceKind) -> dict[str, Any]:
    schema: dict[str, Any] = crd_definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_the_schema_is_structural_bounded_and_described(kind: ResourceKind) -> None:
    assert structural_problems(_schema(kind)) == []


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"description": "d"}, "type is None"),
        ({"type": "string", "description": "d", "$ref": "#"}, "['$ref'] do not belong to string"),
        ({"type": "string", "description": "d", "nullable": True}, "['nullable'] do not belong"),
        ({"type": "string"}, "no description"),
        ({"type": "integer", "description": "d", "exclusiveMinimum": 0}, "['exclusiveMinimum']"),
        ({"type": "object", "description": "d", "additionalProperties": {"type": "string"}}, "no maxProperties"),
        ({"type": "object", "description": "d", "properties": {}, "additionalProperties": {}}, "not ['properties', 'a"),
        ({"type": "array", "description": "d", "items": {"type": "string"}}, "needs items and maxItems"),
        ({"type": "string", "description": "d", "enum": ["a"], "default": "b"}, "default: $: 'b' is not one of"),
        ({"type": "object", "description": "d", "properties": {}, "default": {"x": 1}}, "default: : unknown field x"),
    ],
)
def test_a_schema_that_is_not_structural_is_reported(schema: dict[str, Any], problem: str) -> None:
    assert any(problem in reported for reported in structural_problems(schema, "x")), structural_problems(schema, "x")


COLUMN_NAMES = ("Ready", "Reason", "Stage", "Trials", "Seeds", "Valid-Best", "Verdict", "Age")


def test_the_key_of_a_map_is_required() -> None:
    schema = {
        "type": "array",
        "description": "d",
        "maxItems": 3,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "items": {"type": "object", "properties": {"name": {"type": "string", "description": "d"}}},
    }
    assert "neither required nor has it a default" in structural_problems(schema, "x")[0]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_the_cost_of_every_rule_is_within_the_limit_of_an_api_server(kind: ResourceKind) -> None:
    costs = dict(rule_costs(_schema(kind)))
    assert len(costs) > 5
    assert {rule: cost for rule, cost in costs.items() if cost > MAX_RULE_COST} == {}
    assert sum(costs.values()) < MAX_SCHEMA_COST


def test_a_rule_over_an_unbounded_list_is_too_expensive() -> None:
    schema = {
        "type": "object",
        "properties": {"names": {"type": "array", "items": {"type": "string", "maxLength": 9}}},
        "x-kubernetes-validations": [{"rule": "self.names.all(n, n != 'x')", "message": "m"}],
    }
    ((_, cost),) = rule_costs(schema)
    assert cost == float("inf")


def test_names_and_columns_of_kubectl() -> None:
    experiment, ablation = (crd_definition(kind)["spec"] for kind in KINDS)
    assert (experiment["names"]["shortNames"], ablation["names"]["shortNames"]) == (["ctrexp"], ["abl"])
    for spec, first in ((experiment, ()), (ablation, ("Experiment", "Model"))):
        version = spec["versions"][0]
        assert spec["names"]["categories"] == ["ctrlab"]
        assert version["subresources"] == {"status": {}}
        names = [(column["name"], column.get("priority", 0)) for column in version["additionalPrinterColumns"]]
        assert names == [
            *[(name, 0) for name in (*first, *COLUMN_NAMES)],
            *[(name, 1) for name in ("Report", "Queue")],
        ]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_columns_and_selectable_fields_are_fields_of_the_schema(kind: ResourceKind) -> None:
    version = crd_definition(kind)["spec"]["versions"][0]
    paths = [column["jsonPath"] for column in version["additionalPrinterColumns"]]
    paths += [field["jsonPath"] for field in version["selectableFields"]]
    for path in paths:
        node = _schema(kind)
        for step in path.removeprefix(".").split("[")[0].split("."):
            if step == "creationTimestamp":
                break
            node = node["properties"][step]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_an_object_that_nobody_has_seen_is_not_current(kind: ResourceKind) -> None:
    version = crd_definition(kind)["spec"]["versions"][0]
    status = version["schema"]["openAPIV3Schema"]["properties"]["status"]
    assert status["default"] == {"observedGeneration": -1}
    assert status["properties"]["observedGeneration"]["minimum"] == -1
