"""Spec of the ValidatingAdmissionPolicy that checks models against the declarations of the built-in architectures.

The schema of a CRD cannot hold a table of parameters per architecture. The policy rejects unknown architectures and
parameters, and values out of bounds, when a resource is created; the operator checks the same, and more, before it
freezes a plan. An experiment that names its own image may use architectures that the image registers.
"""

from typing import Any, Final

import annotated_types
from pydantic.fields import FieldInfo

from ctrlab_api.architectures import BUILTIN_ARCHITECTURES
from ctrlab_api.crd.policy_constraints import experiment_writes

NUMBER: Final = r"^[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?$"
UNBOUNDED: Final = "[0.0]"
"""Entry of a parameter that is not a number; other entries have four elements."""
MAX_FLOAT: Final = 1.7e308

KNOWN_MODELS: Final = "variables.models.filter(m, m.architecture in variables.architectures)"
OUTSIDE: Final = (
    "(double({value}) < {entry}[0] || double({value}) > {entry}[1] "
    "|| ({entry}[2] == 1.0 && double({value}) == {entry}[0]) || ({entry}[3] == 1.0 && double({value}) == {entry}[1]))"
)
"""CEL condition: a number is outside of the bounds of an entry."""


def model_policy() -> dict[str, Any]:
    """Return variables, match conditions and validations; the chart adds the names of further architectures."""
    return {
        "matchConditions": [
            {
                "name": "models-are-new",
                "expression": "request.operation == 'CREATE' || object.spec.models != oldObject.spec.models",
            }
        ],
        "matchConstraints": experiment_writes(),
        "variables": [{"name": name, "expression": expression} for name, expression in _variables().items()],
        "validations": list(_validations()),
    }


def _variables() -> dict[str, str]:
    """Return the variables in the order in which they refer to each other."""
    entry = "variables.architectures[m.architecture][k]"
    fixed = "string(m.parameters[k])"
    dimension = "m.search[k]"
    low, high = (
        f"(has({dimension}.float) ? {dimension}.float.{end} : {dimension}.int.{end})" for end in ("low", "high")
    )
    numeric_choice = f"c.matches('{NUMBER}') && {OUTSIDE.format(value='c', entry=entry)}"
    return {
        "models": "object.spec.models",
        "hasImage": "has(object.spec.runtime) && has(object.spec.runtime.image)",
        "architectures": _architectures(),
        "unknownArchitecture": "variables.hasImage ? [] : variables.models.filter(m, "
        "!(m.architecture in variables.architectures) && !(m.architecture in variables.registeredArchitectures))",
        "unknownParameter": f"{KNOWN_MODELS}.filter(m, "
        "(has(m.parameters) && m.parameters.exists(k, !(k in variables.architectures[m.architecture]))) "
        "|| (has(m.search) && m.search.exists(k, !(k in variables.architectures[m.architecture]))))",
        "valueOutOfBounds": f"{KNOWN_MODELS}.filter(m, has(m.parameters) && m.parameters.exists(k, "
        f"k in variables.architectures[m.architecture] && size({entry}) == 4 && {fixed}.matches('{NUMBER}') "
        f"&& {OUTSIDE.format(value=fixed, entry=entry)}))",
        "rangeOutOfBounds": f"{KNOWN_MODELS}.filter(m, has(m.search) && m.search.exists(k, "
        f"k in variables.architectures[m.architecture] && size({entry}) == 4 && (has({dimension}.categorical) "
        f"? {dimension}.categorical.exists(c, {numeric_choice}) "
        f": ({OUTSIDE.format(value=low, entry=entry)} || {OUTSIDE.format(value=high, entry=entry)}))))",
    }


def _validations() -> list[dict[str, str]]:
    known_parameters = "variables.architectures[variables.{name}[0].architecture].map(k, k).join(', ')"
    subject = '"model " + variables.{name}[0].name'
    messages = {
        "unknownArchitecture": '"spec.models: unknown architecture " + variables.unknownArchitecture[0].architecture + '
        '"; known: " + variables.architectures.map(a, a).join(", ") + '
        '"; for an architecture that your image registers, name the image in spec.runtime.image"',
        "unknownParameter": f'"spec.models: " + {subject} + " has a parameter that its architecture does not know; '
        f'known: " + {known_parameters}',
        "valueOutOfBounds": f'"spec.models: " + {subject} + " has a parameter outside of its allowed range; '
        'ctrlab validate shows it, and ctrlab architectures lists the ranges"',
        "rangeOutOfBounds": f'"spec.models: " + {subject} + " tunes a parameter outside of its allowed range; '
        'ctrlab validate shows it, and ctrlab architectures lists the ranges"',
    }
    return [
        {
            "expression": f"size(variables.{name}) == 0",
            "messageExpression": message.format(name=name),
            "reason": "Invalid",
        }
        for name, message in messages.items()
    ]


def _architectures() -> str:
    """Return a CEL map: architecture to parameter to its entry."""
    declared = (
        f"'{architecture.name}': {{{', '.join(_entries(architecture.model_fields))}}}"
        for architecture in BUILTIN_ARCHITECTURES
    )
    return "{" + ", ".join(declared) + "}"


def _entries(fields: dict[str, FieldInfo]) -> list[str]:
    return [f"'{name}': {_entry(field)}" for name, field in sorted(fields.items())]


def _entry(field: FieldInfo) -> str:
    """Return lowest and highest value, and 1.0 for a bound that is itself excluded."""
    if field.annotation not in (int, float):
        return UNBOUNDED
    low, high, is_low_excluded, is_high_excluded = -MAX_FLOAT, MAX_FLOAT, 0.0, 0.0
    for bound in field.metadata:
        match bound:
            case annotated_types.Ge(ge=value):
                low = float(value)  # type: ignore[arg-type]
            case annotated_types.Gt(gt=value):
                low, is_low_excluded = float(value), 1.0  # type: ignore[arg-type]
            case annotated_types.Le(le=value):
                high = float(value)  # type: ignore[arg-type]
            case annotated_types.Lt(lt=value):
                high, is_high_excluded = float(value), 1.0  # type: ignore[arg-type]
    return f"[{low!r}, {high!r}, {is_low_excluded}, {is_high_excluded}]"
