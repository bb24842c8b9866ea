"""ValidatingAdmissionPolicies: validations over the whole object, evaluated after the schema of a CRD."""

import functools
import json
from pathlib import Path
from typing import Any

import celpy
import yaml
from celpy.adapter import json_to_cel
from celpy.evaluation import CELEvalError

POLICIES = Path(__file__).parents[3] / "charts" / "ctrlab" / "files" / "admission"


class AdmissionPolicy:
    """One policy with `failurePolicy: Ignore`: an expression that cannot be evaluated rejects nothing."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.validations: list[dict[str, str]] = spec["validations"]
        self.plurals = {name for rule in spec["matchConstraints"]["resourceRules"] for name in rule["resources"]}
        self._variables: list[dict[str, str]] = spec["variables"]
        self._conditions: list[dict[str, str]] = spec["matchConditions"]

    def violations(self, content: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
        """Return the message of every validation that rejects the object; for an update, `old` is the stored one."""
        return [
            self.validations[index]["message"] for index, holds in enumerate(self.results(content, old)) if not holds
        ]

    def results(self, content: dict[str, Any], old: dict[str, Any] | None = None) -> list[bool]:
        """Return the result of each validation; none if a match condition excludes the request.

        The policies of the chart read only the spec, which equal experiments of other names share.
        """
        return self._cached_results(json.dumps(content["spec"]), None if old is None else json.dumps(old["spec"]))

    @functools.cache  # noqa: B019
    def _cached_results(self, spec: str, old: str | None) -> list[bool]:
        scope = {
            "object": json_to_cel({"spec": json.loads(spec)}),
            "oldObject": None if old is None else json_to_cel({"spec": json.loads(old)}),
            "request": json_to_cel({"operation": "CREATE" if old is None else "UPDATE"}),
        }
        if not all(_is_true(condition["expression"], scope) for condition in self._conditions):
            return []
        variables: Any = json_to_cel({})
        scope["variables"] = variables
        for variable in self._variables:
            variables[json_to_cel(variable["name"])] = _program(variable["expression"]).evaluate(scope)
        return [_is_true(validation["expression"], scope) for validation in self.validations]


@functools.cache
def time_admission() -> AdmissionPolicy:
    """Return the policy of the chart that checks `spec.dataset.time`."""
    return AdmissionPolicy(yaml.safe_load((POLICIES / "time.yaml").read_text(encoding="utf-8")))


def _is_true(expression: str, scope: dict[str, Any]) -> bool:
    """Whether an expression is true; an error counts as true because the policy ignores failures."""
    try:
        return bool(_program(expression).evaluate(scope))
    except CELEvalError:
        return True


@functools.cache
def _program(expression: str) -> Any:
    environment = celpy.Environment()
    return environment.program(environment.compile(expression))
