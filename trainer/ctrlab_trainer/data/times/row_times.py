"""The times of all rows: one format for the whole column, over all chunks and files."""

from dataclasses import dataclass
from typing import Final, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_api.records.prepared_data import TimeFormat
from ctrlab_api.resources.time_column import TimeColumn
from ctrlab_trainer.data.readers.source_tables import CodedColumn, SourceTable, factorize
from ctrlab_trainer.data.times.number_times import PER_SECOND, Unit, read_numbers
from ctrlab_trainer.data.times.text_patterns import PATTERNS
from ctrlab_trainer.data.times.text_times import (
    YEARS,
    TextReading,
    declared_reading,
    detect_reading,
    require_plausible_years,
)
from ctrlab_trainer.data.times.time_problems import TimeProblem

Timestamps = NDArray[np.int64] | NDArray[np.float64]

NUMBER: Final = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
NANOSECONDS: Final[dict[Unit, int]] = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1000, "ns": 1}


@dataclass(frozen=True)
class TimeReading:
    """Rule to read a column of times, for values of the same kind elsewhere, such as the times of past events."""

    text: TextReading | None
    """None for numbers."""
    timezone: str | None
    unit: Unit | None = None
    """Unit of numbers since 1970; None if they are only compared."""

    def read_texts(self, texts: pa.Array) -> Timestamps:
        """Return [texts] times that can be compared with those of the rows; TimeProblem for other text."""
        texts = pc.utf8_trim_whitespace(texts)
        if self.text is not None:
            nanoseconds = self.text.read(texts)
            return nanoseconds if self.timezone is None else _localize(nanoseconds, texts.to_pylist(), self.timezone)
        numeric = pc.match_substring_regex(texts, NUMBER)
        if not pc.all(numeric).as_py():
            text = texts.filter(pc.invert(numeric))[0].as_py()
            raise TimeProblem(text, f"found {text!r}; allowed are numbers, like the time column")
        return _parse_numbers(texts)

    def read_column(self, column: pa.ChunkedArray) -> Timestamps:
        """Return [rows] times of a part of the time column that was read before."""
        if _is_numeric(column.type) and self.text is None:
            return np.asarray(column.to_numpy())
        if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
            nanoseconds = _typed_nanoseconds(column)
            return nanoseconds if self.timezone is None else _localize(nanoseconds, column, self.timezone)
        coded = factorize(column)
        return self.read_texts(coded.values)[coded.codes]


@dataclass(frozen=True)
class RowTimes:
    """Times of all rows."""

    values: Timestamps
    """[rows] numbers as in the source, or nanoseconds since 1970 in UTC."""
    format: TimeFormat
    reading: TimeReading


def read_times(table: SourceTable, time: TimeColumn) -> RowTimes:
    """Read the time column; numbers stay as they are, dates become nanoseconds since 1970 in UTC.

    InvalidData with file, row and value for a missing time, for a column without exactly one reading, and for years
    outside of 1970 to 2099.
    """
    column = table.data[time.column]
    if column.null_count:
        row = int(np.argmax(np.asarray(column.is_null())))
        message = "the time is missing; every row needs a time: fill it or leave the row out"
        raise _invalid(table, row, time.column, message)
    try:
        return _read(column, time)
    except TimeProblem as problem:
        if problem.value is None:
            raise InvalidData.at(f"{table.files[0][0]}, column {time.column}", str(problem)) from problem
        raise _invalid(table, _row_of(column, problem.value), time.column, str(problem)) from problem


def _invalid(table: SourceTable, row: int, column: str, message: str) -> InvalidData:
    return InvalidData.at(table.location(row, column), message)


def _row_of(column: pa.ChunkedArray, value: object) -> int:
    """Return the first row that contains the value, as text or number."""
    if pa.types.is_dictionary(column.type) or pa.types.is_string(column.type):
        coded = factorize(column)
        texts = pc.utf8_trim_whitespace(coded.values)
        matches = np.asarray(pc.equal(texts, value)) if isinstance(value, str) else _parse_numbers(texts) == value
        return int(np.argmax(matches[coded.codes]))
    if isinstance(value, pa.Scalar):
        return int(pc.index(column, value).as_py())
    numbers = np.asarray(
        column.cast(pa.float64()).to_numpy() if pa.types.is_decimal(column.type) else column.to_numpy()
    )
    return int(np.argmax(np.isnan(numbers) if value != value else numbers == value))


