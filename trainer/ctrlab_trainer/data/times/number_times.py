"""Times that are numbers: their unit, from the magnitude of all values.

Numbers are compared as they are; the unit is detected to reject columns in which two units are mixed, and to show
readers how the times were understood.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctrlab_trainer.data.times.time_problems import TimeProblem

Unit = Literal["s", "ms", "us", "ns"]

UNIT_NAMES: Final[dict[Unit, str]] = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
PER_SECOND: Final[dict[Unit, float]] = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}
DETECTABLE: Final = (631_152_000.0, 4_102_444_800.0)
"""1990 and 2100 in seconds since 1970; a number in this range of a unit may be a time in that unit."""
TICKS_IN_2100: Final = 662_380_416_000_000_000.0
"""2100 in units of 100 ns since the year 1 (.NET ticks), which are not nanoseconds since 1970: December 1990."""
PLAUSIBLE: Final = (0.0, 4_102_444_800.0)
"""1970 and 2100 in seconds, the range of times with a known unit."""
MIN_GAP: Final = 100.0
"""Two units are mixed if the numbers of one are this many times larger than those of the other, with none between."""
MIN_SHARE: Final = 0.9
"""Share of the numbers in the range of one unit above which the others are implausible times of that unit."""
COMPACT_FORMATS: Final = {8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""Number of digits -> strptime pattern of dates written without separators."""


@dataclass(frozen=True)
class NumberTimes:
    """Meaning of the numbers of a column."""

    reading: str
    unit: Unit | None
    """None for numbers that are only compared."""


def read_numbers(values: NDArray[np.int64] | NDArray[np.float64], declared: str | None) -> NumberTimes:
    """Return the unit of distinct finite numbers, declared or detected; TimeProblem for mixed or implausible ones."""
    if declared == "Ordinal":
        return NumberTimes("numbers, compared as they are", None)
    if declared is not None:
        known = next(unit for unit in UNIT_NAMES if unit == declared)
        _require_no_other_unit(values, known)
        _require_plausible(values, known)
        return NumberTimes(f"numbers, {UNIT_NAMES[known]} since 1970", known)
    unit, share = _most_common_unit(values)
    compact = _compact_format(values)
    if compact is not None and unit is None:
        return NumberTimes(f"numbers, {compact}", None)
    if compact is not None and share == 1:
        raise TimeProblem(
            values[0].item(),
            f"{values[0]} can be read as a date ({compact}) or as {UNIT_NAMES[unit or 's']} since 1970, and so can all "
            "other rows; declare what is meant: spec.dataset.time.format or spec.dataset.time.unit",
        )
    if unit is None:
        return NumberTimes("numbers, compared as they are", None)
    _require_one_unit(values, unit)
    if share >= MIN_SHARE:
        _require_plausible(values, unit)
        return NumberTimes(f"numbers, {UNIT_NAMES[unit]} since 1970", unit)
    return NumberTimes("numbers, compared as they are", None)


def _require_no_other_unit(values: NDArray[np.int64] | NDArray[np.float64], declared: Unit) -> None:
    """Raise TimeProblem if no number is a detectable time in the declared unit, and all are in one other unit."""
    if _in_range(values, declared).any():
        return
    for unit, name in UNIT_NAMES.items():
        if unit != declared and _in_range(values, unit).all():
            raise TimeProblem(
                values[0].item(),
                f"found {values[0]}, which in {UNIT_NAMES[declared]} since 1970 is before 1990 or after 2100, as are "
                f"all other rows; all are times in {name}: declare spec.dataset.time.unit: {unit}",
            )


def before_detectable(values: NDArray[np.int64] | NDArray[np.float64], unit: Unit) -> NDArray[np.bool_]:
    """Return [values] whether a number is below every time that is recognized in the unit."""
    early: NDArray[np.bool_] = values < DETECTABLE[0] * PER_SECOND[unit]
    return early


