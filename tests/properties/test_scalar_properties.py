"""Durations and decimal strings: what is accepted has one meaning, and everything else is refused."""

import math

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ctrlab_api.schema_types import DECIMAL_PATTERN, DecimalString, Duration, duration_seconds

DURATION: TypeAdapter[str] = TypeAdapter(Duration)
DECIMAL: TypeAdapter[str] = TypeAdapter(DecimalString)
PART = st.none() | st.integers(0, 999_999)


@given(PART, PART, PART)
def test_a_duration_is_the_sum_of_its_parts(hours: int | None, minutes: int | None, rest: int | None) -> None:
    parts = [(hours, "h", 3600), (minutes, "m", 60), (rest, "s", 1)]
    text = "".join(f"{number}{unit}" for number, unit, _ in parts if number is not None)
    if text:
        assert duration_seconds(DURATION.validate_python(text)) == sum(
            (number or 0) * each for number, _, each in parts
        )


@pytest.mark.parametrize("text", ["", "5", "h", "1d", "1m1h", "1.5h", "-1h", "1 h", "1h\n", "1234567h"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValidationError):
        DURATION.validate_python(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_can_be_written_and_keeps_its_value(number: float) -> None:
    text = repr(number)
    assert float(DECIMAL.validate_python(text)) == number


@given(st.text(alphabet="0123456789.-+eE \n_x", max_size=12))
def test_a_decimal_is_what_the_cluster_takes_for_one(text: str) -> None:
    on_a_cluster = re2.search(DECIMAL_PATTERN, text) is not None and math.isfinite(float(text))
    try:
        DECIMAL.validate_python(text)
    except ValidationError:
        assert not on_a_cluster
    else:
        assert on_a_cluster
