"""Lists of ids that the rows contain: in one column, or in several numbered columns."""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from ctrlab_api.cel import cel_rules
from ctrlab_api.schema_types import LIST_SET_SCHEMA, ApiModel, ColumnName, Distinct, FrozenList, first_duplicate

MAX_MERGED_COLUMNS: Final = 1000
"""Maximum number of columns that form one list, as many as a list may have ids."""

RANGE: Final = re.compile(r"\{(\d{1,6})\.\.(\d{1,6})\}")


def _expand(pattern: str) -> list[str]:
    match = RANGE.search(pattern)
    if match is None:
        return [pattern]
    first, last = int(match[1]), int(match[2])
    if abs(first - last) >= MAX_MERGED_COLUMNS:
        raise ValueError(f"{pattern!r} names more than {MAX_MERGED_COLUMNS} columns")
    # As in a shell, hist_{00..09} has two digits in each name.
    width = len(match[1]) if len(match[1]) == len(match[2]) else 0
    numbers = range(first, last + 1) if first <= last else range(first, last - 1, -1)
    return [f"{pattern[: match.start()]}{number:0{width}d}{pattern[match.end() :]}" for number in numbers]


def expand_columns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names that a list of names and ranges such as `hist_{0..49}` stands for, in order.

    ValueError for a name that occurs twice, and for more than MAX_MERGED_COLUMNS names.
    """
    names = [name for pattern in patterns for name in _expand(pattern)]
    duplicate = first_duplicate(names)
    if duplicate is not None:
        raise ValueError(f"the column {duplicate!r} is named twice")
    if len(names) > MAX_MERGED_COLUMNS:
        raise ValueError(f"names {len(names)} columns; allowed are at most {MAX_MERGED_COLUMNS}")
    return tuple(names)


def _require_expandable(patterns: tuple[str, ...]) -> tuple[str, ...]:
    expand_columns(patterns)
    return patterns


NumberedColumns = Annotated[
    FrozenList[ColumnName],
    Field(min_length=1, max_length=256),
    Distinct,
    AfterValidator(_require_expandable),
]
"""Columns with one id each, in order: names, or ranges such as hist_{0..49}."""

NUMBERED_COLUMNS_SCHEMA: Final = LIST_SET_SCHEMA

Separator = Annotated[str, StringConstraints(min_length=1, max_length=8)]

PaddingValue = Annotated[str, StringConstraints(min_length=1, max_length=64)]


@cel_rules(
    ("!has(self.column) || !has(self.columns)", "column and columns are mutually exclusive"),
    (
        "!has(self.columns) || (!has(self.separator) && !has(self.times))",
        "columns have one id each: leave out separator and times",
    ),
)
class StoredEvents(ApiModel):
    """A history that every row contains, in place of the logged clicks of its user."""

    column: ColumnName | None = None
    """Column of lists (parquet, jsonl), or of text such as "12^7^3" or "[12, 7, 3]" (default: the feature's name)."""
    columns: NumberedColumns | None = Field(default=None, json_schema_extra=NUMBERED_COLUMNS_SCHEMA)
    """Columns with one event each, in place of `column`: names, or ranges such as "hist_{0..49}". A missing value is no
    event."""
    separator: Separator | None = None
    """Separator of the events in text (default a space); whitespace around it is ignored."""
    padding: PaddingValue | None = None
    """The value that fills lists up to a fixed length, such as "0"; it is no event."""
    order: Literal["OldestFirst", "LatestFirst"] = "OldestFirst"
    """Order of the events in a list; with `times`, the order of events that have the same time."""
    times: ColumnName | None = None
    """Column of the times of the events: lists as long as those of `column`, in the unit of the time column. Events are
    sorted by time, and an event later than its row is an error."""

    @model_validator(mode="after")
    def _columns_are_exclusive(self) -> Self:
        if self.column is not None and self.columns is not None:
            raise ValueError("column and columns are mutually exclusive")
        if self.columns is not None and (self.separator is not None or self.times is not None):
            raise ValueError("columns have one id each: leave out separator and times")
        return self

    def source_columns(self, feature: str) -> tuple[str, ...]:
        """Return the columns of the events of a feature with this name, in order."""
        return (self.column or feature,) if self.columns is None else expand_columns(self.columns)