def _in_range(values: NDArray[np.int64] | NDArray[np.float64], unit: Unit) -> NDArray[np.bool_]:
    low, high = (bound * PER_SECOND[unit] for bound in DETECTABLE)
    if unit == "ns":
        low = TICKS_IN_2100
    in_range: NDArray[np.bool_] = (values >= low) & (values <= high)
    return in_range


def _most_common_unit(values: NDArray[np.int64] | NDArray[np.float64]) -> tuple[Unit | None, float]:
    shares = {unit: float(_in_range(values, unit).mean()) for unit in UNIT_NAMES}
    unit = max(shares, key=lambda name: shares[name])
    return (unit, shares[unit]) if shares[unit] > 0 else (None, 0.0)


def _require_one_unit(values: NDArray[np.int64] | NDArray[np.float64], unit: Unit) -> None:
    """Raise TimeProblem for numbers that lie far from those in the range of the unit, with none between."""
    inside = _in_range(values, unit)
    ordered = np.unique(values).astype(np.float64)
    low, high = ordered[np.searchsorted(ordered, values[inside].min())], float(values[inside].max())
    below = ordered[ordered < low]
    above = ordered[ordered > high]
    chain_low = _end_of_chain(ordered[ordered <= high][::-1])
    chain_high = _end_of_chain(ordered[ordered >= low])
    outside = values[(values < chain_low) | (values > chain_high)]
    if chain_low < low:  # a counter, which may begin at 0
        outside = outside[outside != 0]
    if len(outside) == 0 or not (len(below) or len(above)):
        return
    example, typical = outside[0], values[inside][0]
    others = [name for name in UNIT_NAMES if name != unit and _in_range(outside[:1], name).any()]
    guess = f"; {example} may be in {UNIT_NAMES[others[0]]}" if others else ""
    raise TimeProblem(
        example.item(),
        f"found {example}, but {typical} in another row, which is a time in {UNIT_NAMES[unit]} since 1970{guess}; "
        "write all times in one unit (or declare spec.dataset.time.unit: Ordinal for numbers that are only compared)",
    )


def _end_of_chain(ordered: NDArray[np.float64]) -> float:
    """Return the last number before the first gap of factor MIN_GAP; zero and a change of sign count as a gap."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = ordered[1:] / ordered[:-1]
    gaps = ~((ratio < MIN_GAP) & (ratio > 1 / MIN_GAP))
    return float(ordered[int(np.argmax(gaps))] if gaps.any() else ordered[-1])


def _require_plausible(values: NDArray[np.int64] | NDArray[np.float64], unit: Unit) -> None:
    low, high = (bound * PER_SECOND[unit] for bound in PLAUSIBLE)
    invalid = (values < low) | (values > high)
    if invalid.any():
        value = values[int(np.argmax(invalid))]
        year = 1970 + int(value / PER_SECOND[unit] // 31_556_952)
        raise TimeProblem(
            value.item(),
            f"found {value}, which is in the year {year} in {UNIT_NAMES[unit]} since 1970; allowed are times from 1970 "
            "to 2100 in one unit; correct the value, or declare spec.dataset.time.unit",
        )


def _compact_format(values: NDArray[np.int64] | NDArray[np.float64]) -> str | None:
    """Return the pattern of dates such as 20240131 that all numbers match; None if there is none."""
    if not np.issubdtype(values.dtype, np.integer) or values.min() <= 0:
        return None
    digits = {len(str(values.min())), len(str(values.max()))}
    pattern = COMPACT_FORMATS.get(min(digits)) if len(digits) == 1 else None
    if pattern is None:
        return None
    parsed = pd.to_datetime(pd.Series(values.astype(str), dtype=object), format=pattern, errors="coerce")
    if parsed.isna().any() or parsed.dt.year.min() < 1970 or parsed.dt.year.max() >= 2100:
        return None
    return pattern