def _read(column: pa.ChunkedArray, time: TimeColumn) -> RowTimes:
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _read_typed(column, time)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _read_numbers(np.asarray(column.to_numpy()), time)
    if pa.types.is_decimal(kind):
        return _read_numbers(np.asarray(column.cast(pa.float64()).to_numpy()), time)
    if pa.types.is_time(kind):
        value = column[0].as_py()
        raise TimeProblem(None, f"has times of day without a date, such as {value}; write date and time in one column")
    if pa.types.is_dictionary(kind) or pa.types.is_string(kind):
        return _read_text(factorize(column), time)
    raise TimeProblem(
        None, f"has the type {kind}; a time is a number, a date, a timestamp, or text such as 2024-01-31 13:05:00"
    )


def _read_typed(column: pa.ChunkedArray, time: TimeColumn) -> RowTimes:
    """Read dates and timestamps of typed formats."""
    kind = column.type
    if time.format is not None or time.unit is not None:
        option = "format" if time.format is not None else "unit"
        raise TimeProblem(None, f"has the type {kind}, which needs no spec.dataset.time.{option}: leave it out")
    zoned = pa.types.is_timestamp(kind) and kind.tz is not None
    unit, values = _typed_numbers(column)
    per_second = PER_SECOND[unit]
    low, high = (np.datetime64(f"{year}-01-01", "s").astype(np.int64) * int(per_second) for year in YEARS)
    implausible = (values < low) | (values >= high)
    if implausible.any():
        row = int(np.argmax(implausible))
        seconds = int(values[row] // int(per_second))
        date = np.datetime64(seconds, "s")
        raise TimeProblem(column[row], f"found {date}; allowed are times from {YEARS[0]} to {YEARS[1] - 1}")
    nanoseconds = values * NANOSECONDS[unit]
    if time.timezone is not None:
        if zoned:
            raise _offsets_and_timezone(time)
        nanoseconds = _localize(nanoseconds, column, time.timezone)
    reading = TextReading(str(kind), has_offsets=zoned, pattern=PATTERNS[0])
    return _dates(nanoseconds, TimeReading(reading, time.timezone))


def _typed_numbers(column: pa.ChunkedArray) -> tuple[Unit, NDArray[np.int64]]:
    """Return dates and timestamps as numbers since 1970 in their own unit, which cannot overflow."""
    unit: Unit = column.type.unit if pa.types.is_timestamp(column.type) else "s"
    zone = column.type.tz if pa.types.is_timestamp(column.type) else None
    return unit, np.asarray(column.cast(pa.timestamp(unit, zone)).cast(pa.int64()).to_numpy(), np.int64)


def _typed_nanoseconds(column: pa.ChunkedArray) -> NDArray[np.int64]:
    unit, values = _typed_numbers(column)
    return values * NANOSECONDS[unit]


def _is_numeric(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _read_text(coded: CodedColumn, time: TimeColumn) -> RowTimes:
    texts = pc.utf8_trim_whitespace(coded.values)
    if time.format is None:
        numeric = pc.match_substring_regex(texts, NUMBER)
        if pc.all(numeric).as_py():
            return _read_numbers(_parse_numbers(texts)[coded.codes], time)
        if pc.any(numeric).as_py():
            number, text = texts.filter(numeric)[0].as_py(), texts.filter(pc.invert(numeric))[0].as_py()
            raise TimeProblem(
                text, f"found {text!r}, but the number {number} in another row; all times of a column have one format"
            )
    if time.unit is not None:
        text = texts[0].as_py()
        raise TimeProblem(text, f"found {text!r}; spec.dataset.time.unit is for numbers: leave it out")
    reading = detect_reading(texts) if time.format is None else declared_reading(texts, time.format)
    nanoseconds = reading.read(texts)
    if time.timezone is not None:
        if reading.has_offsets:
            raise _offsets_and_timezone(time)
        nanoseconds = _localize(nanoseconds, texts.to_pylist(), time.timezone)
    years = nanoseconds.astype("datetime64[ns]").astype("datetime64[Y]").astype(np.int64) + 1970
    require_plausible_years(texts, years)
    return _dates(nanoseconds[coded.codes], TimeReading(reading, time.timezone))


def _offsets_and_timezone(time: TimeColumn) -> TimeProblem:
    return TimeProblem(
        None,
        f"has times with offsets from UTC, which need no spec.dataset.time.timezone ({time.timezone}): leave it out",
    )


def _parse_numbers(texts: pa.Array) -> Timestamps:
    """Return numbers written as text; integers stay integers, so that nanoseconds keep their last digits."""
    texts = pc.utf8_ltrim(texts, "+")
    try:
        return np.asarray(texts.cast(pa.int64()))
    except pa.ArrowInvalid:
        return np.asarray(texts.cast(pa.float64()))


def _read_numbers(values: Timestamps, time: TimeColumn) -> RowTimes:
    if not np.isfinite(values).all():
        value = values[int(np.argmax(~np.isfinite(values)))]
        raise TimeProblem(value.item(), f"found {value}; a time is a finite number in every row")
    if time.format is not None:
        distinct, codes = np.unique(values, return_inverse=True)
        return _read_text(CodedColumn(codes.astype(np.int32), pa.array(distinct).cast(pa.string())), time)
    if time.timezone is not None:
        raise TimeProblem(
            None, f"has numbers, which need no spec.dataset.time.timezone ({time.timezone}): leave it out"
        )
    if values.dtype == np.uint64:
        values = values.astype(np.float64) if values.max() > np.iinfo(np.int64).max else values.astype(np.int64)
    values = (
        np.asarray(values, np.float64) if np.issubdtype(values.dtype, np.floating) else np.asarray(values, np.int64)
    )
    read_as = read_numbers(cast(Timestamps, pd.unique(values)), time.unit)
    shown = [f"{number}" for number in (values.min(), values.max())]
    if read_as.unit is not None:
        shown = [_show(int(float(number) / PER_SECOND[read_as.unit] * 1e9)) for number in (values.min(), values.max())]
    record = TimeFormat(reading=read_as.reading, earliest=shown[0], latest=shown[1])
    return RowTimes(values, record, TimeReading(None, None, read_as.unit))


def _dates(nanoseconds: NDArray[np.int64], reading: TimeReading) -> RowTimes:
    assert reading.text is not None
    record = TimeFormat(
        reading=reading.text.title,
        timezone="UTC" if reading.text.has_offsets else reading.timezone,
        earliest=_show(int(nanoseconds.min())),
        latest=_show(int(nanoseconds.max())),
    )
    return RowTimes(nanoseconds, record, reading)


def _show(nanoseconds: int) -> str:
    return str(np.datetime64(nanoseconds // 1_000_000_000, "s")).replace("T", " ")


def _localize(nanoseconds: NDArray[np.int64], values: list[str] | pa.ChunkedArray, timezone: str) -> NDArray[np.int64]:
    """Convert local times to UTC; TimeProblem for a time that its zone has twice or never (change of the clocks)."""
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise TimeProblem(
            None,
            f"spec.dataset.time.timezone {timezone!r} is not known; write an IANA name such as Europe/Berlin or UTC",
        ) from None
    local = pd.DatetimeIndex(nanoseconds.astype("datetime64[ns]"))
    zoned = local.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    missing = np.asarray(zoned.isna())
    if missing.any():
        index = int(np.argmax(missing))
        value = values[index]
        shown = value if isinstance(value, str) else local[index]
        raise TimeProblem(
            value,
            f"{shown} does not occur exactly once in {timezone}, because the clocks change; write "
            "times with an offset from UTC, or leave spec.dataset.time.timezone out",
        )
    return np.asarray(zoned.tz_convert(None).astype("datetime64[ns]").astype("int64"), np.int64)
