"""The known architectures by name, and the checks of a model's parameters and parts against their declarations."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

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
from ctrlab_api.architectures.parameter_checks import Dimension, parameter_violations, part_violation
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

BUILTIN_ARCHITECTURES: Final[tuple[type[Architecture], ...]] = (
    *(LR, FM, DNNOnly, WideDeep, DeepFM, XDeepFM, DCN, DCNv2, GDCN, AutoInt, AutoIntPlus),
    *(AFN, AFNPlus, FiBiNET, MaskNet, FinalMLP),
    *(DIN, DIEN, DMIN, BST, SIN),
)
_plugins, BROKEN_PLUGINS = load_plugins(declared.name for declared in BUILTIN_ARCHITECTURES)
"""Errors of architectures that installed packages register but cannot be loaded, by architecture name."""
ARCHITECTURES: Final[dict[str, type[Architecture]]] = {
    declared.name: declared for declared in BUILTIN_ARCHITECTURES
} | _plugins
"""Built-in architectures first, then those that installed packages register."""


def declaration(architecture: str) -> type[Architecture]:
    """Return the declaration of an architecture; ValueError lists the known ones, or says why it cannot be loaded."""
    if architecture not in ARCHITECTURES:
        raise ValueError(unknown_architecture(architecture))
    return ARCHITECTURES[architecture]


def unknown_architecture(architecture: str) -> str:
    """Return the message about an architecture that does not exist or cannot be loaded."""
    if architecture in BROKEN_PLUGINS:
        return f"the architecture {architecture!r} cannot be loaded: {BROKEN_PLUGINS[architecture]}"
    return f"unknown architecture {architecture!r}; known: {', '.join(ARCHITECTURES)}"


def check_parameters(
    architecture: str,
    parameters: Mapping[str, Any],
    search: Mapping[str, Dimension],
    active_point: Callable[[dict[str, str | int]], Mapping[str, Any] | None] = lambda point: point,
) -> list[tuple[str, str]]:
    """Return problems of a model's parameters, as `parameter_violations`; ValueError for an unknown architecture."""
    return parameter_violations(declaration(architecture), parameters, search, active_point)


def check_parts(architecture: str, removed: Iterable[str]) -> None:
    """Raise ValueError for an unknown part, or when no branch would be left."""
    violation = part_violation(declaration(architecture), removed)
    if violation is not None:
        raise ValueError(violation)
