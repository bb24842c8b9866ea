"""The architectures that ctrlab ships, by name, and the check of a model's parameters against its declaration."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from pydantic import ValidationError

from ctrlab_contract.architectures.base import Architecture
from ctrlab_contract.architectures.factorization import FM, LR, DCNv2, DeepFM, DNNOnly, XDeepFM
from ctrlab_contract.architectures.sequence import BST, DIN, SIN

__all__ = ["ARCHITECTURES", "Architecture", "check_parameters", "check_parts", "declaration"]

ARCHITECTURES: dict[str, type[Architecture]] = {
    declared.name: declared for declared in (LR, FM, DNNOnly, DeepFM, XDeepFM, DCNv2, DIN, BST, SIN)
}


class Dimension(Protocol):
    """What is needed of a search dimension here."""

    def corners(self) -> tuple[str | int, ...]:
        """Extreme values of the dimension."""


def declaration(architecture: str) -> type[Architecture]:
    """The declaration of a shipped architecture; ValueError lists the known ones."""
    if architecture not in ARCHITECTURES:
        raise ValueError(f"unknown architecture {architecture!r}; known: {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[architecture]


def check_parameters(
    architecture: str, parameters: Mapping[str, Any], search: Mapping[str, Dimension]
) -> list[tuple[str, str]]:
    """Problems of a model's fixed and tuned parameters, as (path below the model, message); empty when all is well.

    Every corner of the search space is tried in turn with the others at their first corner, so that a range that
    reaches outside a parameter's allowed values is refused before any trial starts.
    """
    declared = declaration(architecture)
    known = declared.model_fields
    unknown = [("parameters", name) for name in parameters if name not in known]
    unknown += [("search", name) for name in search if name not in known]
    if unknown:
        return [
            (f"{place}.{name}", f"{declared.title} has no such parameter; known: {', '.join(sorted(known))}")
            for place, name in unknown
        ]
    first = {name: dimension.corners()[0] for name, dimension in search.items()}
    problems = _refusals(declared, {**parameters, **first}, search)
    for name, dimension in search.items():
        for corner in dimension.corners()[1:]:
            problems += _refusals(declared, {**parameters, **first, name: corner}, search, only=name)
    return list(dict.fromkeys(problems))


def _refusals(
    declared: type[Architecture], values: dict[str, Any], search: Mapping[str, Dimension], only: str | None = None
) -> list[tuple[str, str]]:
    try:
        declared.model_validate(values)
    except ValidationError as error:
        found = []
        for detail in error.errors(include_url=False):
            name = str(detail["loc"][0]) if detail["loc"] else (only or "")
            place = "search" if name in search else "parameters"
            message = detail["msg"].removeprefix("Value error, ")
            given = f", not {values[name]!r}" if detail["loc"] and name in values else ""
            found.append((f"{place}.{name}".rstrip("."), message + given))
        return found
    return []


def check_parts(architecture: str, removed: Iterable[str]) -> None:
    """ValueError for an unknown part, or when no branch would be left."""
    declared = declaration(architecture)
    gone = set(removed)
    for part in sorted(gone):
        if part not in declared.parts:
            known = ", ".join(sorted(declared.parts)) or "none"
            raise ValueError(f"{declared.title} has no removable part {part!r}; known: {known}")
    if declared.branches and gone.issuperset(declared.branches):
        raise ValueError(f"nothing of {declared.title} would be left: keep one of {', '.join(declared.branches)}")
