"""A time column has one format, which is detected over all rows or declared; everything else is rejected."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.time_column import TimeColumn
from ctrlab_trainer.data.readers.source_tables import SourceTable
from ctrlab_trainer.data.times.row_times import RowTimes, read_times


def _read(values: Any, **options: str) -> RowTimes:
    """Read a column of two chunks in a file without name."""
    array = values if isinstance(values, pa.Array) else pa.array(values)
    half = len(array) // 2
    column = pa.chunked_array([array[:half], array[half:]])
    table = SourceTable(pa.table({"ts": column}), (("clicks.csv", len(array)),))
    return read_times(table, TimeColumn.model_validate({"column": "ts"} | options))


def _seconds(times: RowTimes) -> list[float]:
    return [float(value) / 1e9 for value in times.values]


def _utc(year: int, month: int, day: int, *clock: int) -> float:
    hour, minute, second = (*clock, 0, 0, 0)[:3]
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()


JAN_5_AND_25 = [_utc(2024, 1, 5), _utc(2024, 1, 25)]


@pytest.mark.parametrize(
    ("values", "expected", "reading"),
    [
        (["2024-01-05", "2024-01-25"], JAN_5_AND_25, "text, %Y-%m-%d"),
        (["2024/01/05", "2024/1/25"], JAN_5_AND_25, "text, %Y/%m/%d"),
        (["05/01/2024", "25/01/2024"], JAN_5_AND_25, "text, %d/%m/%Y"),
        (["01/05/2024", "01/25/2024"], JAN_5_AND_25, "text, %m/%d/%Y"),
        (["5.1.2024", "25.1.2024"], JAN_5_AND_25, "text, %d.%m.%Y"),
        (["05-01-24", "25-01-24"], None, "two readings"),
        (["05.01.70", "25.01.70"], [_utc(1970, 1, 5), _utc(1970, 1, 25)], "text, %d.%m.%y"),
        (["1/5/24", "1/25/24"], JAN_5_AND_25, "text, %m/%d/%y"),
        (["24-1-5", "24-01-25"], JAN_5_AND_25, "text, %y-%m-%d"),
        (["01/05/99", "01/25/99"], [_utc(1999, 1, 5), _utc(1999, 1, 25)], "text, %m/%d/%y"),
        (["01/01/2024", "02/02/2024"], [_utc(2024, 1, 1), _utc(2024, 2, 2)], "text, %d/%m/%Y"),
        (["5 Jan 2024", "25 January 2024"], JAN_5_AND_25, "text, day, name of the month, year"),
        (["Jan 5, 2024", "Jan. 25, 2024"], JAN_5_AND_25, "text, name of the month, day, year"),
        (
            ["Fri, 05 Jan 2024 13:05:00 GMT", "Thu, 25 Jan 2024 13:05:00 +0100"],
            [_utc(2024, 1, 5, 13, 5), _utc(2024, 1, 25, 12, 5)],
            "text, day, name of the month, year %H:%M:%S%z",
        ),
        (
            ["Fri Jan  5 13:05:00 2024", "Thu Jan 25 13:05:01 2024"],
            [_utc(2024, 1, 5, 13, 5), _utc(2024, 1, 25, 13, 5, 1)],
            "text, name of the month, day, time of day, year %H:%M:%S",
        ),
        (
            ["05/Jan/2024:13:05:00 +0000", "25/Jan/2024:13:05:00 +0000"],
            [_utc(2024, 1, 5, 13, 5), _utc(2024, 1, 25, 13, 5)],
            "text, day, name of the month, year %H:%M:%S%z",
        ),
        (
            ["2024-01-05T13:05:00Z", "2024-01-25T13:05:00.5+01:00"],
            [_utc(2024, 1, 5, 13, 5), _utc(2024, 1, 25, 12, 5) + 0.5],
            "text, %Y-%m-%d %H:%M:%S%z",
        ),
        (
            ["20240105T130500Z", "20240125T130500Z"],
            [_utc(2024, 1, 5, 13, 5), _utc(2024, 1, 25, 13, 5)],
            "text, year, month and day without separators, and a time of day %H:%M:%S%z",
        ),
        (
            ["25/01/2024 12:05 AM", "05/01/2024 12:05 PM"],
            [_utc(2024, 1, 25, 0, 5), _utc(2024, 1, 5, 12, 5)],
            "text, %d/%m/%Y %H:%M:%S",
        ),
        ([" 2024-01-05", "2024-01-25 "], JAN_5_AND_25, "text, %Y-%m-%d"),
        ([date(2024, 1, 5), date(2024, 1, 25)], JAN_5_AND_25, "date32[day]"),
        ([datetime(2024, 1, 5), datetime(2024, 1, 25)], JAN_5_AND_25, "timestamp[us]"),
    ],
)
def test_a_column_in_one_format_is_read(values: list[Any], expected: list[float] | None, reading: str) -> None:
    if expected is None:
        with pytest.raises(InvalidData, match="can be read as"):
            _read(values)
        return
    times = _read(values)
    assert _seconds(times) == expected
    assert times.format.reading == reading


@pytest.mark.parametrize(
    ("values", "reading"),
    [
        ([1, 2, 3, 4], "numbers, compared as they are"),
        (["1", "22", "333", "4444"], "numbers, compared as they are"),
        ([1.5, 2.5], "numbers, compared as they are"),
        ([638400000000000000, 638500000000000000], "numbers, compared as they are"),
        (["+1704460800123456788", "1704460800123456789"], "numbers, nanoseconds since 1970"),
        (list(range(0, 4_000_000_000, 50_000_000)), "numbers, compared as they are"),
        ([14102100, 14102101], "numbers, compared as they are"),
        (["1704460800", "1704547200"], "numbers, seconds since 1970"),
        ([1704460800.25, 1704547200.5], "numbers, seconds since 1970"),
        ([1704460800123, 1704547200456], "numbers, milliseconds since 1970"),
        ([1704460800123456, 1704547200456789], "numbers, microseconds since 1970"),
        ([1704460800123456789, 1704547200456789123], "numbers, nanoseconds since 1970"),
        ([20240105, 20240125], "numbers, %Y%m%d"),
        ([20240105130500, 20240125130500], "numbers, %Y%m%d%H%M%S"),
    ],
)
def test_numbers_stay_as_they_are_and_their_unit_is_detected(values: list[Any], reading: str) -> None:
    times = _read(values)
    assert times.values.tolist() == [float(value) if "." in str(value) else int(value) for value in values]
    assert times.format.reading == reading


@pytest.mark.parametrize(
    ("values", "row", "message"),
    [
        (["01/02/2024", "03/04/2024"], None, "'01/02/2024' can be read as 2024-02-01 (%d/%m/%Y) or as 2024-01-02"),
        (["05.01.2024 07:00", "06.01.2024 08:00"], None, "declare the format that is meant: spec.dataset.time.format"),
        (["01/02/03", "04/05/06"], None, "can be read as"),
        (["2024-01-05", "2024-01-06", "07/01/2024"], 3, "'2024-01-05' in another row"),
        (["25/01/2024", "01/25/2024"], 2, "not a valid date in the order of '25/01/2024' (%d/%m/%Y)"),
        (["2024-01-05", "2024-01-05 13:00"], 1, "without a time of day, but '2024-01-05 13:00' in another row"),
        (["2024-01-05 13:00", "2024-01-05 13:00Z"], 1, "without an offset from UTC"),
        (["07:31:00", "08:31:00"], 1, "a time of day without a date"),
        (["2024-01-05 07:31", "08:31"], 2, "a time of day without a date"),
        (["Jan", "Feb"], 1, "not a time that can be read"),
        (["2024-01-05", "Jan"], 2, "'2024-01-05' in another row"),
        (["2024-02-30", "2024-02-01"], 1, "not a valid date"),
        (["2024-13-01", "2024-13-02"], 1, "not a valid date"),
        (["2024-01-05 25:00", "2024-01-05 12:00"], 1, "not a valid date"),
        (["1024-01-05", "1024-01-06"], 1, "not a valid date"),
        (["1969-12-31", "2024-01-06"], 1, "in the year 1969; allowed are times from 1970 to 2099"),
        (["2024-12-31", "2100-01-06"], 2, "in the year 2100"),
        (["9999-12-31", "2024-01-06"], 1, "not a valid date"),
        (["2024-01-05", ""], 2, "found ''"),
        (["2024-01-05", None], 2, "the time is missing"),
        (["2024-01-05", "1704460800"], 1, "but the number 1704460800 in another row"),
        ([1704460800, 1704460801123, 1704460802], 2, "1704460801123 may be in milliseconds"),
        ([1704460800, 1704460801, 1704460802000000], 3, "may be in microseconds"),
        (["1704460800", "1704460801.5", "1704460802123"], 3, "all times in one unit"),
        ([1704460800, 0, 1704460802], 2, "found 0, but 1704460800 in another row"),
        ([1704460800, -1, 1704460802], 2, "found -1"),
        ([1, 2, 3, 1704460802], 1, "found 1"),
        ([1704460800 + n for n in range(20)] + [9999999999], 21, "in the year 2286"),
        ([202401051305, 202401251305], None, None),
        ([2024010513, 2024012513], None, "declare what is meant"),
        ([1.5, float("inf")], 2, "a finite number"),
        ([1.5, float("nan")], 2, "a finite number"),
        ([datetime(9999, 12, 31), datetime(2024, 1, 1)], 1, "found 9999-12-31T00:00:00; allowed are times from 1970"),
        ([datetime(2024, 1, 1), datetime(1969, 1, 1)], 2, "found 1969-01-01"),
        ([date(2024, 1, 1), date(2101, 1, 1)], 2, "found 2101-01-01"),
        ([time(7, 31), time(8, 31)], None, "times of day without a date, such as 07:31:00"),
        ([True, False], None, "has the type bool"),
        ([timedelta(seconds=3), timedelta(seconds=4)], None, "has the type duration"),
        ([["2024-01-05"], ["2024-01-06"]], None, "has the type list"),
        (["NaT", "2024-01-01"], 1, "found 'NaT', but '2024-01-01'"),
        (["01/25/2024 11:00", "01/26/2024 1:05 PM"], 1, "without AM or PM, but '01/26/2024 1:05 PM' in another row"),
        (["2024-01-05 10:00+99:00", "2024-01-05 10:00+01:00"], 1, "found '2024-01-05 10:00+99:00'"),
        (["2024-01-05 10:00+05:75", "2024-01-05 10:00+05:30"], 1, "found '2024-01-05 10:00+05:75'"),
    ],
)
def test_a_column_without_exactly_one_reading_is_rejected(
    values: list[Any], row: int | None, message: str | None
) -> None:
    if message is None:
        assert _read(values).format.reading == "numbers, %Y%m%d%H%M"
        return
    with pytest.raises(InvalidData) as error:
        _read(values)
    assert message in str(error.value)
    assert "clicks.csv" in str(error.value)
    if row is not None:
        assert f"row {row}, column ts" in str(error.value)


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        (["01/02/2024", "03/02/2024"], {"format": "%d/%m/%Y"}, [_utc(2024, 2, 1), _utc(2024, 2, 3)]),
        (["01/02/2024", "01/03/2024"], {"format": "%m/%d/%Y"}, [_utc(2024, 1, 2), _utc(2024, 1, 3)]),
        ([20240105, 20240125], {"format": "%Y%m%d"}, JAN_5_AND_25),
        (
            ["2024-01-05 13:00 +0200", "2024-01-25 13:00 +0000"],
            {"format": "%Y-%m-%d %H:%M %z"},
            [1704452400.0, 1706187600.0],
        ),
        (["2024-07-05 13:00", "2024-01-25 13:00"], {"timezone": "Europe/Berlin"}, [1720177200.0, 1706184000.0]),
        (
            pa.array([datetime(2024, 7, 5, 13), datetime(2024, 1, 25, 13)], pa.timestamp("ms")),
            {"timezone": "Europe/Berlin"},
            [1720177200.0, 1706184000.0],
        ),
    ],
)
def test_a_declared_format_or_time_zone_is_used(values: Any, options: dict[str, str], expected: list[float]) -> None:
    assert _seconds(_read(values, **options)) == expected


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (["01/02/2024", "13/2024"], {"format": "%d/%m/%Y"}, "row 2, column ts: found '13/2024', which does not match"),
        (["01/02/2024", "2/2/2024"], {"format": "%Q"}, "not a strptime pattern"),
        (["01/02/2024", "01/03/2024"], {"unit": "s"}, "spec.dataset.time.unit is for numbers"),
        ([1704460800123, 1704547200456], {"unit": "s"}, "all are times in milliseconds: declare"),
        (
            ["2024-01-05 13:00Z", "2024-01-06 13:00Z"],
            {"timezone": "Europe/Berlin"},
            "need no spec.dataset.time.timezone",
        ),
        (
            ["2024-10-27 02:30", "2024-10-28 02:30"],
            {"timezone": "Europe/Berlin"},
            "row 1, column ts: 2024-10-27 02:30 does not",
        ),
        (["2024-03-31 02:30", "2024-10-28 02:30"], {"timezone": "Europe/Berlin"}, "does not occur exactly once"),
        (["2024-03-31 02:30", "2024-10-28 02:30"], {"timezone": "Berlin"}, "is not known; write an IANA name"),
        ([datetime(2024, 7, 1), datetime(2024, 3, 31, 2, 30)], {"timezone": "Europe/Berlin"}, "row 2, column ts"),
        ([1704460800, 1704460801], {"timezone": "Europe/Berlin"}, "has numbers, which need no spec.dataset.time.time"),
        ([1704460800, 1704460801], {"unit": "ms"}, "all are times in seconds: declare spec.dataset.time.unit: s"),
        (["2024-01-05 11:00 PM"], {"format": "%Y-%m-%d %H:%M %p"}, "%I (hour from 1 to 12) and %p (AM or PM) go"),
        (["2024-01-05 11:00"], {"format": "%Y-%m-%d %I:%M"}, "%I (hour from 1 to 12) and %p (AM or PM) go"),
        (["2024-01-05 UTC"], {"format": "%Y-%m-%d %Z"}, "has %Z, but names of time zones are not unique"),
        (["2024 2024"], {"format": "%Y %Y"}, "not a strptime pattern"),
        (["9999-01-05"], {"format": "%Y-%m-%d"}, "row 1, column ts: found '9999-01-05', in the year 9999"),
        ([datetime(2024, 1, 5), datetime(2024, 1, 6)], {"format": "%Y"}, "needs no spec.dataset.time.format"),
    ],
)
def test_a_declaration_that_does_not_fit_is_rejected(values: Any, options: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidData) as error:
        _read(values, **options)
    assert message in str(error.value)


def test_mixed_units_are_accepted_if_the_numbers_are_declared_to_be_only_compared() -> None:
    values = [1704460800, 1704460801123]
    assert _read(values, unit="Ordinal").values.tolist() == values


def test_zoned_timestamps_are_compared_in_utc() -> None:
    values = pa.array([datetime(2024, 1, 5, tzinfo=UTC)] * 2, pa.timestamp("s", "Asia/Tokyo"))
    times = _read(values)
    assert _seconds(times) == [_utc(2024, 1, 5)] * 2
    assert times.format.timezone == "UTC"


def test_the_record_shows_the_first_and_the_last_time() -> None:
    assert _read(["25/01/2024", "05/01/2024"]).format.model_dump() == {
        "reading": "text, %d/%m/%Y",
        "timezone": None,
        "earliest": "2024-01-05 00:00:00",
        "latest": "2024-01-25 00:00:00",
    }


def test_nanoseconds_keep_their_last_digit() -> None:
    values = [1704460800123456789, 1704460800123456790]
    assert np.diff(_read([str(value) for value in values]).values).tolist() == [1]
