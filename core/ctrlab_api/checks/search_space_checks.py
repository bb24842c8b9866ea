"""Checks of the constraints of a search space, made before any work starts."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from ctrlab_api.errors import Problem
from ctrlab_api.parameter_values import as_decimal, choice_value, equal_values, value_at
from ctrlab_api.resources.search_dimensions import Constraints, SearchDimension
from ctrlab_api.schema_types import Scalar
from ctrlab_api.search_space import SearchSpace

MAX_GRID_CELLS = 100_000
"""Maximum size of a grid with constraints, because every cell of it is examined."""


def check_search_space(space: SearchSpace, path: str) -> list[Problem]:
    """Return every problem of a model's constraints, with paths below `path` (`spec.models[0]`)."""
    problems = list(_equal_choices(space, path))
    if problems or space.is_unconstrained:
        return problems
    problems = [*_condition_problems(space, path), *_constraint_problems(space, path)]
    if problems:
        return problems
    try:
        space.sampling_order  # noqa: B018
    except ValueError as error:
        return [Problem(f"{path}.search", f"{error}: remove one of them")]
    return list(_feasibility_problems(space, path))


def unreached_bounds(space: SearchSpace, path: str) -> list[Problem]:
    """Return a note for each range whose upper bound is never tried, because the step does not divide it."""
    notes = []
    for name, dimension in sorted(space.dimensions.items()):
        count = None if dimension.categorical is not None else dimension.cardinality()
        if count is None:
            continue
        high, highest = dimension.corners()[1], value_at(dimension, count - 1)
        if abs(as_decimal(high) - as_decimal(highest)) > abs(as_decimal(high)) * Decimal("1e-9"):
            message = f"high {high} is never tried, because step does not divide the range; the last value is {highest}"
            notes.append(Problem(f"{path}.search.{name}", message))
    return notes


def check_grid(space: SearchSpace, path: str) -> list[Problem]:
    """Return the problem of a grid with constraints that is too large to be listed cell by cell."""
    cells = 1
    for dimension in space.dimensions.values():
        cells *= dimension.cardinality() or 1
    if space.is_unconstrained or cells <= MAX_GRID_CELLS:
        return []
    message = f"a Grid with constraints has at most {MAX_GRID_CELLS} cells before they apply, not {cells}"
    return [Problem(f"{path}.search", f"{message}; use larger steps, or another sampler")]


def _equal_choices(space: SearchSpace, path: str) -> Iterator[Problem]:
    """Yield choices that are one value in two spellings, which would count twice in the search."""
    for name, dimension in sorted(space.dimensions.items()):
        spelling_of: dict[tuple[Decimal | str, ...], str] = {}
        for choice in dimension.categorical or ():
            first = spelling_of.setdefault(choice_value(choice), choice)
            if first != choice:
                message = f'"{first}" and "{choice}" are the same value; remove one of them'
                yield Problem(f"{path}.search.{name}.categorical", message)


def _condition_problems(space: SearchSpace, path: str) -> Iterator[Problem]:
    for name in sorted(space.dimensions):
        for other, value in (space.dimensions[name].when or {}).items():
            where = f"{path}.search.{name}.when.{other}"
            if other == name:
                yield Problem(where, f"{name} cannot depend on itself")
            elif other in space.dimensions:
                yield from _value_problems(space.dimensions[other], other, value, where)
            elif other not in space.fixed:
                yield Problem(where, f"{other} is neither tuned nor fixed; known: {_known_parameters(space)}")
            elif not equal_values(space.fixed[other], value):
                message = f"{other} is fixed at {space.fixed[other]!r}, so {name} would never be tuned"
                yield Problem(where, f"{message}; remove it from search, or tune {other}")


def _constraint_problems(space: SearchSpace, path: str) -> Iterator[Problem]:
    constraints = space.constraints or Constraints.model_construct()
    for index, combination in enumerate(constraints.forbidden or ()):
        for name, value in combination.items():
            where = f"{path}.constraints.forbidden[{index}].{name}"
            if name in space.dimensions:
                yield from _value_problems(space.dimensions[name], name, value, where)
            elif name not in space.fixed:
                yield Problem(where, f"{name} is neither tuned nor fixed; known: {_known_parameters(space)}")
    for index, names in enumerate(constraints.ordered or ()):
        for name in names:
            where = f"{path}.constraints.ordered[{index}]"
            if name not in space.dimensions:
                yield Problem(where, f"{name} is not tuned; known: {', '.join(sorted(space.dimensions))}")
            elif not all(_is_number(corner) for corner in space.dimensions[name].corners()):
                yield Problem(where, f"{name} has values that are not numbers and therefore have no order")


def _value_problems(dimension: SearchDimension, name: str, value: Scalar, where: str) -> Iterator[Problem]:
    """Yield the problem of a value that the dimension cannot have exactly."""
    if dimension.categorical is not None:
        if not any(equal_values(value, choice) for choice in dimension.categorical):
            yield Problem(where, f"{name} cannot be {value!r}; allowed: {', '.join(dimension.categorical)}")
        return
    low, high = dimension.corners()
    if dimension.cardinality() is None:
        yield Problem(where, f"{name} is continuous ({low} to {high}), so no trial matches it exactly; give it a step")
        return
    step = dimension.int_.step if dimension.int_ else (dimension.float_.step if dimension.float_ else None)
    number = as_decimal(value) if _is_number(value) else None
    if (
        number is None
        or not as_decimal(low) <= number <= as_decimal(high)
        or (number - as_decimal(low)) % as_decimal(step or 1)
    ):
        yield Problem(where, f"{name} cannot be {value!r}; allowed: {low} to {high} in steps of {step}")


def _feasibility_problems(space: SearchSpace, path: str) -> Iterator[Problem]:
    try:
        point = space.find_point()
    except TimeoutError:
        return
    if point is None:
        yield Problem(f"{path}.constraints", f"no point of the search space is allowed: {_description(space)}")


def _description(space: SearchSpace) -> str:
    constraints = space.constraints or Constraints.model_construct()
    rules = [f"{' <= '.join(names)}" for names in constraints.ordered or ()]
    rules += [f"not {_combination(combination)}" for combination in constraints.forbidden or ()]
    ranges = [f"{name} {_range(dimension)}" for name, dimension in sorted(space.dimensions.items())]
    return f"{'; '.join(rules)}; with {'; '.join(ranges)}"


def _combination(values: Mapping[str, Scalar]) -> str:
    return " with ".join(f"{name} {value}" for name, value in values.items())


def _range(dimension: SearchDimension) -> str:
    return "|".join(dimension.categorical) if dimension.categorical else " to ".join(map(str, dimension.corners()))


def _known_parameters(space: SearchSpace) -> str:
    return ", ".join(sorted({*space.dimensions, *space.fixed}))


def _is_number(value: Scalar) -> bool:
    try:
        as_decimal(value)
    except ValueError:
        return False
    return True
