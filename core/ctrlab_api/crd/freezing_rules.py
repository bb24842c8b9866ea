"""CEL rules that make the planned fields of a spec immutable once the plan is frozen.

They are at the root of the schema, where a rule can read the old status beside both specs, and are generated from the
models: a new field is immutable unless it is listed as changeable.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ctrlab_api.cel import CEL_VALIDATIONS

UNPLANNED: Final = "!has(oldSelf.status) || !has(oldSelf.status.planDigest)"
"""CEL condition: the plan is not frozen yet."""


@dataclass(frozen=True)
class RaisableField:
    """A number that may be raised after the plan is frozen."""

    path: str
    """Path below the spec."""
    condition: str
    """CEL condition under which it may be raised."""
    until: str
    """The same condition in words."""


def freezing_rules(
    spec: type[BaseModel], kind: str, changeable: frozenset[str], raisable: tuple[RaisableField, ...]
) -> dict[str, list[dict[str, str]]]:
    """Return one rule for each field of the spec that is not in `changeable` (paths such as `tuning.workers`)."""
    return {CEL_VALIDATIONS: list(_rules(spec, kind, changeable, raisable))}


def _rules(
    spec: type[BaseModel], kind: str, changeable: frozenset[str], raisable: tuple[RaisableField, ...]
) -> Iterator[dict[str, str]]:
    for name, field in _fields(spec).items():
        if name in changeable:
            continue
        below = sorted(path for path in changeable if path.startswith(f"{name}."))
        exceptions = f", except {' and '.join(f'spec.{path}' for path in below)}" if below else ""
        for number in raisable:
            if number.path.startswith(f"{name}."):
                exceptions += f", and spec.{number.path}, which may be raised {number.until}"
        yield {
            "rule": f"{UNPLANNED} || ({' && '.join(_unchanged(name, field, changeable, raisable))})",
            "message": f"spec.{name} cannot change once the plan is frozen{exceptions}: create another {kind} instead",
            "reason": "FieldValueForbidden",
            "fieldPath": f".spec.{name}",
        }


def _unchanged(
    path: str, field: FieldInfo, changeable: frozenset[str], raisable: tuple[RaisableField, ...]
) -> Iterator[str]:
    """Yield expressions that are true when the field is unchanged, except for its changeable members."""
    new, old = f"self.spec.{path}", f"oldSelf.spec.{path}"
    number = next((number for number in raisable if number.path == path), None)
    if number is not None:
        yield f"({new} == {old} || ({new} > {old} && ({number.condition})))"
    elif any(member.startswith(f"{path}.") for member in changeable):
        model = field.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel), f"{path} is not an object"
        for name, member in _fields(model).items():
            if f"{path}.{name}" not in changeable:
                yield from _unchanged(f"{path}.{name}", member, changeable, raisable)
    elif field.is_required() or field.default is not None:
        yield f"{new} == {old}"
    else:
        yield f"has({new}) == has({old}) && (!has({new}) || {new} == {old})"


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field for name, field in model.model_fields.items()}
