"""Rules that freeze a spec once its plan is frozen.

They stand at the schema's root, where a rule sees the old status beside both specs, and are made from the models: a new
field is frozen unless it is named as one that may change.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ctrlab_api.cel import CEL_VALIDATIONS

UNPLANNED = "!has(oldSelf.status) || !has(oldSelf.status.planDigest)"


@dataclass(frozen=True)
class Raisable:
    """A number that may grow after the plan is frozen."""

    path: str
    """Below the spec."""
    condition: str
    """CEL: when it still may."""
    until: str
    """The same in words."""


def freezing_rules(
    spec: type[BaseModel], kind: str, changeable: frozenset[str], raisable: tuple[Raisable, ...]
) -> dict[str, list[dict[str, str]]]:
    """One rule for each field of the spec that is not in `changeable` (paths such as `tuning.workers`)."""
    return {CEL_VALIDATIONS: list(_rules(spec, kind, changeable, raisable))}


def _rules(
    spec: type[BaseModel], kind: str, changeable: frozenset[str], raisable: tuple[Raisable, ...]
) -> Iterator[dict[str, str]]:
    for name, field in _fields(spec).items():
        if name in changeable:
            continue
        below = sorted(path for path in changeable if path.startswith(f"{name}."))
        except_ = f", except {' and '.join(f'spec.{path}' for path in below)}" if below else ""
        for grows in raisable:
            if grows.path.startswith(f"{name}."):
                except_ += f", and spec.{grows.path}, which may be raised {grows.until}"
        yield {
            "rule": f"{UNPLANNED} || ({' && '.join(_equal(name, field, changeable, raisable))})",
            "message": f"spec.{name} cannot change once the plan is frozen{except_}: create another {kind} instead",
            "reason": "FieldValueForbidden",
            "fieldPath": f".spec.{name}",
        }


def _equal(path: str, field: FieldInfo, changeable: frozenset[str], raisable: tuple[Raisable, ...]) -> Iterator[str]:
    """Expressions that hold when the field is unchanged, leaving out the parts of it that may change."""
    new, old = f"self.spec.{path}", f"oldSelf.spec.{path}"
    grows = next((found for found in raisable if found.path == path), None)
    if grows is not None:
        yield f"({new} == {old} || ({new} > {old} && ({grows.condition})))"
    elif any(part.startswith(f"{path}.") for part in changeable):
        model = field.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel), f"{path} is not an object"
        for name, member in _fields(model).items():
            if f"{path}.{name}" not in changeable:
                yield from _equal(f"{path}.{name}", member, changeable, raisable)
    elif field.is_required() or field.default is not None:
        yield f"{new} == {old}"
    else:
        yield f"has({new}) == has({old}) && (!has({new}) || {new} == {old})"


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field for name, field in model.model_fields.items()}
