"""Canonical text of ids: one text per value, the same for every file format and on both sides of a join.

Text is kept as written. A typed value has one text, whatever the width or unit of its type:

| type | text |
|---|---|
| integer | decimal digits: `7`, `-12` |
| floating-point number | `3` if integral and within 64 bits, else the shortest decimal that reads back equal: `0.1` |
| decimal | all digits of its scale: `3.00` |
| boolean | `true`, `false` |
| date | `2024-01-05` |
| timestamp | `2024-01-05 13:05:00`, with 6 or 9 digits of a fraction unless it is 0; zoned: in UTC, with `+00:00` |
| time of day | `13:05:00`, with a fraction like a timestamp |

Null and NaN are missing values.
"""

from decimal import Decimal
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ctrlab_trainer.data.readers.arrow_types import simplify

MAX_DIGITS_VALUE: Final = 2.0**64
"""Integral floats below this size have the text of the integer; larger ones are written with an exponent."""


def canonical_text(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return [values] text, null for a missing value; call it with distinct values where there are many rows.

    UnreadableType for a type without text, such as a list; UnreadableValue for bytes that are not UTF-8.
    """
    if isinstance(values, pa.ChunkedArray):
        return pa.concat_arrays([canonical_text(chunk) for chunk in values.chunks] or [pa.array([], pa.string())])
    values = simplify(values)
    kind = values.type
    if pa.types.is_dictionary(kind):
        return values.dictionary_decode()
    if pa.types.is_floating(kind):
        return _text_of_floats(values)
    if pa.types.is_decimal(kind):
        return _with_all_digits(values.cast(pa.string()))
    if pa.types.is_timestamp(kind):
        text = _shorten_fractions(values.cast(pa.timestamp(kind.unit)).cast(pa.string()))
        return text if kind.tz is None else pc.binary_join_element_wise(text, "+00:00", "")
    if pa.types.is_time(kind):
        return _shorten_fractions(values.cast(pa.string()))
    return values.cast(pa.string())


def _text_of_floats(values: pa.Array) -> pa.Array:
    missing = pc.is_nan(values)
    if pc.any(missing).as_py():
        values = pc.if_else(missing, pa.scalar(None, values.type), values)
    text = values.cast(pa.string())
    numbers = np.asarray(values.cast(pa.float64()).fill_null(np.nan))
    integral = (numbers == np.floor(numbers)) & (np.abs(numbers) < MAX_DIGITS_VALUE)
    if not integral.any():
        return text
    digits = np.where(integral, np.abs(numbers), 0).astype(np.uint64)
    signs = np.where(integral & (numbers < 0), "-", "")
    integers = pc.binary_join_element_wise(pa.array(signs), pa.array(digits).cast(pa.string()), "")
    return pc.if_else(pa.array(integral), integers, text)


def _with_all_digits(text: pa.Array) -> pa.Array:
    """Write decimals such as 1E-10 without exponent."""
    if not pc.any(pc.match_substring(text, "E")).as_py():
        return text
    return pa.array([None if value is None else f"{Decimal(value):f}" for value in text.to_pylist()], pa.string())


def _shorten_fractions(text: pa.Array) -> pa.Array:
    """Leave out a fraction of zero, and write six digits for milliseconds."""
    for pattern, replacement in ((r"\.0+$", ""), (r"(\.\d{3})$", r"\1000"), (r"(\.\d{6})000$", r"\1")):
        text = pc.replace_substring_regex(text, pattern, replacement)
    return text
