"""A search space with its constraints: its active parameters, its allowed points, and a search for one of them.

Pure, and free of Optuna, so that the same answers are used to reject a specification and to sample a trial.
"""

import json
import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any, Final

from ctrlab_api.parameter_values import (
    Value,
    as_decimal,
    as_number,
    dimension_values,
    equal_values,
    lowest_value,
    random_number,
    random_value,
)
from ctrlab_api.resources.search_dimensions import Constraints, SearchDimension
from ctrlab_api.schema_types import Scalar

Candidates = Callable[[str, Mapping[str, Value]], Iterable[Value]]
"""Returns the values to try for a parameter, given the values of those before it."""

MAX_STEPS: Final = 200_000
"""Partial points that are examined before the search for an allowed point is abandoned."""

MAX_SAMPLES: Final = 1000
"""Random points that are tried before an allowed one is searched for step by step."""

RANDOM_CANDIDATES: Final = 3
"""Random values of a range that are tried before its lowest one."""


@dataclass(frozen=True)
class SearchSpace:
    """The tuned parameters of one model with their constraints."""

    dimensions: Mapping[str, SearchDimension]
    constraints: Constraints | None = None
    fixed: Mapping[str, Scalar] = field(default_factory=dict)
    """Parameters that are not tuned; conditions may refer to them."""

    @property
    def is_unconstrained(self) -> bool:
        """Whether every combination of values is a point: there are neither constraints nor conditions."""
        return self.constraints is None and not any(dimension.when for dimension in self.dimensions.values())

    @cached_property
    def sampling_order(self) -> tuple[str, ...]:
        """Names in the order in which they are sampled: alphabetical, but after those that they depend on.

        ValueError names the parameters of a cycle.
        """
        ordered: list[str] = []
        waiting = sorted(self.dimensions)
        while waiting:
            ready = next((name for name in waiting if not self._dependencies(name).intersection(waiting)), None)
            if ready is None:
                raise ValueError(f"the conditions of {', '.join(waiting)} depend on each other")
            ordered.append(ready)
            waiting.remove(ready)
        return tuple(ordered)

    def is_active(self, name: str, values: Mapping[str, Value]) -> bool:
        """Whether the parameter is tuned, given the values of those before it."""
        when = self.dimensions[name].when or {}
        return all(self._has_value(other, required, values) for other, required in when.items())

    def allows(self, values: Mapping[str, Value]) -> bool:
        """Whether a point, or the beginning of one, violates no constraint."""
        constraints = self.constraints or Constraints.model_construct()
        if any(
            all(self._has_value(name, value, values) for name, value in combination.items())
            for combination in constraints.forbidden or ()
        ):
            return False
        return all(
            _is_ascending([as_decimal(values[name]) for name in names if name in values])
            for names in constraints.ordered or ()
        )

    def active_point(self, values: Mapping[str, Value]) -> dict[str, Value] | None:
        """Return the values of active parameters, given one for every parameter; None where a constraint is
        violated."""
        point: dict[str, Value] = {}
        for name in self.sampling_order:
            if name in values and self.is_active(name, point):
                point[name] = values[name]
        return {name: values[name] for name in values if name in point} if self.allows(point) else None

    def points(self, choices: Mapping[str, Iterable[Value]]) -> Iterator[dict[str, Value]]:
        """Yield every allowed point with values among the choices, each once, the last parameter varying fastest."""
        listed = {name: tuple(values) for name, values in choices.items()}
        return self._extensions({}, 0, lambda name, _: listed[name])

    def find_point(self, generator: random.Random | None = None) -> dict[str, Value] | None:
        """Return an allowed point, a random one if a generator is given; None if there is none.

        Ranges that no condition and no forbidden combination names get their lowest allowed value, which leaves the
        most room to those after them. Raises TimeoutError where MAX_STEPS do not decide.
        """
        steps = iter(range(MAX_STEPS))

        def candidates(name: str, values: Mapping[str, Value]) -> Iterator[Value]:
            for value in self._candidates(name, self._lower_bound(name, values), generator):
                if next(steps, None) is None:
                    raise TimeoutError
                yield value

        return next(self._extensions({}, 0, candidates), None)

    def sample(self, generator: random.Random) -> dict[str, Value]:
        """Return a random allowed point, uniform where rejection sampling finds one; TimeoutError without any."""
        for _ in range(MAX_SAMPLES):
            point: dict[str, Value] = {}
            for name in self.sampling_order:
                if self.is_active(name, point):
                    point[name] = random_value(self.dimensions[name], generator)
            if self.allows(point):
                return point
        existing = self.find_point(generator)
        if existing is None:
            raise TimeoutError
        return existing

    def _extensions(self, values: dict[str, Value], index: int, candidates: Candidates) -> Iterator[dict[str, Value]]:
        """Yield the allowed points that extend `values`, which the first `index` parameters have."""
        if index == len(self._search_order):
            yield values
            return
        name = self._search_order[index]
        if not self.is_active(name, values):
            yield from self._extensions(values, index + 1, candidates)
            return
        for value in candidates(name, values):
            extended = {**values, name: value}
            if self.allows(extended):
                yield from self._extensions(extended, index + 1, candidates)

    @cached_property
    def _search_order(self) -> tuple[str, ...]:
        """Like `sampling_order`, but with ordered parameters in their direction, so that bounds are known in time."""
        before: dict[str, set[str]] = {name: self._dependencies(name) for name in self.dimensions}
        for names in (self.constraints.ordered if self.constraints else None) or ():
            for lower, upper in pairwise(names):
                before.get(upper, set()).add(lower)
        ordered: list[str] = []
        waiting = list(self.sampling_order)
        while waiting:
            # A cycle of ordered lists means equal values; any of them may then come first.
            ready = next((name for name in waiting if not before[name].intersection(waiting)), waiting[0])
            ordered.append(ready)
            waiting.remove(ready)
        return tuple(ordered)

    @cached_property
    def _referenced_values(self) -> Mapping[str, frozenset[Value]]:
        """Values that conditions or forbidden combinations refer to, by parameter."""
        referenced: dict[str, set[Value]] = {}
        conditions = [dimension.when for dimension in self.dimensions.values() if dimension.when]
        for combination in [*conditions, *((self.constraints.forbidden if self.constraints else None) or ())]:
            for name, value in combination.items():
                referenced.setdefault(name, set()).add(value)
        return {name: frozenset(values) for name, values in referenced.items()}

    def _lower_bound(self, name: str, values: Mapping[str, Value]) -> Decimal | None:
        """Return the value below which the parameter would violate an order."""
        lists = (self.constraints.ordered if self.constraints else None) or ()
        below = [other for names in lists if name in names for other in names[: names.index(name)] if other in values]
        return max((as_decimal(values[other]) for other in below), default=None)

    def _candidates(self, name: str, bound: Decimal | None, generator: random.Random | None) -> Iterator[Value]:
        """Yield enough values to find an allowed point if there is one: the referenced ones, and the lowest other."""
        dimension = self.dimensions[name]
        if dimension.categorical is not None:
            allowed = [value for value in dimension.categorical if bound is None or as_decimal(value) >= bound]
            yield from allowed if generator is None else generator.sample(allowed, len(allowed))
            return
        if generator is not None:
            yield from (random_number(dimension, bound, generator) for _ in range(RANDOM_CANDIDATES))
        referenced = self._referenced_values.get(name, frozenset())
        yield from lowest_value(dimension, bound, referenced)
        yield from (value for value in map(as_number, referenced) if bound is None or as_decimal(value) >= bound)

    def _dependencies(self, name: str) -> set[str]:
        return set(self.dimensions[name].when or ()) & set(self.dimensions)

    def _has_value(self, name: str, required: Scalar, values: Mapping[str, Value]) -> bool:
        """Whether a parameter, tuned or fixed, has this value; an inactive or default parameter has none."""
        if name in self.dimensions:
            return name in values and equal_values(values[name], required)
        return name in self.fixed and equal_values(self.fixed[name], required)


