"""Durations and decimal strings: accepted text has one meaning, and all other text is rejected."""

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
            (number or 0) * factor for number, _, factor in parts
        )


@pytest.mark.parametrize("text", ["", "5", "h", "1d", "1m1h", "1.5h", "-1h", "1 h", "1h\n", "1234567h"])
def test_other_text_is_not_a_duration(text: str) -> None:
    with pytest.raises(ValidationError):
        DURATION.validate_python(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_keeps_its_value_as_a_decimal_string(number: float) -> None:
    text = repr(number)
    assert float(DECIMAL.validate_python(text)) == number


@given(st.text(alphabet="0123456789.-+eE \n_x", max_size=12))
def test_a_decimal_string_is_accepted_exactly_if_a_cluster_accepts_it(text: str) -> None:
    accepted_by_cluster = re2.search(DECIMAL_PATTERN, text) is not None and math.isfinite(float(text))
    try:
        DECIMAL.validate_python(text)
    except ValidationError:
        assert not accepted_by_cluster
    else:
        assert accepted_by_cluster
