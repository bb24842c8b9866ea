"""Advice on `spec.dataset.label.positiveWhen` for a label column that has other values than 0 and 1."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

MAX_SHOWN_VALUES: Final = 6


def label_advice(values: NDArray[np.float64]) -> str:
    """Return comparisons that divide [rows] labels into clicks and others, each with its share of clicks.

    No comparison that makes every row or no row a click is suggested. The values have no NaN.
    """
    distinct = np.unique(values)
    shown = ", ".join(_number(value) for value in distinct[:MAX_SHOWN_VALUES])
    described = f"the column has {shown}{' ...' if len(distinct) > MAX_SHOWN_VALUES else ''}"
    if len(distinct) == 1:
        return f"{described} in every row; a data set needs rows with clicks and rows without"
    suggestions = " or ".join(
        f'"{comparison}" ({share:.1%} of the rows would be clicks{reason})'
        for comparison, share, reason in label_comparisons(values)
    )
    return f"{described}; set spec.dataset.label.positiveWhen, such as {suggestions}"


def label_comparisons(values: NDArray[np.float64]) -> list[tuple[str, float, str]]:
    """Return (comparison, share of clicks, when it is meant) for the likely meanings of at least two values."""
    distinct = np.unique(values)
    low, high = float(distinct[0]), float(distinct[-1])
    whole = bool((distinct == np.round(distinct)).all())
    if low < 0 < high:
        return [("> 0", float((values > 0).mean()), "")]
    if len(distinct) == 2:
        return [(f"== {_number(value)}", float((values == value).mean()), "") for value in (high, low)]
    if not whole and low >= 0 and high <= 1 and low < 0.5 <= high:
        return [(">= 0.5", float((values >= 0.5).mean()), "")]
    stars = whole and low >= 0 and high == 5 and len(distinct) > 3  # by convention, four of five stars are a click
    bound = 4.0 if stars else next((value for value in distinct[1:] if (values >= value).mean() <= 0.6), high)
    rating = (f">= {_number(bound)}", float((values >= bound).mean()), ", for ratings" if whole and low == 0 else "")
    if whole and low == 0:
        return [("> 0", float((values > 0).mean()), ", for counts"), rating]
    return [rating]


def _number(value: float) -> str:
    """Return a number as `positiveWhen` accepts it: without exponent."""
    return str(np.format_float_positional(value, trim="-"))