def grid_size(space: SearchSpace) -> int:
    """Return the number of points of the grid."""
    if not space.is_unconstrained:
        return len(grid_points(space))
    return math.prod(dimension.cardinality() or 1 for dimension in space.dimensions.values())


def grid_points(space: SearchSpace) -> tuple[dict[str, Value], ...]:
    """Return the allowed points of a grid, which must be small enough to be listed (`check_grid`)."""
    return _grid_points(json.dumps([_content(space.dimensions), _content(space.constraints), dict(space.fixed)]))


@lru_cache(maxsize=64)
def _grid_points(content: str) -> tuple[dict[str, Value], ...]:
    dimensions, constraints, fixed = json.loads(content)
    space = SearchSpace(
        {name: SearchDimension.model_validate(dimension, strict=False) for name, dimension in dimensions.items()},
        Constraints.model_validate(constraints, strict=False) if constraints else None,
        fixed,
    )
    return tuple(space.points({name: dimension_values(dimension) for name, dimension in space.dimensions.items()}))


def _content(models: Mapping[str, SearchDimension] | Constraints | None) -> Any:
    if isinstance(models, Constraints):
        return models.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {
        name: dimension.model_dump(mode="json", by_alias=True, exclude_none=True)
        for name, dimension in (models or {}).items()
    }


def _is_ascending(numbers: list[Decimal]) -> bool:
    return all(lower <= upper for lower, upper in pairwise(numbers))
