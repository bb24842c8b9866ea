"""Compressed lists of indexes."""

import pytest

from ctrlab_api.job_indexes import compress_indexes, parse_indexes


@pytest.mark.parametrize(
    ("text", "expected"), [("", set()), ("1", {1}), ("0,2-4", {0, 2, 3, 4}), ("7-8,10", {7, 8, 10})]
)
def test_parsing_and_compressing(text: str, expected: set[int]) -> None:
    assert parse_indexes(text) == expected
    assert compress_indexes(sorted(expected, reverse=True)) == text


@pytest.mark.parametrize("text", ["a", "-", "1,,b"])
def test_other_texts_are_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        parse_indexes(text)
