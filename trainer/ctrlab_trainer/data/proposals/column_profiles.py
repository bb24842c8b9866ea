"""Statistics of the columns of a sample of rows, from which their roles are guessed."""

import re
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.time_column import TimeColumn
from ctrlab_trainer.data.readers.column_values import parse_numbers
from ctrlab_trainer.data.readers.source_tables import SourceTable, factorize
from ctrlab_trainer.data.times.row_times import read_times

LIST_SEPARATORS: Final = ("|", "^", ";", ",", " ")
MAX_KEPT_TEXTS: Final = 50
MIN_LIST_SHARE: Final = 0.3
"""Share of the distinct values that must contain a separator for a text column to count as lists."""

Kind = Literal["empty", "integer", "number", "boolean", "text", "list", "vector"]


@dataclass(frozen=True)
class ColumnProfile:
    """One column of the sample."""

    name: str
    kind: Kind
    rows: int
    distinct: int
    missing: float
    """Share of rows without a value."""
    texts: tuple[str, ...] = ()
    """Distinct values other than missing ones, at most MAX_KEPT_TEXTS."""
    numbers: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    """Distinct values of a column of numbers, ascending."""
    counts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """Number of rows of each of `numbers`."""
    separator: str | None = None
    """Separator of a list that is written as text."""
    zero_padded: bool = False
    """Whether some integers are written with leading zeros, so that they are codes and not quantities."""
    width: int = 0
    """Numbers of each vector."""
    mean_length: float = 0.0
    """Mean number of characters of the distinct values."""


def profile_column(table: SourceTable, name: str) -> ColumnProfile:
    """Describe one column; InvalidData for a type that cannot be read."""
    column = table.data[name]
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _list_profile(table, name, column)
    distinct = factorize(column)
    texts = distinct.texts()
    is_missing = np.array([text is None or text.strip() in table.missing for text in texts], bool)
    counts = np.bincount(distinct.codes, minlength=len(texts))
    missing = float(counts[is_missing].sum() / max(table.rows, 1))
    kept = [text for text, absent in zip(texts, is_missing, strict=True) if not absent]
    result = ColumnProfile(name, "text", table.rows, len(kept), missing, tuple(kept[:MAX_KEPT_TEXTS]))
    if not kept:
        return ColumnProfile(name, "empty", table.rows, 0, missing)
    if {text.lower() for text in kept} <= {"true", "false"}:
        return _with(result, kind="boolean")
    numbers = parse_numbers(kept, table.has_decimal_comma(name))
    if np.isfinite(numbers).all():
        values, inverse = np.unique(numbers, return_inverse=True)
        rows = np.bincount(inverse, weights=counts[~is_missing]).astype(np.int64)
        whole = bool((values == np.round(values)).all())
        padded = any(re.match(r"^0[0-9]", text) for text in kept)
        return _with(result, kind="integer" if whole else "number", numbers=values, counts=rows, zero_padded=padded)
    if all(re.fullmatch(r"\s*\[.*\]\s*", text) for text in kept):
        return _with(result, kind="list")
    lengths = float(np.mean([len(text) for text in kept]))
    return _with(result, separator=_separator(kept), mean_length=lengths)


def _with(profile: ColumnProfile, **changes: object) -> ColumnProfile:
    return ColumnProfile(**{**vars(profile), **changes})


def _list_profile(table: SourceTable, name: str, column: pa.ChunkedArray) -> ColumnProfile:
    values = column.combine_chunks()
    values = pa.concat_arrays(values.chunks) if isinstance(values, pa.ChunkedArray) else values
    elements = values.flatten()
    lengths = {length for length in pc.list_value_length(values).unique().to_pylist() if length}
    missing = values.null_count / max(table.rows, 1)
    if pa.types.is_floating(elements.type) and len(lengths) == 1 and min(lengths) > 1:
        return ColumnProfile(name, "vector", table.rows, len(values), missing, width=lengths.pop())
    return ColumnProfile(name, "list", table.rows, len(elements.unique()), missing)


def _separator(texts: list[str]) -> str | None:
    """Return the separator of lists: one that many values have, and that leaves fewer distinct elements than values."""
    for separator in LIST_SEPARATORS:
        with_separator = [text for text in texts if separator in text.strip()]
        if len(with_separator) < MIN_LIST_SHARE * len(texts) or len(texts) < 3:
            continue
        elements = {element.strip() for text in texts for element in text.split(separator)}
        lengths = {text.count(separator) for text in texts}
        if separator == "," and any(text.startswith("[") for text in texts):
            return None
        if len(elements) < len(texts) and (len(lengths) > 1 or separator != " "):
            return separator
    return None


@dataclass(frozen=True)
class TimeCheck:
    """Whether a column can be the time of the rows."""

    problem: str | None
    """Why it cannot; None where it can."""
    reading: str = ""
    """The format of its values, and the earliest and latest."""


def check_time(table: SourceTable, name: str) -> TimeCheck:
    """Read a column as times."""
    try:
        times = read_times(table, TimeColumn(column=name))
    except InvalidData as error:
        return TimeCheck(error.problems[0].message)
    if len(np.unique(times.values)) < 2:
        return TimeCheck("has the same value in every row")
    read_as = times.format
    return TimeCheck(None, f"read as {read_as.reading}, from {read_as.earliest} to {read_as.latest}")
