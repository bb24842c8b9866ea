"""Patterns of times that are written as text.

A pattern matches a whole text and names its components: `first`, `middle` and `last` of the date, `month_name`, and the
time of day. Which of the numbers is the day, the month or the year is not part of a pattern: the values of the whole
column decide which orders are possible.
"""

from dataclasses import dataclass
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

Order = Literal["YMD", "DMY", "MDY"]

_TIME = (
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_OFFSET = r"(?: ?(?P<offset>Z|z|UTC|GMT|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?"
_CLOCK = rf"(?:[T ,:]+{_TIME}{_OFFSET})?"
_WEEKDAY = r"(?:[A-Za-z]{3,9},? +)?"
_MONTH = r"(?P<month_name>[A-Za-z]{3,9})\.?"
_SEPARATORS = ("-", "/", ".", " ")


@dataclass(frozen=True)
class TextPattern:
    """One way to write times."""

    title: str
    """Description for messages."""
    regex: str
    """RE2 expression of the whole text."""
    orders: tuple[Order, ...]
    """Possible orders of the numbers of the date; with the name of the month, `first` is the day."""
    separator: str | None = None
    """Text between the numbers of the date; None where they are written in another way."""

    def date_format(self, order: Order, year_digits: int = 4) -> str:
        """Return the strptime pattern of the date, or the title of the pattern if no single one exists."""
        if self.separator is None:
            return self.title
        letters = {"Y": "%Y" if year_digits == 4 else "%y", "M": "%m", "D": "%d"}
        return self.separator.join(letters[part] for part in order)

    def components(self, texts: pa.Array) -> dict[str, pa.Array]:
        """Return each component [texts], empty where it is absent, and `matches` [texts], whether the text matches."""
        extracted = pc.extract_regex(texts, f"^{self.regex}$")
        names = [field.name for field in extracted.type]
        columns = dict(zip(names, extracted.flatten(), strict=True))
        return {"matches": extracted.is_valid()} | {name: column.fill_null("") for name, column in columns.items()}


def _numeric(separator: str, first: str, last: str, orders: tuple[Order, ...], title: str) -> TextPattern:
    escaped = f"\\{separator}" if separator == "." else separator
    date = rf"(?P<first>[0-9]{first}){escaped}(?P<middle>[0-9]{{1,2}}){escaped}(?P<last>[0-9]{last})"
    return TextPattern(f"{title} with {separator!r} between them", rf"{date}{_CLOCK}", orders, separator)


PATTERNS: Final = (
    *(_numeric(mark, "{4}", "{1,2}", ("YMD",), "year, month and day") for mark in _SEPARATORS),
    *(_numeric(mark, "{1,2}", "{4}", ("DMY", "MDY"), "day, month and year") for mark in _SEPARATORS),
    *(_numeric(mark, "{2}", "{2}", ("DMY", "MDY", "YMD"), "day, month and year") for mark in _SEPARATORS),
    *(_numeric(mark, "{1,2}", "{2}", ("DMY", "MDY"), "day, month and year") for mark in _SEPARATORS),
    *(_numeric(mark, "{2}", "{1,2}", ("YMD",), "year, month and day") for mark in _SEPARATORS),
    TextPattern(
        "day, name of the month, year",
        rf"{_WEEKDAY}(?P<first>[0-9]{{1,2}})[ /.-]?{_MONTH}[ /.,-]{{1,2}}(?P<last>[0-9]{{4}}|[0-9]{{2}}){_CLOCK}",
        ("DMY",),
    ),
    TextPattern(
        "name of the month, day, year",
        rf"{_WEEKDAY}{_MONTH}[ /.-]+(?P<first>[0-9]{{1,2}})(?:st|nd|rd|th)?,? (?P<last>[0-9]{{4}}){_CLOCK}",
        ("DMY",),
    ),
    TextPattern(
        "name of the month, day, time of day, year",
        rf"{_WEEKDAY}{_MONTH} +(?P<first>[0-9]{{1,2}}) {_TIME}{_OFFSET} (?P<last>[0-9]{{4}})",
        ("DMY",),
    ),
    TextPattern(
        "year, month and day without separators, and a time of day",
        r"(?P<first>[0-9]{4})(?P<middle>[0-9]{2})(?P<last>[0-9]{2})T"
        rf"(?P<hour>[0-9]{{2}}):?(?P<minute>[0-9]{{2}}):?(?P<second>[0-9]{{2}})(?:[.,](?P<fraction>[0-9]{{1,9}}))?{_OFFSET}",
        ("YMD",),
    ),
)
"""The patterns of which one must match every text of a column."""

TIME_OF_DAY: Final = rf"^{_TIME}{_OFFSET}$"
"""A time of day without a date."""
