"""Conversion of columns to numbers and times; errors name the file, row, column and value."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.readers.source_tables import SourceTable, factorize

MISSING_TEXTS: Final = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "\\N"})
"""Texts that represent a missing number."""


def numeric_values(table: SourceTable, column: str) -> NDArray[np.float64]:
    """Return [rows] numbers, NaN if missing.

    Booleans become 0 and 1. InvalidData for other text, infinity and numbers out of the range of float32.
    """
    values = table.data[column]
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        numbers = np.asarray(values.cast(pa.float64()).fill_null(np.nan).to_numpy(), np.float64)
        invalid = np.abs(numbers) > np.finfo(np.float32).max
    else:
        distinct = factorize(values)
        texts = distinct.texts()
        parsed = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").to_numpy(np.float64)
        missing = np.array([text.strip() in MISSING_TEXTS for text in texts], bool)
        numbers = parsed[distinct.codes]
        invalid = ((np.isnan(parsed) & ~missing) | (np.abs(parsed) > np.finfo(np.float32).max))[distinct.codes]
    if invalid.any():
        row = int(np.argmax(invalid))
        value = text_at(table, row, column)
        raise InvalidData.at(
            table.location(row, column), f"found {value!r}; allowed are finite numbers, or an empty value if missing"
        )
    return numbers


def time_values(table: SourceTable, column: str) -> NDArray[np.int64] | NDArray[np.float64]:
    """Return [rows] comparable times: numbers unchanged, dates as nanoseconds since 1970 in UTC.

    Integers stay integers, so that milliseconds and nanoseconds keep their last digits. InvalidData for a missing time
    and for text that is neither a number nor a date.
    """
    chunks = [_parse_times(chunk, column) for chunk in table.chunks((column,))]
    kinds = {chunk.kind for chunk in chunks}
    if len(kinds) > 1:
        first = next(chunk for chunk in chunks if chunk.kind != chunks[0].kind)
        raise _invalid_time(first.table, 0, column)
    return np.concatenate([chunk.values for chunk in chunks]) if len(chunks) > 1 else chunks[0].values


@dataclass(frozen=True)
class _Times:
    """Times of one chunk of rows."""

    table: SourceTable
    kind: Literal["number", "date"]
    values: NDArray[np.int64] | NDArray[np.float64]


def _parse_times(table: SourceTable, column: str) -> _Times:
    values = table.data[column]
    kind = values.type
    if pa.types.is_temporal(kind) and values.null_count == 0:
        nanoseconds = values.cast(pa.timestamp("ns")).cast(pa.int64()).to_numpy()
        return _Times(table, "date", np.asarray(nanoseconds, np.int64))
    if pa.types.is_integer(kind) and values.null_count == 0:
        return _Times(table, "number", np.asarray(values.to_numpy(), np.int64))
    distinct = factorize(values)
    try:
        integers = distinct.values.cast(pa.int64())
        return _Times(table, "number", np.asarray(integers.to_numpy())[distinct.codes])
    except pa.ArrowInvalid:
        texts = pd.Series(distinct.texts(), dtype=object)
    parsed = pd.to_numeric(texts, errors="coerce")
    if parsed.isna().any() and parsed.isna().all():
        dates = pd.to_datetime(texts, errors="coerce", utc=True, format="ISO8601")
        if dates.isna().any():
            dates = pd.to_datetime(texts, errors="coerce", utc=True, format="mixed")
        invalid = dates.isna().to_numpy()
        result: NDArray[np.int64] | NDArray[np.float64] = np.asarray(
            dates.astype("datetime64[ns, UTC]").astype("int64"), np.int64
        )
    else:
        invalid = ~np.isfinite(parsed.to_numpy(np.float64))
        result = parsed.to_numpy(np.int64 if pd.api.types.is_integer_dtype(parsed) else np.float64)
    invalid_rows = invalid[distinct.codes]
    if invalid_rows.any():
        raise _invalid_time(table, int(np.argmax(invalid_rows)), column)
    return _Times(table, "date" if parsed.isna().all() else "number", result[distinct.codes])


def _invalid_time(table: SourceTable, row: int, column: str) -> InvalidData:
    return InvalidData.at(
        table.location(row, column),
        f"found {text_at(table, row, column)!r}; allowed are times: a number in every row, or a date in every row, "
        "such as 2024-01-31 13:05:00",
    )


def text_at(table: SourceTable, row: int, column: str) -> str:
    """Return one value as text, for messages."""
    value = table.data[column][row].as_py()
    return "" if value is None else str(value)
