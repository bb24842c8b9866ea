"""A search space with its constraints: which parameters are active, which points are allowed, and a way to find one.

Pure, and free of Optuna: the same answers are used to refuse a specification and to draw a trial.
"""

import json
import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cached_property, lru_cache
from itertools import islice, pairwise
from typing import Any

from ctrlab_api.resources.search_dimensions import Constraints, SearchDimension
from ctrlab_api.schema_types import Scalar

Value = int | float | str | bool
"""Of one parameter: a number, or the text of a category."""

Candidates = Callable[[str, Mapping[str, Value]], Iterable[Value]]
"""Lists the values to try for a parameter, given those before it."""

MOST_STEPS = 200_000
"""Partial points that are looked at before a search for an allowed point is given up."""

MOST_DRAWS = 1000
"""Random points that are tried before one is looked for step by step."""

NUMBERS_TRIED = 3
"""Random values of a range that are tried before its least."""


@dataclass(frozen=True)
class SearchSpace:
    """The tuned parameters of one model, and what joins them."""

    dimensions: Mapping[str, SearchDimension]
    constraints: Constraints | None = None
    fixed: Mapping[str, Scalar] = field(default_factory=dict)
    """Parameters that are not tuned; conditions may name them."""

    @property
    def is_unconstrained(self) -> bool:
        """Whether every combination of values is a point."""
        return self.constraints is None and not any(d.when for d in self.dimensions.values())

    @cached_property
    def sampling_order(self) -> tuple[str, ...]:
        """Names in which they are drawn: alphabetical, but after those that they depend on.

        ValueError names the parameters of a cycle.
        """
        placed: list[str] = []
        waiting = sorted(self.dimensions)
        while waiting:
            ready = next((name for name in waiting if not self._needs(name).intersection(waiting)), None)
            if ready is None:
                raise ValueError(f"the conditions of {', '.join(waiting)} depend on each other")
            placed.append(ready)
            waiting.remove(ready)
        return tuple(placed)

    def is_active(self, name: str, values: Mapping[str, Value]) -> bool:
        """Whether the parameter is tuned, given the values of those before it."""
        when = self.dimensions[name].when or {}
        return all(self._has(other, given, values) for other, given in when.items())

    def allows(self, values: Mapping[str, Value]) -> bool:
        """Whether a point, or its beginning, breaks no constraint."""
        given = self.constraints or Constraints.model_construct()
        if any(
            all(self._has(name, value, values) for name, value in combination.items())
            for combination in given.forbidden or ()
        ):
            return False
        return all(
            _rises([as_decimal(values[name]) for name in names if name in values]) for names in given.ordered or ()
        )

    def active_point(self, values: Mapping[str, Value]) -> dict[str, Value] | None:
        """A value of every parameter without those of inactive ones; None where a constraint is broken."""
        point: dict[str, Value] = {}
        for name in self.sampling_order:
            if name in values and self.is_active(name, point):
                point[name] = values[name]
        return {name: values[name] for name in values if name in point} if self.allows(point) else None

    def points(self, choices: Mapping[str, Iterable[Value]]) -> Iterator[dict[str, Value]]:
        """Every allowed point whose values are among the choices, each once, the last parameter varying fastest."""
        listed = {name: tuple(values) for name, values in choices.items()}
        return self._from({}, 0, lambda name, _: listed[name])

    def find_point(self, generator: random.Random | None = None) -> dict[str, Value] | None:
        """An allowed point, a random one where a generator is given; None if there is none.

        Ranges that no condition and no forbidden combination names are met at their least allowed value, which leaves
        the most room to those after it. Raises TimeoutError where MOST_STEPS do not settle it.
        """
        steps = iter(range(MOST_STEPS))

        def candidates(name: str, values: Mapping[str, Value]) -> Iterator[Value]:
            for value in self._candidates(name, self._least(name, values), generator):
                if next(steps, None) is None:
                    raise TimeoutError
                yield value

        return next(self._from({}, 0, candidates), None)

    def sample(self, generator: random.Random) -> dict[str, Value]:
        """An allowed point, evenly over all of them as far as trying tells; TimeoutError where none can be found."""
        for _ in range(MOST_DRAWS):
            point: dict[str, Value] = {}
            for name in self.sampling_order:
                if self.is_active(name, point):
                    point[name] = _anywhere(self.dimensions[name], generator)
            if self.allows(point):
                return point
        found = self.find_point(generator)
        if found is None:
            raise TimeoutError
        return found

    def _from(self, values: dict[str, Value], index: int, candidates: Candidates) -> Iterator[dict[str, Value]]:
        if index == len(self._search_order):
            yield values
            return
        name = self._search_order[index]
        if not self.is_active(name, values):
            yield from self._from(values, index + 1, candidates)
            return
        for value in candidates(name, values):
            longer = {**values, name: value}
            if self.allows(longer):
                yield from self._from(longer, index + 1, candidates)

    @cached_property
    def _search_order(self) -> tuple[str, ...]:
        """As `order`, but parameters of an ordered list in its direction, so that bounds are known when needed."""
        before: dict[str, set[str]] = {name: self._needs(name) for name in self.dimensions}
        for names in (self.constraints.ordered if self.constraints else None) or ():
            for lower, upper in pairwise(names):
                before.get(upper, set()).add(lower)
        placed: list[str] = []
        waiting = list(self.sampling_order)
        while waiting:
            # A cycle of ordered lists means equal values; any of them may then come first.
            ready = next((name for name in waiting if not before[name].intersection(waiting)), waiting[0])
            placed.append(ready)
            waiting.remove(ready)
        return tuple(placed)

    @cached_property
    def _named(self) -> Mapping[str, frozenset[Value]]:
        """Values that a condition or a forbidden combination asks for, by parameter."""
        found: dict[str, set[Value]] = {}
        conditions = [d.when for d in self.dimensions.values() if d.when]
        for combination in [*conditions, *((self.constraints.forbidden if self.constraints else None) or ())]:
            for name, value in combination.items():
                found.setdefault(name, set()).add(value)
        return {name: frozenset(values) for name, values in found.items()}

    def _least(self, name: str, values: Mapping[str, Value]) -> Decimal | None:
        """The value below which the parameter would break an order."""
        lists = (self.constraints.ordered if self.constraints else None) or ()
        below = [other for names in lists if name in names for other in names[: names.index(name)] if other in values]
        return max((as_decimal(values[other]) for other in below), default=None)

    def _candidates(self, name: str, least: Decimal | None, generator: random.Random | None) -> Iterator[Value]:
        """Enough values to find an allowed point if there is one: those that are named, and the least of the others."""
        dimension = self.dimensions[name]
        if dimension.categorical is not None:
            found = [value for value in dimension.categorical if least is None or as_decimal(value) >= least]
            yield from found if generator is None else generator.sample(found, len(found))
            return
        if generator is not None:
            yield from (_between(dimension, least, generator) for _ in range(NUMBERS_TRIED))
        named = self._named.get(name, frozenset())
        yield from _lowest(dimension, least, named)
        yield from (value for value in map(_as_number, named) if least is None or as_decimal(value) >= least)

    def _needs(self, name: str) -> set[str]:
        return set(self.dimensions[name].when or ()) & set(self.dimensions)

    def _has(self, name: str, given: Scalar, values: Mapping[str, Value]) -> bool:
        """Whether a parameter, tuned or fixed, has this value; one that has neither has no value."""
        if name in self.dimensions:
            return name in values and equal_values(values[name], given)
        return name in self.fixed and equal_values(self.fixed[name], given)


