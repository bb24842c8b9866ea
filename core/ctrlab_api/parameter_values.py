"""Values of search dimensions: comparing them as numbers, listing them, and sampling them."""

import math
import random
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from itertools import islice

from ctrlab_api.resources.search_dimensions import SearchDimension

Value = int | float | str | bool
"""The value of one parameter: a number, or the text of a category."""


def equal_values(one: Value, other: Value) -> bool:
    """Whether two values are equal; numbers are compared by value, however they are written ("1e-3", 0.001)."""
    return _normalized(one) == _normalized(other)


def choice_value(choice: str) -> tuple[Decimal | str, ...]:
    """Return what a choice means, equal for all its spellings: its elements as numbers, truth values or texts."""
    return tuple(_element_value(element.strip()) for element in choice.split(","))


def as_decimal(value: Value) -> Decimal:
    """Return a value as a number; ValueError where it is none."""
    normalized = _normalized(value)
    if not isinstance(normalized, Decimal):
        raise ValueError(f"{value!r} is not a number")
    return normalized


def as_number(value: Value) -> Value:
    """Return a value as int or float; ValueError where it is not a number."""
    number = as_decimal(value)
    return int(number) if number == number.to_integral_value() else float(number)


def value_at(dimension: SearchDimension, index: int) -> Value:
    """Return the value with this index in a dimension with finitely many values."""
    if dimension.int_ is not None:
        return dimension.int_.low + index * dimension.int_.step
    if dimension.float_ is not None:
        return float(Decimal(dimension.float_.low) + index * Decimal(dimension.float_.step or "0"))
    return (dimension.categorical or ())[index]


def dimension_values(dimension: SearchDimension) -> list[Value]:
    """Return every value of a dimension with finitely many, in ascending order or as written."""
    return [value_at(dimension, index) for index in range(dimension.cardinality() or 0)]


def lowest_value(dimension: SearchDimension, bound: Decimal | None, excluded: frozenset[Value]) -> Iterator[Value]:
    """Yield the lowest value of a range that is not below the bound and not excluded; nothing if there is none."""
    count, (low, high) = dimension.cardinality(), (Decimal(str(corner)) for corner in dimension.corners())
    start = max(low, bound) if bound is not None else low
    if count is None:
        yield from (float(start),) if start <= high else ()
        return
    step = as_decimal(value_at(dimension, 1)) - low if count > 1 else Decimal(1)
    first = int(-((low - start) // step))
    values = (value_at(dimension, index) for index in range(first, min(count, first + len(excluded) + 1)))
    yield from islice((value for value in values if not any(equal_values(value, other) for other in excluded)), 1)


def random_number(dimension: SearchDimension, bound: Decimal | None, generator: random.Random) -> Value:
    """Return a random value of a range, not below the bound where that is possible."""
    count, (low, high) = dimension.cardinality(), (float(corner) for corner in dimension.corners())
    start = max(low, float(bound)) if bound is not None else low
    if count is not None:
        step = float(value_at(dimension, 1)) - low if count > 1 else 1.0
        return value_at(dimension, generator.randrange(min(count - 1, math.ceil((start - low) / step - 1e-9)), count))
    if start >= high:
        return high
    is_log = dimension.float_ is not None and dimension.float_.log
    return start * (high / start) ** generator.random() if is_log else generator.uniform(start, high)


def random_value(dimension: SearchDimension, generator: random.Random) -> Value:
    """Return a random value of a dimension, on its own scale."""
    ints = dimension.int_
    if ints is not None and ints.log:
        sampled = math.exp(generator.uniform(math.log(ints.low - 0.5), math.log(ints.high + 0.5)))
        return min(max(round(sampled), ints.low), ints.high)
    if dimension.categorical is not None:
        return generator.choice(dimension.categorical)
    return random_number(dimension, None, generator)


def _element_value(text: str) -> Decimal | str:
    value = _normalized(text)
    return value if isinstance(value, Decimal) or text.lower() not in ("true", "false") else text.lower()


def _normalized(value: Value) -> Decimal | str:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return str(value)
