"""Architectures that installed packages register by an entry point, declared as the shipped ones are.

A package that cannot be loaded must not break a process that does not need it: what is wrong with it is kept, and told
to whoever asks for its architecture.
"""

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from ctrlab_api.architectures.base_architecture import Architecture

ENTRY_POINT_GROUP = "ctrlab.architectures"
"""Entry points of declarations, by the name that a specification uses."""


def load_plugins(taken: Iterable[str]) -> tuple[dict[str, type[Architecture]], dict[str, str]]:
    """Declarations by name, and what is wrong with the others; `taken` names belong to ctrlab."""
    found: dict[str, type[Architecture]] = {}
    broken: dict[str, str] = {}
    shipped = frozenset(taken)
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        if point.name in shipped:
            broken[f"{point.name} of {_package(point)}"] = "ctrlab ships an architecture of this name"
            continue
        try:
            found[point.name] = _declaration(point)
        except Exception as error:
            broken[point.name] = f"{_package(point)} registers {point.value}: {type(error).__name__}: {error}"
    return found, broken


def _declaration(point: EntryPoint) -> type[Architecture]:
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
        raise ValueError(f"{unknown[0]!r} is a branch, but none of its parts")
    return declared


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "an unknown package"
