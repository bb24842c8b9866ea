"""Labels: 0 and 1 as they stand, or what a comparison such as `>= 4` makes of a number."""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.dataset import Label
from ctrlab_trainer.data.readers.column_values import numeric_values, text_at
from ctrlab_trainer.data.readers.source_tables import SourceTable

COMPARISONS: Final[Mapping[str, Callable[[Any, float], Any]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
"""Sign -> comparison; longer signs first, so that `>=` is not read as `>`."""


def click_labels(table: SourceTable, label: Label | None) -> NDArray[np.uint8]:
    """[rows] 0 or 1; InvalidData for a missing label and, without `positiveWhen`, for any other value.

    Without a label every row is a click: the source holds positives alone.
    """
    if label is None:
        return np.ones(table.rows, np.uint8)
    found = numeric_values(table, label.column)
    missing = np.isnan(found)
    if missing.any():
        row = int(np.argmax(missing))
        raise InvalidData.at(
            table.place(row, label.column), "the label is missing; every row needs one: fill it or leave the row out"
        )
    if label.positive_when is not None:
        sign, bound = _comparison(label.positive_when)
        return np.asarray(COMPARISONS[sign](found, bound), np.uint8)
    outside = (found != 0) & (found != 1)
    if outside.any():
        row = int(np.argmax(outside))
        value = text_at(table, row, label.column)
        raise InvalidData.at(
            table.place(row, label.column),
            f'found {value}; a label is 0 or 1. Set spec.dataset.label.positiveWhen, such as ">= {value}", to say '
            "which values are clicks",
        )
    return found.astype(np.uint8)


def _comparison(text: str) -> tuple[str, float]:
    sign = next(sign for sign in COMPARISONS if text.startswith(sign))
    return sign, float(text.removeprefix(sign))
