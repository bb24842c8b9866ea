"""Every CEL rule accepts and rejects an example, and rules of frozen plans compare the old object with the new one."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from builders import ABSENT, with_changes
from fake_api_server import CustomResourceAdmission, holds, rules_of
from resource_examples import ABLATION, ACCEPTED, EXPERIMENT, REJECTED, REJECTED_ON_CLUSTERS

from ctrlab_api.crd import KINDS, crd_definition

SERVERS = {kind.kind: CustomResourceAdmission(crd_definition(kind)) for kind in KINDS}
RULES = [(kind, path, rule) for kind, server in SERVERS.items() for path, rule in rules_of(server.schema)]
TRANSITIONS = [(kind, rule) for kind, _, rule in RULES if "oldSelf" in rule["rule"]]
FROZEN_STATUS = {"planDigest": "sha256:" + "0" * 64}


def _rule_results() -> dict[str, set[bool]]:
    """Return the results of each rule over one object, for the examples that pass the schema.

    A rule occurs wherever its model is used; its results at all paths are collected together.
    """
    results: dict[str, set[bool]] = defaultdict(set)
    rejected = [*(case for case in REJECTED.values() if case.rejected_by == "rule"), *REJECTED_ON_CLUSTERS.values()]
    examples = [*ACCEPTED.values(), *(case.content for case in rejected)]
    for content in examples:
        server = SERVERS[content["kind"]]
        for path, rule in rules_of(server.schema):
            if "oldSelf" not in rule["rule"]:
                for part in _at(server.with_defaults(content), path):
                    results[rule["rule"]].add(holds(rule["rule"], part))
    return results


def _at(content: Any, path: str) -> Iterator[Any]:
    """Yield every part of an object at a path such as spec.models[].search.*"""
    parts = [content]
    for step in path.replace("[]", ".[]").split("."):
        if step == "[]":
            parts = [element for part in parts for element in part]
        elif step == "*":
            parts = [value for part in parts for value in part.values()]
        elif step:
            parts = [part[step] for part in parts if step in part]
    yield from parts


@pytest.fixture(scope="module")
def rule_results() -> dict[str, set[bool]]:
    return _rule_results()


@pytest.mark.parametrize(
    "rule",
    [pytest.param(rule, id=rule["message"]) for _, _, rule in RULES if "oldSelf" not in rule["rule"]],
)
def test_every_rule_accepts_and_rejects_an_example(rule: dict[str, str], rule_results: dict[str, set[bool]]) -> None:
    assert rule_results[rule["rule"]] == {True, False}


CHANGES = [
    ({"spec.dataset.split.fractions": ["0.7", "0.2", "0.1"]}, "dataset"),
    ({"spec.dataset.negatives": ABSENT}, "dataset"),
    ({"spec.dataset.time": "other"}, "dataset"),
    ({"spec.dataset.time": {"column": "timestamp", "unit": "s"}}, "dataset"),
    ({"spec.models[0].parameters.batch_size": 512}, "models"),
    ({"spec.models[1].search.epochs.int.high": 10}, "models"),
    ({"spec.models[2]": {"name": "LR", "architecture": "lr"}}, "models"),
    ({"spec.tuning.trials": 19}, "tuning"),
    ({"spec.tuning.stop": {"noImprovement": 5}}, "tuning"),
    ({"spec.tuning.sampler": "Random"}, "tuning"),
    ({"spec.tuning.seed": 2}, "tuning"),
    ({"spec.tuning.mode": "Synchronous"}, "tuning"),
    ({"spec.tuning.maxFailedTrials": 3}, "tuning"),
    ({"spec.tuning.pruner.type": "None"}, "tuning"),
    ({"spec.tuning.timeout": ABSENT}, "tuning"),
    ({"spec.tuning.timeout": "2h"}, "tuning"),
    ({"spec.evaluation.seeds.count": 9}, "evaluation"),
    ({"spec.evaluation.seeds.base": 1}, "evaluation"),
    ({"spec.evaluation.precision": ABSENT}, "evaluation"),
    ({"spec.evaluation.precision.halfWidth": "0.01"}, "evaluation"),
    ({"spec.analysis.margin": "0.002"}, "analysis"),
    ({"spec.analysis.margin": ABSENT}, "analysis"),
    ({"spec.analysis.reference": "SIN"}, "analysis"),
    ({"spec.tuning.workers": 16}, None),
    ({"spec.tuning.trials": 21}, None),
    ({"spec.evaluation.seeds.max": 30}, None),
    ({"spec.suspend": True}, None),
    ({"spec.runtime.gpu": 0, "spec.runtime.queueName": "other"}, None),
    ({"spec.storage.endpoint": "https://other"}, None),
    ({"metadata.labels": {"team": "b"}}, None),
]
ABLATION_CHANGES = [
    ({"spec.experimentRef.name": "other"}, "experimentRef"),
    ({"spec.model": "DIN"}, "model"),
    ({"spec.variants[0].remove": ["linear"]}, "variants"),
    ({"spec.hyperparameters": "Retune"}, "hyperparameters"),
    ({"spec.seeds": {"from": "Explicit", "count": 9}}, "seeds"),
    ({"spec.factorial": True}, "factorial"),
    ({"spec.suspend": True}, None),
    ({"spec.runtime": {"image": "mine"}}, None),
]


@pytest.mark.parametrize(
    ("before", "changes", "frozen"),
    [(EXPERIMENT, *row) for row in CHANGES] + [(ABLATION, *row) for row in ABLATION_CHANGES],
)
def test_only_unplanned_fields_can_change_once_the_plan_is_frozen(
    before: dict[str, Any], changes: dict[str, Any], frozen: str | None
) -> None:
    server = SERVERS[before["kind"]]
    old = before | {"status": FROZEN_STATUS}
    violations = server.violations(with_changes(old, changes), old)
    assert [violation.split()[1] for violation in violations] == ([f"spec.{frozen}"] if frozen else [])
    if frozen and before is EXPERIMENT:
        exception = {"tuning": "spec.tuning.workers", "evaluation": "spec.evaluation.seeds.max"}.get(frozen)
        assert exception is None or f"except {exception}" in violations[0]


@pytest.mark.parametrize(
    ("models", "allowed"),
    [
        ([{"name": "SIN", "trialsDone": 19}, {"name": "LR", "trialsDone": 0, "searchDigest": "sha256:0"}], True),
        ([{"name": "SIN", "trialsDone": 20, "searchDigest": "sha256:0"}], False),
    ],
    ids=["only an untuned model is frozen", "a study is frozen"],
)
def test_trials_may_be_raised_until_a_study_is_frozen(models: list[dict[str, Any]], allowed: bool) -> None:
    old = EXPERIMENT | {"status": FROZEN_STATUS | {"models": models}}
    violations = SERVERS["CTRExperiment"].violations(with_changes(old, {"spec.tuning.trials": 21}), old)
    assert [violation.split()[1] for violation in violations] == ([] if allowed else ["spec.tuning"])
    assert allowed or "spec.tuning.trials, which may be raised until a study is frozen" in violations[0]


@pytest.mark.parametrize("status", [None, {}, {"stage": "Pending"}])
@pytest.mark.parametrize(("before", "changes"), [(EXPERIMENT, CHANGES), (ABLATION, ABLATION_CHANGES)])
def test_every_field_can_change_before_the_plan_is_frozen(
    before: dict[str, Any], changes: list[tuple[dict[str, Any], str | None]], status: dict[str, Any] | None
) -> None:
    old = before if status is None else before | {"status": status}
    one_of_each = {frozen: change for change, frozen in changes}.values()
    new = with_changes(old, {path: value for change in one_of_each for path, value in change.items()})
    assert SERVERS[before["kind"]].violations(new, old) == []


def test_every_field_of_a_spec_is_immutable_or_changeable() -> None:
    for kind in KINDS:
        schema = SERVERS[kind.kind].schema
        frozen = {rule["fieldPath"].removeprefix(".spec.") for name, rule in TRANSITIONS if name == kind.kind}
        changeable = {path for path in kind.changeable if "." not in path}
        assert frozen | changeable == schema["properties"]["spec"]["properties"].keys()
        assert frozen.isdisjoint(changeable)
