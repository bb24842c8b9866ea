"""Spec of the ValidatingAdmissionPolicy that checks `spec.dataset.time`.

The field is text or an object, which a CRD can only leave untyped; CEL rules of a schema cannot read such a field, and
those of a policy can. `dataset-is-new` keeps the policy away from updates that leave the data set as it is, so that
an experiment that was created without the policy can still be suspended.
"""

from typing import Any, Final

from ctrlab_api.crd.policy_constraints import experiment_writes
from ctrlab_api.resources.time_column import FORM_RULES, REQUIREMENT_RULES

VARIABLES: Final = {
    "dataset": "object.spec.dataset",
    "hasTime": "has(variables.dataset.time) && type(variables.dataset.time) != null_type",
    "time": "variables.hasTime && type(variables.dataset.time) == string "
    "? {'column': variables.dataset.time} : (variables.hasTime ? variables.dataset.time : {})",
    "allFields": "type(variables.time) == map ? variables.time.map(k, k) : []",
    "timeFields": "variables.allFields.filter(k, type(variables.time[k]) != null_type)",
}
"""`time` is either form as an object, `allFields` its fields and `timeFields` those that are not null."""

RULES_BY_PATH: Final = {"spec.dataset.time": FORM_RULES, "spec.dataset": REQUIREMENT_RULES}
"""Rules by the path of the field that a violation names."""


def time_policy() -> dict[str, Any]:
    """Return match conditions and constraints, variables and validations."""
    return {
        "matchConditions": [
            {
                "name": "dataset-is-new",
                "expression": "request.operation == 'CREATE' || object.spec.dataset != oldObject.spec.dataset",
            }
        ],
        "matchConstraints": experiment_writes(),
        "variables": [{"name": name, "expression": expression} for name, expression in VARIABLES.items()],
        "validations": [
            {"expression": rule, "message": f"{path}: {message}", "reason": "Invalid"}
            for path, rules in RULES_BY_PATH.items()
            for rule, message in rules
        ],
    }
