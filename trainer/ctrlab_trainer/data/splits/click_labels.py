"""Click labels: 0 and 1, or true and false, as in the source; listed texts; or a comparison such as `>= 4`."""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.row_labels import Label
from ctrlab_trainer.data.readers.column_values import numeric_values, parse_numbers, text_at
from ctrlab_trainer.data.readers.source_tables import CodedColumn, SourceTable, factorize
from ctrlab_trainer.data.splits.label_advice import MAX_SHOWN_VALUES, label_advice

COMPARISONS: Final[Mapping[str, Callable[[Any, float], Any]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
"""Operator -> comparison; longer operators first, so that `>=` is not read as `>`."""


TRUTH_VALUES: Final[Mapping[str, float]] = {"true": 1.0, "false": 0.0}
"""Texts of truth values in lower case -> label."""


def click_labels(table: SourceTable, label: Label | None) -> NDArray[np.uint8]:
    """Return [rows] 0 or 1; InvalidData for a missing label, and for a value that the definition does not cover.

    Without a label column every row is a click.
    """
    if label is None:
        return np.ones(table.rows, np.uint8)
    if label.positive is not None:
        return _listed_labels(table, label.column, label.positive)
    values = _label_values(table, label)
    missing = np.isnan(values)
    if missing.any():
        raise _missing_label(table, label.column, missing)
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


def _missing_label(table: SourceTable, column: str, missing: NDArray[np.bool_]) -> InvalidData:
    return InvalidData.at(
        table.location(int(np.argmax(missing)), column),
        "the label is missing; every row needs a label: fill it or leave the row out",
    )


def _label_values(table: SourceTable, label: Label) -> NDArray[np.float64]:
    """Return [rows] numbers, NaN if missing; true and false, also as text, are 1 and 0."""
    column = label.column
    values = table.data[column]
    if pa.types.is_float16(values.type) or pa.types.is_float32(values.type):
        return _shortest_decimals(numeric_values(table, column), values.type.to_pandas_dtype())
    if not (pa.types.is_dictionary(values.type) or pa.types.is_string(values.type)):
        return numeric_values(table, column)
    coded = factorize(values)
    lower = [text.strip().lower() for text in coded.texts()]
    if not lower or not set(lower) - {""} or not set(lower) <= {*TRUTH_VALUES, ""}:
        try:
            return numeric_values(table, column)
        except InvalidData as error:
            raise _text_label(table, label, coded) from error
    numbers = np.array([TRUTH_VALUES.get(text, np.nan) for text in lower])
    return np.asarray(numbers[coded.codes], np.float64)


def _shortest_decimals(values: NDArray[np.float64], kind: type[np.floating]) -> NDArray[np.float64]:
    """Return the shortest decimals of numbers of lower precision: a 0.7 of float32 is at least 0.7."""
    distinct, codes = np.unique(values, return_inverse=True)
    decimals: NDArray[np.float64] = distinct.astype(kind).astype(str).astype(np.float64)[codes]
    return decimals


def _text_label(table: SourceTable, label: Label, coded: CodedColumn) -> InvalidData:
    """Return the error for labels that are neither numbers nor truth values."""
    column = label.column
    numbers = np.isnan(parse_numbers(coded.texts(), table.has_decimal_comma(column)))
    missing = np.array([text == "" for text in coded.texts()], bool)
    row = int(np.argmax((numbers & ~missing)[coded.codes]))
    texts = [text for text in coded.texts() if text]
    shown = ", ".join(map(repr, texts[:MAX_SHOWN_VALUES])) + (", ..." if len(texts) > MAX_SHOWN_VALUES else "")
    found = f"found {text_at(table, row, column)!r}"
    if label.positive_when is not None:
        return InvalidData.at(
            table.location(row, column),
            f"{found}; spec.dataset.label.positiveWhen compares numbers such as 4.5: correct the value, or replace "
            f"positiveWhen by positive, the list of the texts that mean a click; values of the column: {shown}",
        )
    return InvalidData.at(
        table.location(row, column),
        f"{found}; a label is 0 or 1, or true or false; for other text list the values "
        f"that mean a click: spec.dataset.label.positive; values of the column: {shown}",
    )


def _listed_labels(table: SourceTable, column: str, positive: tuple[str, ...]) -> NDArray[np.uint8]:
    """Return [rows] whether the text of the label is listed."""
    coded = factorize(table.data[column])
    texts = coded.texts()
    missing = np.array([text == "" for text in texts], bool)[coded.codes]
    if missing.any():
        raise _missing_label(table, column, missing)
    absent = [value for value in positive if value not in texts]
    if absent:
        shown = ", ".join(map(repr, texts[:MAX_SHOWN_VALUES])) + (", ..." if len(texts) > MAX_SHOWN_VALUES else "")
        raise InvalidData.at(
            "spec.dataset.label.positive", f"{absent[0]!r} does not occur in the column {column!r}; its values: {shown}"
        )
    return np.array([text in positive for text in texts], np.uint8)[coded.codes]


def _parse_comparison(text: str) -> tuple[str, float]:
    symbol = next(symbol for symbol in COMPARISONS if text.startswith(symbol))
    return symbol, float(text.removeprefix(symbol))
