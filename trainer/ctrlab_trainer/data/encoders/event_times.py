"""Times of the events of stored histories, and the times between the events and their row."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.encoders.token_lists import TokenLists
from ctrlab_trainer.data.readers.column_values import text_at
from ctrlab_trainer.data.readers.source_tables import SourceTable
from ctrlab_trainer.data.times.number_times import UNIT_NAMES, before_detectable
from ctrlab_trainer.data.times.row_times import TimeReading, Timestamps
from ctrlab_trainer.data.times.time_problems import TimeProblem


@dataclass(frozen=True)
class RowTimeColumn:
    """The time column of the rows, and how it is read."""

    column: str
    reading: TimeReading


@dataclass(frozen=True)
class RowTokens:
    """The tokens of each row, row by row."""

    row: NDArray[np.int64]
    """[tokens of all rows] position of the row."""
    token: NDArray[np.int64]
    """[tokens of all rows] position of the token in its `TokenLists`."""
    element: NDArray[np.int64]
    """[tokens of all rows] position among all elements of the list."""
    elements: NDArray[np.int64]
    """[rows] number of all elements of the list."""

    @classmethod
    def of(cls, lists: TokenLists) -> "RowTokens":
        """Return the tokens of lists that were read with positions."""
        assert lists.element is not None
        assert lists.elements is not None
        lengths = lists.lengths
        begins = np.cumsum(lengths) - lengths
        per_row = lengths[lists.codes]
        row = np.repeat(np.arange(len(lists.codes)), per_row)
        token = np.arange(len(row)) - np.repeat(np.cumsum(per_row) - per_row, per_row)
        token += np.repeat(begins[lists.codes], per_row)
        return cls(row, token, lists.element[token], lists.elements[lists.codes])


@dataclass(frozen=True)
class TimedEvents:
    """Times of events."""

    times: Timestamps
    """[events]"""
    gaps: NDArray[np.float64]
    """[events] time of the row minus time of the event, at least 0, in the unit of the time column."""


def timed_events(
    rows: SourceTable, events: RowTokens, times: TokenLists, column: str, time: RowTimeColumn
) -> TimedEvents:
    """Return the times of the events of each row, which are the elements of `times` at the same positions.

    InvalidData with the row of a list with another number of times than events, and of an event that is later than
    its row, or has no time.
    """
    assert times.element is not None
    assert times.elements is not None
    has_events = np.bincount(events.row, minlength=rows.rows) > 0
    other_length = has_events & (events.elements != times.elements[times.codes])
    if other_length.any():
        row = int(np.argmax(other_length))
        found = f"has {times.elements[times.codes[row]]} times, and there are {events.elements[row]} events"
        raise InvalidData.at(rows.location(row, column), f"{found}; every event needs its time")
    width = int(times.elements.max(initial=0)) + 1
    keys = times.list_of_token * width + times.element
    wanted = times.codes[events.row].astype(np.int64) * width + events.element
    position = np.searchsorted(keys, wanted)
    absent = np.append(keys, -1)[position] != wanted
    if absent.any():
        first = int(np.argmax(absent))
        location = rows.location(int(events.row[first]), column)
        raise InvalidData.at(location, f"the time of event {events.element[first] + 1} is missing; leave the event out")
    row_times = time.reading.read_column(rows.data[time.column])
    values = times.tokens.codes[position]
    parsed = _parse(rows, times, column, time)
    event_times = parsed[values]
    _require_same_unit(rows, events, times.tokens.values.take(pa.array(values)), event_times, column, time)
    gaps = (row_times[events.row] - event_times).astype(np.float64)
    later = gaps < 0
    if later.any():
        first = int(np.argmax(later))
        row, value = int(events.row[first]), times.tokens.values[int(values[first])].as_py()
        rows_with = len(np.unique(events.row[later]))
        raise InvalidData.at(
            rows.location(row, column),
            f"found {value!r}, which is later than the time of the row, {text_at(rows, row, time.column)!r}; "
            f"{rows_with} of {rows.rows} rows have such events: leave them out, because a history contains only what "
            "came before its row",
        )
    return TimedEvents(event_times, gaps)


def _require_same_unit(
    rows: SourceTable, events: RowTokens, texts: pa.Array, values: Timestamps, column: str, time: RowTimeColumn
) -> None:
    """Raise InvalidData for the time of an event that is far too small for the unit of the time column."""
    unit = time.reading.unit
    if unit is None:
        return
    early = before_detectable(values, unit)
    if early.any():
        first = int(np.argmax(early))
        row = int(events.row[first])
        raise InvalidData.at(
            rows.location(row, column),
            f"found {texts[first].as_py()!r}, which is before 1990 in {UNIT_NAMES[unit]} since 1970, the unit of "
            f"the time column ({text_at(rows, row, time.column)!r}); write the times of events and rows in one unit",
        )


def _parse(rows: SourceTable, times: TokenLists, column: str, time: RowTimeColumn) -> Timestamps:
    """Return the [distinct tokens] times; InvalidData with the row of a value that is not like the time of a row."""
    texts = times.tokens.values
    if len(texts) == 0:
        return np.zeros(0, np.int64)
    try:
        return time.reading.read_texts(texts)
    except TimeProblem as problem:
        code = texts.to_pylist().index(problem.value) if problem.value in texts.to_pylist() else 0
        of_list = int(times.list_of_token[np.argmax(times.tokens.codes == code)])
        row = int(np.argmax(times.codes == of_list))
        raise InvalidData.at(rows.location(row, column), str(problem)) from problem
