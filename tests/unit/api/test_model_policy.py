"""The admission policy rejects what the checks of architectures reject, and nothing that they accept."""

import json
from typing import Any

import celpy
import pytest
from builders import with_changes
from celpy.adapter import json_to_cel
from celpy.evaluation import CELEvalError
from resource_examples.accepted_examples import EXPERIMENT

from ctrlab_api.architectures import BUILTIN_ARCHITECTURES
from ctrlab_api.checks.experiment_checks import check_experiment
from ctrlab_api.crd.model_policy import model_policy
from ctrlab_api.resources.experiment import Experiment

POLICY = model_policy()
MODEL = "spec.models[1]"


@pytest.fixture(scope="module")
def programs() -> dict[str, Any]:
    """The compiled variables of the policy by name."""
    environment = celpy.Environment()
    return {
        variable["name"]: environment.program(environment.compile(variable["expression"]))
        for variable in POLICY["variables"]
    }


def violations(programs: dict[str, Any], content: dict[str, Any], registered: tuple[str, ...] = ()) -> list[str]:
    """Return the names of the variables that name an invalid model, as the API server evaluates them."""
    variables: Any = json_to_cel({"registeredArchitectures": list(registered)})
    obj = json_to_cel(json.loads(json.dumps(content)))
    for name, program in programs.items():
        try:
            variables[name] = program.evaluate({"object": obj, "variables": variables})
        except CELEvalError as error:
            pytest.fail(f"{name}: {error}")
    names = [validation["expression"].split("variables.")[1].split(")")[0] for validation in POLICY["validations"]]
    return [name for name in names if len(variables[name])]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({f"{MODEL}.architecture": "sinn"}, ["unknownArchitecture"]),
        ({f"{MODEL}.parameters": {"depth": 3}}, ["unknownParameter"]),
        ({f"{MODEL}.search.droput": {"float": {"low": "0.1", "high": "0.2"}}}, ["unknownParameter"]),
        ({f"{MODEL}.parameters": {"dropout": "1"}}, ["valueOutOfBounds"]),
        ({f"{MODEL}.parameters": {"dropout": "0.99"}}, []),
        ({f"{MODEL}.parameters": {"dropout": "-1e-3"}}, ["valueOutOfBounds"]),
        ({f"{MODEL}.parameters": {"embedding_init": 0}}, ["valueOutOfBounds"]),
        ({f"{MODEL}.parameters": {"batch_size": 2000000}}, ["valueOutOfBounds"]),
        ({f"{MODEL}.parameters": {"hidden_units": "400,400", "batch_norm": "true", "activation": "relu"}}, []),
        ({f"{MODEL}.search.dropout": {"float": {"low": "0.1", "high": "1.5"}}}, ["rangeOutOfBounds"]),
        ({f"{MODEL}.search.dropout": {"categorical": ["0.1", "2"]}}, ["rangeOutOfBounds"]),
        ({f"{MODEL}.search.dropout": {"categorical": ["0", "0.5"]}}, []),
        ({f"{MODEL}.search.epochs": {"int": {"low": 1, "high": 2000}}}, ["rangeOutOfBounds"]),
        ({f"{MODEL}.search.hidden_units": {"categorical": ["64,32", "400"]}}, []),
    ],
    ids=str,
)
def test_the_policy_and_the_checks_agree(
    programs: dict[str, Any], changes: dict[str, Any], expected: list[str]
) -> None:
    content = with_changes(EXPERIMENT, changes)
    assert violations(programs, content) == expected
    problems = check_experiment(Experiment.model_validate_json(json.dumps(content)))
    assert bool(problems) == bool(expected)


def test_an_image_of_the_user_may_register_an_architecture(programs: dict[str, Any]) -> None:
    changes = {f"{MODEL}.architecture": "mine", f"{MODEL}.parameters": {"anything": 3}}
    assert violations(programs, with_changes(EXPERIMENT, {**changes, "spec.runtime": {"image": "mine:1"}})) == []
    assert violations(programs, with_changes(EXPERIMENT, changes)) == ["unknownArchitecture"]
    assert violations(programs, with_changes(EXPERIMENT, changes), registered=("mine",)) == []


def test_every_architecture_and_parameter_is_in_the_policy(programs: dict[str, Any]) -> None:
    table = programs["architectures"].evaluate({})
    assert {str(name) for name in table} == {declared.name for declared in BUILTIN_ARCHITECTURES}
    for declared in BUILTIN_ARCHITECTURES:
        assert {str(name) for name in table[declared.name]} == declared.model_fields.keys()


def test_an_update_that_changes_no_model_is_not_checked() -> None:
    (condition,) = POLICY["matchConditions"]
    assert "object.spec.models != oldObject.spec.models" in condition["expression"]
