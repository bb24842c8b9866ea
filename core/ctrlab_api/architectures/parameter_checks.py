"""Checks of a model's parameters and removed parts against the declaration of its architecture."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations, islice, product
from typing import Any, Final, Literal, Protocol

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ctrlab_api.architectures.base_architecture import Architecture

MAX_CORNER_PAIRS: Final = 64
"""Combinations of corners that are tried for every two tuned parameters."""


class Dimension(Protocol):
    """The properties of a search dimension that the checks need."""

    @property
    def kind(self) -> Literal["float", "int", "categorical"]:
        """The form of the dimension."""

    def corners(self) -> tuple[str | int, ...]:
        """Return the extreme values of the dimension."""


def parameter_violations(
    declared: type[Architecture],
    parameters: Mapping[str, Any],
    search: Mapping[str, Dimension],
    active_point: Callable[[dict[str, str | int]], Mapping[str, Any] | None] = lambda point: point,
) -> list[tuple[str, str]]:
    """Return problems of a model's fixed and tuned parameters as (path below the model, message).

    Every corner of every tuned parameter is tried, and every pair of corners of two parameters with the others at their
    first corner, where `active_point` allows it. A range outside a parameter's allowed values and two incompatible
    ranges are thus rejected before any trial starts. Each path is reported once.
    """
    known = declared.model_fields
    unknown = [("parameters", name) for name in parameters if name not in known]
    unknown += [("search", name) for name in search if name not in known]
    if unknown:
        return [
            (f"{field}.{name}", f"{declared.title} has no such parameter; known: {', '.join(sorted(known))}")
            for field, name in unknown
        ]
    fractional = [
        (f"search.{name}", f"{name} is a whole number: search it with int or categorical, not with float")
        for name, dimension in search.items()
        if dimension.kind == "float" and known[name].annotation is int
    ]
    if fractional:
        return fractional
    violations: dict[str, str] = {}
    for combination in _corner_combinations(search):
        point = active_point(combination)
        if point is None:
            continue
        for path, message in _violations(declared, {**parameters, **point}, search):
            violations.setdefault(path, message)
    return list(violations.items())


def part_violation(declared: type[Architecture], removed: Iterable[str]) -> str | None:
    """Return why the parts cannot be removed: one is unknown, or no branch would be left; None if they can."""
    parts = set(removed)
    for part in sorted(parts):
        if part not in declared.parts:
            known = ", ".join(sorted(declared.parts)) or "none"
            return f"{declared.title} has no removable part {part!r}; known: {known}"
    if declared.branches and parts.issuperset(declared.branches):
        return f"nothing of {declared.title} would be left: keep one of {', '.join(declared.branches)}"
    return None


def _corner_combinations(search: Mapping[str, Dimension]) -> Iterator[dict[str, str | int]]:
    """Yield values of all tuned parameters: first corners, each other corner alone, then corners of every pair."""
    corners = {name: dimension.corners() for name, dimension in search.items()}
    first = {name: values[0] for name, values in corners.items()}
    yield first
    for name, values in corners.items():
        yield from (first | {name: value} for value in values[1:])
    for one, other in combinations(corners, 2):
        for value, other_value in islice(product(corners[one][1:], corners[other][1:]), MAX_CORNER_PAIRS):
            yield first | {one: value, other: other_value}


def _violations(
    declared: type[Architecture], values: dict[str, Any], search: Mapping[str, Dimension]
) -> list[tuple[str, str]]:
    try:
        declared.model_validate(values)
    except ValidationError as error:
        return [_violation(detail, values, search) for detail in error.errors(include_url=False)]
    return []


def _violation(detail: ErrorDetails, values: dict[str, Any], search: Mapping[str, Dimension]) -> tuple[str, str]:
    """Return path and message; a rule over several parameters has no path, so its tuned values are shown instead."""
    message = detail["msg"].removeprefix("Value error, ")
    if not detail["loc"]:
        tried = ", ".join(f"{name} {value}" for name, value in values.items() if name in search)
        return "parameters", message + (f" (tried with {tried})" if tried else "")
    name = str(detail["loc"][0])
    actual = f", not {values[name]!r}" if name in values else ""
    return f"{'search' if name in search else 'parameters'}.{name}", message[0].lower() + message[1:] + actual
