"""Times written as text: the one format of a column, and the nanoseconds since 1970 that it gives.

Every text of the column must match one pattern, all with or all without a time of day, and all with or all without an
offset from UTC. Where the order of day and month is open, every order that is valid for all texts is a possible
reading, and a column with two different readings is rejected.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctrlab_trainer.data.times.text_patterns import PATTERNS, TIME_OF_DAY, Order, TextPattern
from ctrlab_trainer.data.times.time_problems import TimeProblem

MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH_NAMES: Final = (
    "january february march april may june july august september october november december".split()  # noqa: SIM905
)
INVALID: Final = np.iinfo(np.int64).min
"""Marks a text that is no valid time."""
YEARS: Final = (1970, 2100)
"""First plausible year, and the first that is not."""
FIRST_TWO_DIGIT_YEAR: Final = 69
"""Two-digit years from 69 are 1969 and later, those below are 2000 and later, as in POSIX."""


@dataclass(frozen=True)
class TextReading:
    """The one format of a column."""

    title: str
    """The format in words."""
    has_offsets: bool
    """Whether offsets from UTC are written; else the times are local."""
    pattern: TextPattern | None = None
    """The detected pattern; None if a strptime pattern is declared."""
    order: Order = "YMD"
    has_halves: bool = False
    """Whether AM or PM is written."""
    strptime: str | None = None

    def read(self, texts: pa.Array) -> NDArray[np.int64]:
        """Return [texts] nanoseconds since 1970 in UTC or local time; TimeProblem for a text of another format."""
        if self.pattern is None:
            assert self.strptime is not None
            return _read_with_format(texts, self.strptime)
        components = self.pattern.components(texts)
        values = _read(components, self.order)
        other_offset = _has(components, "offset") != self.has_offsets
        if "half" in components:
            other_offset |= _has(components, "half") != self.has_halves
        invalid = ~np.asarray(components["matches"], bool) | other_offset | (values == INVALID)
        if invalid.any():
            text = texts[int(np.argmax(invalid))].as_py()
            raise TimeProblem(text, f"found {text!r}; the format of the time column is {self.title}")
        return values


def declared_reading(texts: pa.Array, pattern: str) -> TextReading:
    """Return the reading of a declared strptime pattern; TimeProblem for a distinct text that does not match it."""
    _read_with_format(texts, pattern)
    return TextReading(f"text, {pattern}", has_offsets="%z" in pattern, strptime=pattern)


def _read_with_format(texts: pa.Array, pattern: str) -> NDArray[np.int64]:
    has_offsets = "%z" in pattern
    _require_readable_directives(pattern)
    series = pd.Series(texts.to_pylist(), dtype=object)
    try:
        parsed = pd.to_datetime(series, format=pattern, errors="coerce", utc=has_offsets)
    except (ValueError, re.error) as error:
        raise TimeProblem(None, f"spec.dataset.time.format {pattern!r} is not a strptime pattern: {error}") from error
    missing = parsed.isna().to_numpy()
    if missing.any():
        text = texts[int(np.argmax(missing))].as_py()
        raise TimeProblem(text, f"found {text!r}, which does not match spec.dataset.time.format {pattern!r}")
    require_plausible_years(texts, np.asarray(parsed.dt.year, np.int64))
    values = parsed.dt.tz_localize(None) if has_offsets else parsed
    return np.asarray(values.astype("datetime64[ns]").astype("int64"), np.int64)


def _require_readable_directives(pattern: str) -> None:
    """Raise TimeProblem for directives with which strptime ignores a part of the text."""
    directives = set(re.findall("%(.)", pattern))
    title = f"spec.dataset.time.format {pattern!r}"
    if "Z" in directives:
        raise TimeProblem(
            None,
            f"{title} has %Z, but names of time zones are not unique; use %z for offsets such as +0100, or write a "
            "name that all rows have (UTC) as it is, and declare spec.dataset.time.timezone",
        )
    if ("I" in directives) != ("p" in directives):
        raise TimeProblem(
            None, f"{title} is incomplete: %I (hour from 1 to 12) and %p (AM or PM) go together; %H is the hour of 24"
        )


def require_plausible_years(texts: pa.Array, years: NDArray[np.int64]) -> None:
    """Raise TimeProblem for the first text outside of the plausible years."""
    implausible = (years < YEARS[0]) | (years >= YEARS[1])
    if implausible.any():
        index = int(np.argmax(implausible))
        text = texts[index].as_py()
        raise TimeProblem(
            text, f"found {text!r}, in the year {years[index]}; allowed are times from {YEARS[0]} to {YEARS[1] - 1}"
        )


def detect_reading(texts: pa.Array) -> TextReading:
    """Detect the format of distinct texts; TimeProblem without exactly one reading of all of them."""
    pattern, components = _common_pattern(texts)
    has_clock, has_offset = _has(components, "hour"), _has(components, "offset")
    _require_uniform(texts, has_clock, "a time of day")
    _require_uniform(texts, has_offset, "an offset from UTC")
    has_half = _has(components, "half") if "half" in components else np.zeros(len(texts), bool)
    _require_uniform(texts, has_half, "AM or PM")
    digits = 2 if len(components["first" if pattern.orders[0] == "YMD" else "last"][0].as_py()) == 2 else 4
    formats = {order: pattern.date_format(order, digits) for order in pattern.orders}
    readings = {order: _read(components, order) for order in pattern.orders}
    valid = {order: values for order, values in readings.items() if not (values == INVALID).any()}
    if not valid:
        order, values = min(readings.items(), key=lambda item: int((item[1] == INVALID).sum()))
        raise _invalid_date(texts, values, formats[order])
    first, *others = valid.items()
    for order, values in others:
        if not np.array_equal(first[1], values):
            raise _ambiguous(texts, [(formats[first[0]], first[1]), (formats[order], values)])
    clock = " %H:%M:%S" if has_clock.any() else ""
    offset = "%z" if has_offset.any() else ""
    title = f"text, {formats[first[0]]}{clock}{offset}"
    return TextReading(title, bool(has_offset.any()), pattern, first[0], bool(has_half.any()))


def _has(components: dict[str, pa.Array], name: str) -> NDArray[np.bool_]:
    return np.asarray(pc.not_equal(components[name], ""), bool)


def _invalid_date(texts: pa.Array, values: NDArray[np.int64], date_format: str) -> TimeProblem:
    """Return the error for texts of which `values` are INVALID in the order that fits best."""
    invalid = texts[int(np.argmax(values == INVALID))].as_py()
    if (values == INVALID).all():
        return TimeProblem(invalid, f"found {invalid!r}, which is not a valid date")
    example = texts[int(np.argmax(values != INVALID))].as_py()
    return TimeProblem(
        invalid,
        f"found {invalid!r}, which is not a valid date in the order of {example!r} ({date_format}); all times of a "
        "column have one format",
    )


def _common_pattern(texts: pa.Array) -> tuple[TextPattern, dict[str, pa.Array]]:
    """Return the pattern that all texts match, with their components."""
    best: tuple[int, TextPattern, pa.Array] | None = None
    for pattern in PATTERNS:
        components = pattern.components(texts)
        matches = components["matches"]
        count = pc.sum(matches).as_py() or 0
        if count == len(texts):
            return pattern, components
        if best is None or count > best[0]:
            best = (count, pattern, matches)
    assert best is not None
    count, pattern, matches = best
    unmatched = texts.filter(pc.invert(matches))
    if pc.any(pc.match_substring_regex(unmatched, TIME_OF_DAY)).as_py():
        text = unmatched.filter(pc.match_substring_regex(unmatched, TIME_OF_DAY))[0].as_py()
        raise TimeProblem(text, f"found {text!r}, a time of day without a date; write date and time in one column")
    text = unmatched[0].as_py()
    if count == 0:
        raise TimeProblem(
            text,
            f"found {text!r}, which is not a time that can be read; write times as 2024-01-31 13:05:00 or as numbers, "
            "or declare their format: spec.dataset.time.format, a strptime pattern",
        )
    example = texts.filter(matches)[0].as_py()
    raise TimeProblem(
        text, f"found {text!r}, but {example!r} in another row ({pattern.title}); all times of a column have one format"
    )


def _require_uniform(texts: pa.Array, has_part: NDArray[np.bool_], part: str) -> None:
    if has_part.any() and not has_part.all():
        without = texts[int(np.argmin(has_part))].as_py()
        with_part = texts[int(np.argmax(has_part))].as_py()
        raise TimeProblem(
            without,
            f"found {without!r} without {part}, but {with_part!r} in another row; write {part} in all rows or in none",
        )


def _ambiguous(texts: pa.Array, readings: list[tuple[str, NDArray[np.int64]]]) -> TimeProblem:
    (first_format, first), (other_format, other) = readings
    index = int(np.argmax(first != other))
    text = texts[index].as_py()
    first_date, other_date = (
        np.datetime64(int(values[index]), "ns").astype("datetime64[D]") for values in (first, other)
    )
    return TimeProblem(
        text,
        f"{text!r} can be read as {first_date} ({first_format}) or as {other_date} ({other_format}), and so can all "
        "other rows; declare the format that is meant: spec.dataset.time.format",
    )


def _read(components: dict[str, pa.Array], order: Order) -> NDArray[np.int64]:
    """Return [texts] nanoseconds since 1970 in UTC or local time, INVALID where a component is out of range."""
    count = len(components["first"])
    parts = dict(zip(order, _date_numbers(components), strict=True))
    year, month, day = parts["Y"], parts["M"], parts["D"]
    year_text = components["first" if order[0] == "Y" else "last"]
    short = np.asarray(pc.less_equal(pc.utf8_length(year_text), 2), bool)
    year = np.where(short, year + np.where(year >= FIRST_TWO_DIGIT_YEAR, 1900, 2000), year)
    valid = (month >= 1) & (month <= 12) & (day >= 1) & (year >= 1678) & (year <= 2261)
    months = (np.where(valid, year, 1970) - 1970) * 12 + np.where(valid, month, 1) - 1
    first_day = months.astype("datetime64[M]").astype("datetime64[D]")
    length = ((months + 1).astype("datetime64[M]").astype("datetime64[D]") - first_day).astype(np.int64)
    valid &= day <= length
    hour, minute, second = (_numbers(components[name], count) for name in ("hour", "minute", "second"))
    half = components.get("half", pa.array([""] * count))
    afternoon = np.asarray(pc.equal(pc.ascii_lower(half), "p"), bool)
    has_half = np.asarray(pc.not_equal(half, ""), bool)
    valid &= np.where(has_half, (hour >= 1) & (hour <= 12), hour < 24) & (minute < 60) & (second < 60)
    hour = np.where(has_half, hour % 12 + 12 * afternoon, hour)
    fraction = _numbers(pc.utf8_rpad(components["fraction"], 9, "0"), count)
    seconds = (first_day.astype(np.int64) + day - 1) * 86_400 + hour * 3600 + minute * 60 + second
    seconds -= _offset_seconds(components["offset"])
    nanoseconds: NDArray[np.int64] = np.where(valid, seconds * 1_000_000_000 + fraction, INVALID)
    return nanoseconds


def _date_numbers(components: dict[str, pa.Array]) -> Sequence[NDArray[np.int64]]:
    count = len(components["first"])
    first, last = _numbers(components["first"], count), _numbers(components["last"], count)
    if "month_name" not in components:
        return first, _numbers(components["middle"], count), last
    names = pc.ascii_lower(components["month_name"])
    numbers = {name: index + 1 for index, name in enumerate(MONTHS)}
    numbers |= {name: index + 1 for index, name in enumerate(MONTH_NAMES)} | {"sept": 9}
    coded = names.dictionary_encode()
    months = np.array([numbers.get(name, 0) for name in coded.dictionary.to_pylist()], np.int64)
    return first, months[np.asarray(coded.indices)], last


def _numbers(texts: pa.Array, count: int) -> NDArray[np.int64]:
    assert len(texts) == count
    return cast(NDArray[np.int64], np.asarray(pc.if_else(pc.equal(texts, ""), "0", texts).cast(pa.int64())))


def _offset_seconds(offsets: pa.Array) -> NDArray[np.int64]:
    coded = offsets.dictionary_encode()
    seconds = []
    for text in coded.dictionary.to_pylist():
        digits = text[1:].replace(":", "").ljust(4, "0") if text[:1] in ("+", "-") else "0000"
        amount = int(digits[:2]) * 3600 + int(digits[2:]) * 60
        seconds.append(-amount if text.startswith("-") else amount)
    by_row: NDArray[np.int64] = np.array(seconds, np.int64)[np.asarray(coded.indices)]
    return by_row