def equal_values(one: Value, other: Value) -> bool:
    """Whether two values are equal, numbers by what they are and not by how they are written ("1e-3", 0.001)."""
    return _normal(one) == _normal(other)


def as_decimal(value: Value) -> Decimal:
    """A value as a number; ValueError where it is none."""
    found = _normal(value)
    if not isinstance(found, Decimal):
        raise ValueError(f"{value!r} is no number")
    return found


def dimension_values(dimension: SearchDimension) -> list[Value]:
    """Every value of a dimension that has finitely many, in ascending or in the written order."""
    return [value_at(dimension, index) for index in range(dimension.cardinality() or 0)]


def grid_size(space: SearchSpace) -> int:
    """Points of the grid."""
    if not space.is_unconstrained:
        return len(grid_points(space))
    return math.prod(dimension.cardinality() or 1 for dimension in space.dimensions.values())


def grid_points(space: SearchSpace) -> tuple[dict[str, Value], ...]:
    """The allowed points of a grid, which must be small enough to be listed (`search_checks.check_grid`)."""
    return _grid(json.dumps([_content(space.dimensions), _content(space.constraints), dict(space.fixed)]))


@lru_cache(maxsize=64)
def _grid(content: str) -> tuple[dict[str, Value], ...]:
    dimensions, constraints, fixed = json.loads(content)
    space = SearchSpace(
        {name: SearchDimension.model_validate(found, strict=False) for name, found in dimensions.items()},
        Constraints.model_validate(constraints, strict=False) if constraints else None,
        fixed,
    )
    return tuple(space.points({name: dimension_values(found) for name, found in space.dimensions.items()}))


