"""Attempts of a final run are ordered by number, and only files of attempts are counted."""

import pytest

from ctrlab_api.names import ObjectKey
from ctrlab_api.run_attempts import AttemptFile, attempts_with, parse_attempt_file


def test_attempts_are_ordered_by_number() -> None:
    keys = [ObjectKey.run("SIN", seed, attempt, "record.json") for seed in (7, 11) for attempt in (10, 2, 1)]
    assert attempts_with(sorted(keys), "record.json") == {("SIN", 7): (1, 2, 10), ("SIN", 11): (1, 2, 10)}


def test_attempts_without_the_file_are_left_out() -> None:
    keys = [ObjectKey.run("SIN", 7, 1, "opening.json"), ObjectKey.run("SIN", 7, 2, "record.json")]
    assert attempts_with(keys, "record.json") == {("SIN", 7): (2,)}
    assert attempts_with(keys, "opening.json") == {("SIN", 7): (1,)}
    assert attempts_with(keys, "model.safetensors") == {}


@pytest.mark.parametrize(
    "key",
    [
        "runs/SIN/7/starts/1.json",
        "runs/SIN/7/1",
        "runs/SIN/seven/1/record.json",
        "runs/SIN/7/01/record.json",
        "runs/SIN/7/-1/record.json",
        "studies/SIN.json",
    ],
)
def test_other_objects_are_no_attempts(key: str) -> None:
    assert parse_attempt_file(key) is None


def test_a_parsed_key_is_the_key_again() -> None:
    key = ObjectKey.run("SIN", 7, 12, "record.json")
    parsed = parse_attempt_file(key)
    assert parsed == AttemptFile("SIN", 7, 12, "record.json")
    assert parsed.key == key
