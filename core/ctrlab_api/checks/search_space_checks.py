"""What can be wrong with the constraints of a search space, found before any work starts."""

from collections.abc import Iterator, Mapping

from ctrlab_api.errors import Problem
from ctrlab_api.resources.search_dimensions import Constraints, SearchDimension
from ctrlab_api.schema_types import Scalar
from ctrlab_api.search_space import SearchSpace, as_decimal, equal_values

MAX_GRID_CELLS = 100_000
"""Cells of a grid with constraints; every one of them has to be looked at."""


def check_search_space(space: SearchSpace, path: str) -> list[Problem]:
    """Every problem of a model's constraints, with paths below `path` (`spec.models[0]`); empty when all is well."""
    if space.is_unconstrained:
        return []
    found = [*_conditions(space, path), *_constraints(space, path)]
    if found:
        return found
    try:
        space.sampling_order  # noqa: B018
    except ValueError as error:
        return [Problem(f"{path}.search", f"{error}: remove one of them")]
    return list(_some_point(space, path))


def check_grid(space: SearchSpace, path: str) -> list[Problem]:
    """A grid with constraints is listed cell by cell, so it may not be too large."""
    cells = 1
    for dimension in space.dimensions.values():
        cells *= dimension.cardinality() or 1
    if space.is_unconstrained or cells <= MAX_GRID_CELLS:
        return []
    message = f"a Grid with constraints has at most {MAX_GRID_CELLS} cells before they apply, not {cells}"
    return [Problem(f"{path}.search", f"{message}; use larger steps, or another sampler")]


def _conditions(space: SearchSpace, path: str) -> Iterator[Problem]:
    for name in sorted(space.dimensions):
        for other, value in (space.dimensions[name].when or {}).items():
            place = f"{path}.search.{name}.when.{other}"
            if other == name:
                yield Problem(place, f"{name} cannot depend on itself")
            elif other in space.dimensions:
                yield from _value(space.dimensions[other], other, value, place)
            elif other not in space.fixed:
                yield Problem(place, f"{other} is neither tuned nor fixed; known: {_known(space)}")
            elif not equal_values(space.fixed[other], value):
                message = f"{other} is fixed at {space.fixed[other]!r}, so {name} would never be tuned"
                yield Problem(place, f"{message}; remove it from search, or tune {other}")


def _constraints(space: SearchSpace, path: str) -> Iterator[Problem]:
    given = space.constraints or Constraints.model_construct()
    for index, combination in enumerate(given.forbidden or ()):
        for name, value in combination.items():
            place = f"{path}.constraints.forbidden[{index}].{name}"
            if name in space.dimensions:
                yield from _value(space.dimensions[name], name, value, place)
            elif name not in space.fixed:
                yield Problem(place, f"{name} is neither tuned nor fixed; known: {_known(space)}")
    for index, names in enumerate(given.ordered or ()):
        for name in names:
            place = f"{path}.constraints.ordered[{index}]"
            if name not in space.dimensions:
                yield Problem(place, f"{name} is not tuned; known: {', '.join(sorted(space.dimensions))}")
            elif not all(_is_number(corner) for corner in space.dimensions[name].corners()):
                yield Problem(place, f"{name} has values that are no numbers, which have no order")


def _value(dimension: SearchDimension, name: str, value: Scalar, place: str) -> Iterator[Problem]:
    """A value that the dimension can take exactly."""
    if dimension.categorical is not None:
        if not any(equal_values(value, choice) for choice in dimension.categorical):
            yield Problem(place, f"{name} cannot be {value!r}; allowed: {', '.join(dimension.categorical)}")
        return
    low, high = dimension.corners()
    if dimension.cardinality() is None:
        yield Problem(place, f"{name} is any real from {low} to {high}, hit exactly by no trial; give it a step")
        return
    step = dimension.int_.step if dimension.int_ else (dimension.float_.step if dimension.float_ else None)
    found = as_decimal(value) if _is_number(value) else None
    if (
        found is None
        or not as_decimal(low) <= found <= as_decimal(high)
        or (found - as_decimal(low)) % as_decimal(step or 1)
    ):
        yield Problem(place, f"{name} cannot be {value!r}; allowed: {low} to {high} in steps of {step}")


def _some_point(space: SearchSpace, path: str) -> Iterator[Problem]:
    try:
        left = space.find_point()
    except TimeoutError:
        return
    if left is None:
        yield Problem(f"{path}.constraints", f"no point of the search space is left: {_description(space)}")


def _description(space: SearchSpace) -> str:
    given = space.constraints or Constraints.model_construct()
    parts = [f"{' <= '.join(names)}" for names in given.ordered or ()]
    parts += [f"not {_combination(combination)}" for combination in given.forbidden or ()]
    ranges = [f"{name} {_range(dimension)}" for name, dimension in sorted(space.dimensions.items())]
    return f"{'; '.join(parts)}; with {'; '.join(ranges)}"


def _combination(values: Mapping[str, Scalar]) -> str:
    return " with ".join(f"{name} {value}" for name, value in values.items())


def _range(dimension: SearchDimension) -> str:
    return "|".join(dimension.categorical) if dimension.categorical else " to ".join(map(str, dimension.corners()))


def _known(space: SearchSpace) -> str:
    return ", ".join(sorted({*space.dimensions, *space.fixed}))


def _is_number(value: Scalar) -> bool:
    try:
        as_decimal(value)
    except ValueError:
        return False
    return True
