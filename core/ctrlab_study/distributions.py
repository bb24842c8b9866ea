"""Search dimensions of a plan as Optuna distributions, and the cells of a grid.

Bounds are decimal strings and are counted in decimals, so that a step of 0.1 meets 0.3 and not 0.30000000000000004.
"""

import random
from collections.abc import Mapping

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from ctrlab_api.records.studies import ParameterValue
from ctrlab_api.resources.search_dimensions import SearchDimension
from ctrlab_api.search_space import SearchSpace, grid_points, grid_size, value_at

Space = dict[str, BaseDistribution]


def space(search: Mapping[str, SearchDimension]) -> Space:
    """The Optuna distribution of every dimension, by name in alphabetical order (the order in which they are drawn)."""
    return {name: distribution(search[name]) for name in sorted(search)}


def distribution(dimension: SearchDimension) -> BaseDistribution:
    """One dimension; a range whose width is no multiple of its step ends at its last value."""
    if dimension.int_ is not None:
        ints = dimension.int_
        high = ints.low + (ints.high - ints.low) // ints.step * ints.step
        return IntDistribution(ints.low, high, log=ints.log, step=ints.step)
    if dimension.float_ is not None:
        floats = dimension.float_
        if floats.step is None:
            return FloatDistribution(float(floats.low), float(floats.high), log=floats.log)
        return FloatDistribution(
            float(floats.low), float(value_at(dimension, (dimension.cardinality() or 1) - 1)), step=float(floats.step)
        )
    return CategoricalDistribution(dimension.categorical or ())


def cell(search: Mapping[str, SearchDimension], index: int) -> dict[str, ParameterValue]:
    """The grid's cell of that number, the last dimension in alphabetical order varying fastest."""
    values: dict[str, ParameterValue] = {}
    for name in sorted(search, reverse=True):
        index, position = divmod(index, search[name].cardinality() or 1)
        values[name] = value_at(search[name], position)
    return dict(sorted(values.items()))


def cell_of_slot(found: SearchSpace, budget: int, slot: int, seed: int) -> dict[str, ParameterValue]:
    """Which allowed cell a slot visits: all of them once, or with a smaller budget a random part without repetition.

    `budget` is the planned one: slots that are added to it later go on to cells that were not visited.
    """
    allowed = None if found.is_unconstrained else grid_points(found)
    count = grid_size(found)
    place = slot if budget >= count else _without_repetition(count, budget, slot, seed)
    return cell(found.dimensions, place) if allowed is None else allowed[place]


def _without_repetition(count: int, budget: int, slot: int, seed: int) -> int:
    drawn = random.Random(seed).sample(range(count), budget)
    if slot < budget:
        return drawn[slot]
    further, visited = random.Random(f"{seed}/further"), set(drawn)
    while slot >= len(visited):
        visited.add(place := further.randrange(count))
    return place
