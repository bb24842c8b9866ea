"""Search dimensions of a plan as Optuna distributions, and the cells of a grid.

Bounds are decimal strings and are counted in decimals, so that a step of 0.1 meets 0.3 and not 0.30000000000000004.
"""

import random
from collections.abc import Iterable
from decimal import Decimal

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from ctrlab_contract.records.study import ParameterValue
from ctrlab_contract.search import FloatRange, SearchDimension

Space = dict[str, BaseDistribution]


def space(search: dict[str, SearchDimension]) -> Space:
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
        return FloatDistribution(float(floats.low), _stepped(floats)[-1], step=float(floats.step))
    return CategoricalDistribution(dimension.categorical or ())


def cell(search: dict[str, SearchDimension], index: int) -> dict[str, ParameterValue]:
    """The grid's cell of that number, the last dimension in alphabetical order varying fastest."""
    values: dict[str, ParameterValue] = {}
    for name in sorted(search, reverse=True):
        choices = _values(search[name])
        index, position = divmod(index, len(choices))
        values[name] = choices[position]
    return dict(sorted(values.items()))


def cell_of_slot(search: dict[str, SearchDimension], budget: int, slot: int, seed: int) -> dict[str, ParameterValue]:
    """Which cell a slot visits: all of them once, or with a smaller budget a random part without repetition."""
    cells = cardinality(search.values())
    return cell(search, slot if budget >= cells else random.Random(seed).sample(range(cells), budget)[slot])


def cardinality(dimensions: Iterable[SearchDimension]) -> int:
    """Cells of the grid."""
    cells = 1
    for dimension in dimensions:
        cells *= len(_values(dimension))
    return cells


def _values(dimension: SearchDimension) -> list[ParameterValue]:
    if dimension.int_ is not None:
        return list(range(dimension.int_.low, dimension.int_.high + 1, dimension.int_.step))
    if dimension.float_ is not None:
        return list(_stepped(dimension.float_))
    return list(dimension.categorical or ())


def _stepped(floats: FloatRange) -> list[float]:
    low, high, step = Decimal(floats.low), Decimal(floats.high), Decimal(floats.step or "0")
    return [float(low + i * step) for i in range(int((high - low) / step) + 1)]
