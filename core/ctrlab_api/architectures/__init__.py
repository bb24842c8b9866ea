"""The architectures that there are, by name, and the check of a model's parameters against its declaration."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations, islice, product
from typing import Any, Literal, Protocol

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ctrlab_api.architectures.attention_models import AutoInt, AutoIntPlus
from ctrlab_api.architectures.base_architecture import Architecture
from ctrlab_api.architectures.factorization_models import (
    DCN,
    FM,
    GDCN,
    LR,
    DCNv2,
    DeepFM,
    DNNOnly,
    WideDeep,
    XDeepFM,
)
from ctrlab_api.architectures.plugins import load_plugins
from ctrlab_api.architectures.product_models import AFN, AFNPlus, FiBiNET, FinalMLP, MaskNet
from ctrlab_api.architectures.sequence_models import BST, DIEN, DIN, DMIN, SIN

__all__ = [
    "ARCHITECTURES",
    "BUILTIN_ARCHITECTURES",
    "Architecture",
    "check_parameters",
    "check_parts",
    "declaration",
    "unknown_architecture",
]

BUILTIN_ARCHITECTURES: tuple[type[Architecture], ...] = (
    *(LR, FM, DNNOnly, WideDeep, DeepFM, XDeepFM, DCN, DCNv2, GDCN, AutoInt, AutoIntPlus),
    *(AFN, AFNPlus, FiBiNET, MaskNet, FinalMLP),
    *(DIN, DIEN, DMIN, BST, SIN),
)
_found, BROKEN_PLUGINS = load_plugins(declared.name for declared in BUILTIN_ARCHITECTURES)
"""What is wrong with an architecture that an installed package registers, by its name."""
ARCHITECTURES: dict[str, type[Architecture]] = {declared.name: declared for declared in BUILTIN_ARCHITECTURES} | _found
"""Shipped ones first, then those that installed packages register."""


PAIRS_TRIED = 64
"""Combinations of corners that are tried for each two tuned parameters."""


class Dimension(Protocol):
    """What is needed of a search dimension here."""

    @property
    def kind(self) -> Literal["float", "int", "categorical"]:
        """Which form the dimension has."""

    def corners(self) -> tuple[str | int, ...]:
        """Extreme values of the dimension."""


def declaration(architecture: str) -> type[Architecture]:
    """The declaration of an architecture; ValueError lists the known ones, or says why it cannot be loaded."""
    if architecture not in ARCHITECTURES:
        raise ValueError(unknown_architecture(architecture))
    return ARCHITECTURES[architecture]


def unknown_architecture(architecture: str) -> str:
    """Why there is no such architecture."""
    if architecture in BROKEN_PLUGINS:
        return f"the architecture {architecture!r} cannot be loaded: {BROKEN_PLUGINS[architecture]}"
    return f"unknown architecture {architecture!r}; known: {', '.join(ARCHITECTURES)}"


def check_parameters(
    architecture: str,
    parameters: Mapping[str, Any],
    search: Mapping[str, Dimension],
    reduced: Callable[[dict[str, str | int]], Mapping[str, Any] | None] = lambda point: point,
) -> list[tuple[str, str]]:
    """Problems of a model's fixed and tuned parameters, as (path below the model, message); empty when all is well.

    Every corner of every tuned parameter is tried, and the corners of every two together, with the others at their
    first corner, as far as `reduced` allows the point: a range that reaches outside a parameter's allowed values, and
    two ranges that do not go together, are refused before any trial starts. Each place is reported once.
    """
    declared = declaration(architecture)
    known = declared.model_fields
    unknown_architecture = [("parameters", name) for name in parameters if name not in known]
    unknown_architecture += [("search", name) for name in search if name not in known]
    if unknown_architecture:
        return [
            (f"{place}.{name}", f"{declared.title} has no such parameter; known: {', '.join(sorted(known))}")
            for place, name in unknown_architecture
        ]
    fractional = [
        (f"search.{name}", f"{name} is a whole number: search it with int or categorical, not with float")
        for name, dimension in search.items()
        if dimension.kind == "float" and known[name].annotation is int
    ]
    if fractional:
        return fractional
    found: dict[str, str] = {}
    for combination in _combinations(search):
        point = reduced(combination)
        if point is None:
            continue
        for place, message in _refusals(declared, {**parameters, **point}, search):
            found.setdefault(place, message)
    return list(found.items())


def _combinations(search: Mapping[str, Dimension]) -> Iterator[dict[str, str | int]]:
    """Values for all tuned parameters: first corners, each other corner alone, then corners of every two."""
    corners = {name: dimension.corners() for name, dimension in search.items()}
    first = {name: values[0] for name, values in corners.items()}
    yield first
    for name, values in corners.items():
        yield from (first | {name: value} for value in values[1:])
    for one, other in combinations(corners, 2):
        for value, with_it in islice(product(corners[one][1:], corners[other][1:]), PAIRS_TRIED):
            yield first | {one: value, other: with_it}


def _refusals(
    declared: type[Architecture], values: dict[str, Any], search: Mapping[str, Dimension]
) -> list[tuple[str, str]]:
    try:
        declared.model_validate(values)
    except ValidationError as error:
        return [_refusal(detail, values, search) for detail in error.errors(include_url=False)]
    return []


def _refusal(detail: ErrorDetails, values: dict[str, Any], search: Mapping[str, Dimension]) -> tuple[str, str]:
    """A rule that joins parameters has no place of its own: it is shown with the tuned values that break it."""
    message = detail["msg"].removeprefix("Value error, ")
    if not detail["loc"]:
        tried = ", ".join(f"{name} {value}" for name, value in values.items() if name in search)
        return "parameters", message + (f" (tried with {tried})" if tried else "")
    name = str(detail["loc"][0])
    given = f", not {values[name]!r}" if name in values else ""
    return f"{'search' if name in search else 'parameters'}.{name}", message[0].lower() + message[1:] + given


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
