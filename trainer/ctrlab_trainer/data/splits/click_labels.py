"""Click labels: 0 and 1 as in the source, or the result of a comparison such as `>= 4`."""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.dataset import Label
from ctrlab_trainer.data.readers.column_values import numeric_values, text_at
from ctrlab_trainer.data.readers.source_tables import SourceTable
from ctrlab_trainer.data.splits.label_advice import label_advice

COMPARISONS: Final[Mapping[str, Callable[[Any, float], Any]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
"""Operator -> comparison; longer operators first, so that `>=` is not read as `>`."""


def click_labels(table: SourceTable, label: Label | None) -> NDArray[np.uint8]:
    """Return [rows] 0 or 1; InvalidData for a missing label and, without `positiveWhen`, for any other value.

    Without a label column every row is a click.
    """
    if label is None:
        return np.ones(table.rows, np.uint8)
    values = numeric_values(table, label.column)
    missing = np.isnan(values)
    if missing.any():
        row = int(np.argmax(missing))
        raise InvalidData.at(
            table.location(row, label.column),
            "the label is missing; every row needs a label: fill it or leave the row out",
        )
    if label.positive_when is not None:
        symbol, bound = _parse_comparison(label.positive_when)
        return np.asarray(COMPARISONS[symbol](values, bound), np.uint8)
    invalid = (values != 0) & (values != 1)
    if invalid.any():
        row = int(np.argmax(invalid))
        value = text_at(table, row, label.column)
        raise InvalidData.at(
            table.location(row, label.column),
            f"found {value}; a label is 0 or 1, and {label_advice(values)}",
        )
    return values.astype(np.uint8)


def _parse_comparison(text: str) -> tuple[str, float]:
    symbol = next(symbol for symbol in COMPARISONS if text.startswith(symbol))
    return symbol, float(text.removeprefix(symbol))
