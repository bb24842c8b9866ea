"""Columns as numbers and as times, each with an error that names the file, row, column and value that is none."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.readers.source_tables import SourceTable, factorize

MISSING_TEXTS: Final = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "\\N"})
"""Texts that mean a missing number."""


def numeric_values(table: SourceTable, column: str) -> NDArray[np.float64]:
    """[rows] a column as numbers, NaN where missing; InvalidData for other text, infinity and what float32 cannot hold.

    Booleans are 0 and 1.
    """
    values = table.data[column]
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        found = np.asarray(values.cast(pa.float64()).fill_null(np.nan).to_numpy(), np.float64)
        bad = np.abs(found) > np.finfo(np.float32).max
    else:
        distinct = factorize(values)
        texts = distinct.texts()
        parsed = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").to_numpy(np.float64)
        missing = np.array([text.strip() in MISSING_TEXTS for text in texts], bool)
        found = parsed[distinct.codes]
        bad = ((np.isnan(parsed) & ~missing) | (np.abs(parsed) > np.finfo(np.float32).max))[distinct.codes]
    if bad.any():
        row = int(np.argmax(bad))
        value = text_at(table, row, column)
        raise InvalidData.at(
            table.place(row, column), f"found {value!r}; allowed is a finite number, or nothing where it is missing"
        )
    return found


def time_values(table: SourceTable, column: str) -> NDArray[np.int64] | NDArray[np.float64]:
    """[rows] a column as times that can be compared: numbers as they are, dates as nanoseconds since 1970 in UTC.

    Whole numbers stay whole, so that milliseconds and nanoseconds keep their last digits. InvalidData for a missing
    time and for text that is neither a number nor a date.
    """
    found = [_times(run, column) for run in table.chunks((column,))]
    kinds = {run.kind for run in found}
    if len(kinds) > 1:
        first = next(run for run in found if run.kind != found[0].kind)
        raise _no_time(first.table, 0, column)
    return np.concatenate([run.values for run in found]) if len(found) > 1 else found[0].values


@dataclass(frozen=True)
class _Times:
    """The times of one run of rows."""

    table: SourceTable
    kind: Literal["number", "date"]
    values: NDArray[np.int64] | NDArray[np.float64]


def _times(table: SourceTable, column: str) -> _Times:
    values = table.data[column]
    kind = values.type
    if pa.types.is_temporal(kind) and values.null_count == 0:
        moments = values.cast(pa.timestamp("ns")).cast(pa.int64()).to_numpy()
        return _Times(table, "date", np.asarray(moments, np.int64))
    if pa.types.is_integer(kind) and values.null_count == 0:
        return _Times(table, "number", np.asarray(values.to_numpy(), np.int64))
    distinct = factorize(values)
    try:
        whole = distinct.values.cast(pa.int64())
        return _Times(table, "number", np.asarray(whole.to_numpy())[distinct.codes])
    except pa.ArrowInvalid:
        texts = pd.Series(distinct.texts(), dtype=object)
    parsed = pd.to_numeric(texts, errors="coerce")
    if parsed.isna().any() and parsed.isna().all():
        dates = pd.to_datetime(texts, errors="coerce", utc=True, format="ISO8601")
        if dates.isna().any():
            dates = pd.to_datetime(texts, errors="coerce", utc=True, format="mixed")
        invalid = dates.isna().to_numpy()
        nanoseconds = dates.astype("datetime64[ns, UTC]").astype("int64")
        result: NDArray[np.int64] | NDArray[np.float64] = np.asarray(nanoseconds, np.int64)
    else:
        invalid = ~np.isfinite(parsed.to_numpy(np.float64))
        result = parsed.to_numpy(np.int64 if pd.api.types.is_integer_dtype(parsed) else np.float64)
    bad = invalid[distinct.codes]
    if bad.any():
        raise _no_time(table, int(np.argmax(bad)), column)
    return _Times(table, "date" if parsed.isna().all() else "number", result[distinct.codes])


def _no_time(table: SourceTable, row: int, column: str) -> InvalidData:
    return InvalidData.at(
        table.place(row, column),
        f"found {text_at(table, row, column)!r}; allowed is a time: a number in every row, or in every row a date such "
        "as 2024-01-31 13:05:00",
    )


def text_at(table: SourceTable, row: int, column: str) -> str:
    """One value as it is written, for messages."""
    value = table.data[column][row].as_py()
    return "" if value is None else str(value)
