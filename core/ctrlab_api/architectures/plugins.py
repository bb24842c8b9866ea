"""Architectures that installed packages register by an entry point, declared like the built-in ones.

A package that cannot be loaded must not break a process that does not need it: its error is kept and reported to the
user of its architecture.
"""

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from ctrlab_api.architectures.base_architecture import Architecture

ENTRY_POINT_GROUP: Final = "ctrlab.architectures"
"""Group of the entry points, whose names are the names of architectures in a specification."""


def load_plugins(reserved: Iterable[str]) -> tuple[dict[str, type[Architecture]], dict[str, str]]:
    """Return the registered declarations by name, and the errors of all others; `reserved` names are built in."""
    loaded: dict[str, type[Architecture]] = {}
    errors: dict[str, str] = {}
    built_in = frozenset(reserved)
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        if point.name in built_in:
            errors[f"{point.name} of {_package(point)}"] = "ctrlab ships an architecture of this name"
            continue
        try:
            loaded[point.name] = _load_declaration(point)
        except Exception as error:
            errors[point.name] = f"{_package(point)} registers {point.value}: {type(error).__name__}: {error}"
    return loaded, errors


def _load_declaration(point: EntryPoint) -> type[Architecture]:
    declared = point.load()
    if not (isinstance(declared, type) and issubclass(declared, Architecture)):
        raise TypeError("expected a subclass of ctrlab_api.architectures.Architecture")
    missing = [name for name in ("name", "title", "paper") if not hasattr(declared, name)]
    if missing:
        raise TypeError(f"{declared.__name__} lacks {', '.join(missing)}")
    if declared.name != point.name:
        raise ValueError(f"its name is {declared.name!r}, the entry point's {point.name!r}: they must be equal")
    unknown = sorted({*declared.branches, *declared.history_branches} - declared.parts.keys())
    if unknown:
        raise ValueError(f"{unknown[0]!r} is a branch, but not one of its parts")
    return declared


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "an unknown package"
