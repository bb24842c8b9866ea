"""Conversion of columns to numbers; errors name the file, row, column and value."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.readers.canonical_text import canonical_text
from ctrlab_trainer.data.readers.single_values import require_single_values
from ctrlab_trainer.data.readers.source_tables import SourceTable, factorize


def numeric_values(table: SourceTable, column: str) -> NDArray[np.float64]:
    """Return [rows] numbers, NaN if missing.

    Booleans become 0 and 1, and integers above 2^53 the nearest double. InvalidData for other text, dates, infinity and
    numbers out of the range of float32.
    """
    require_single_values(table, column)
    values = table.data[column]
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        numbers = np.asarray(values.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy(), np.float64)
        invalid = np.abs(numbers) > np.finfo(np.float32).max
    else:
        distinct = factorize(values)
        texts = distinct.texts()
        parsed = parse_numbers(texts, table.has_decimal_comma(column))
        missing = np.array([text.strip() in table.missing for text in texts], bool)
        numbers = parsed[distinct.codes]
        invalid = ((np.isnan(parsed) & ~missing) | (np.abs(parsed) > np.finfo(np.float32).max))[distinct.codes]
    if invalid.any():
        row = int(np.argmax(invalid))
        value = text_at(table, row, column)
        remedy = ""
        if pa.types.is_temporal(values.type):
            remedy = "; write dates as numbers, for instance as days, or use a Categorical feature"
        elif table.has_decimal_comma(column) and "." in value:
            remedy = '; the source has decimal: ","'
        raise InvalidData.at(
            table.location(row, column),
            f"found {value!r}; allowed are finite numbers, or an empty value if missing{remedy}",
        )
    return numbers


def parse_numbers(texts: Sequence[str | None], decimal_comma: bool = False) -> NDArray[np.float64]:
    """Return [texts] numbers, NaN for text that is not a number, and for None."""
    series = pd.Series(list(texts), dtype=object)
    if decimal_comma:
        series = series.where(~series.str.contains(".", na=False, regex=False)).str.replace(",", ".", regex=False)
    return pd.to_numeric(series, errors="coerce").to_numpy(np.float64)


def text_at(table: SourceTable, row: int, column: str) -> str:
    """Return one value as text, for messages."""
    values = table.data[column]
    if pa.types.is_float16(values.type) or pa.types.is_float32(values.type):
        text: str | None = canonical_text(values[row : row + 1])[0].as_py()
        return text or ""
    value = values[row].as_py()
    return "" if value is None else str(value)