def _content(given: Mapping[str, SearchDimension] | Constraints | None) -> Any:
    if isinstance(given, Constraints):
        return given.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {
        name: found.model_dump(mode="json", by_alias=True, exclude_none=True) for name, found in (given or {}).items()
    }


def value_at(dimension: SearchDimension, index: int) -> Value:
    """The value of that number in a dimension that has finitely many."""
    if dimension.int_ is not None:
        return dimension.int_.low + index * dimension.int_.step
    if dimension.float_ is not None:
        return float(Decimal(dimension.float_.low) + index * Decimal(dimension.float_.step or "0"))
    return (dimension.categorical or ())[index]


def _lowest(dimension: SearchDimension, least: Decimal | None, but: frozenset[Value]) -> Iterator[Value]:
    """The least value of a range that is not below the bound and is none of `but`; nothing if there is none."""
    count, (low, high) = dimension.cardinality(), (Decimal(str(corner)) for corner in dimension.corners())
    start = max(low, least) if least is not None else low
    if count is None:
        yield from (float(start),) if start <= high else ()
        return
    step = as_decimal(value_at(dimension, 1)) - low if count > 1 else Decimal(1)
    first = int(-((low - start) // step))
    values = (value_at(dimension, index) for index in range(first, min(count, first + len(but) + 1)))
    yield from islice((value for value in values if not any(equal_values(value, other) for other in but)), 1)


def _between(dimension: SearchDimension, least: Decimal | None, generator: random.Random) -> Value:
    """A random value of a range, not below the bound where that is possible."""
    count, (low, high) = dimension.cardinality(), (float(corner) for corner in dimension.corners())
    start = max(low, float(least)) if least is not None else low
    if count is not None:
        step = float(value_at(dimension, 1)) - low if count > 1 else 1.0
        return value_at(dimension, generator.randrange(min(count - 1, math.ceil((start - low) / step - 1e-9)), count))
    if start >= high:
        return high
    is_log = dimension.float_ is not None and dimension.float_.log
    return start * (high / start) ** generator.random() if is_log else generator.uniform(start, high)


def _anywhere(dimension: SearchDimension, generator: random.Random) -> Value:
    """A random value of a dimension, on its own scale."""
    ints = dimension.int_
    if ints is not None and ints.log:
        drawn = math.exp(generator.uniform(math.log(ints.low - 0.5), math.log(ints.high + 0.5)))
        return min(max(round(drawn), ints.low), ints.high)
    if dimension.categorical is not None:
        return generator.choice(dimension.categorical)
    return _between(dimension, None, generator)


def _as_number(value: Value) -> Value:
    found = as_decimal(value)
    return int(found) if found == found.to_integral_value() else float(found)


def _rises(numbers: list[Decimal]) -> bool:
    return all(lower <= upper for lower, upper in pairwise(numbers))


def _normal(value: Value) -> Decimal | str:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return str(value)
