"""JSON objects read one by one: exact for numbers of any size and for members whose type differs between lines."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.readers.arrow_types import DICTIONARY_TEXT
from ctrlab_trainer.data.readers.canonical_text import canonical_text
from ctrlab_trainer.data.readers.delimited_files import NonNumericColumn

Objects = Iterator[tuple[int, dict[str, Any]]]
"""Number of the line, and its members."""


class _RepeatedMember(ValueError):
    """An object has two members of one name."""


def parse_objects(file: str, block: bytes, first: int) -> Objects:
    """Yield the objects of lines, of which the first has the number `first`; blank lines have none.

    InvalidData with the line that is not a JSON object, or that has a member twice.
    """
    for number, line in enumerate(block.split(b"\n"), first):
        if not line.strip():
            continue
        where = f"{file}, line {number}"
        try:
            members = json.loads(line, object_pairs_hook=_members, parse_int=_integer, parse_float=_float)
        except _RepeatedMember as error:
            raise InvalidData.at(where, str(error)) from None
        except RecursionError:
            raise InvalidData.at(where, "is nested too deeply; write one flat JSON object per line") from None
        except ValueError as error:
            raise InvalidData.at(where, f"is not JSON: {error}; expected one JSON object per line") from None
        if not isinstance(members, dict):
            kind = "an array of objects" if isinstance(members, list) else "another value"
            raise InvalidData.at(where, f"is not a JSON object but {kind}; expected one object per line")
        yield number, members


def object_lists(file: str, objects: Objects, names: list[str], numeric: frozenset[str]) -> list[pa.Array]:
    """Return a column for each name: text, lists of text, numbers for `numeric`, or nulls.

    InvalidData for an object or a nested list as a value, and for lists and single values in one column;
    NonNumericColumn if a column of `numeric` has text.
    """
    values: dict[str, list[Any]] = {name: [] for name in names}
    lines: list[int] = []
    for line, members in objects:
        lines.append(line)
        for name in names:
            values[name].append(members.get(name))
    columns = []
    for name in names:
        try:
            columns.append(_column(file, name, values[name], lines, name in numeric))
        except UnicodeEncodeError as error:
            line = next(line for value, line in zip(values[name], lines, strict=True) if _has_surrogate(value))
            raise InvalidData.at(
                f"{file}, line {line}, column {name}",
                f"has {error.object[error.start : error.start + 1]!a}, half of a character, which is not text; write "
                "the whole character, or leave the value out",
            ) from None
    return columns


def _has_surrogate(value: Any) -> bool:
    texts = value if isinstance(value, list) else [value]
    return any(isinstance(text, str) and any("\ud800" <= mark <= "\udfff" for mark in text) for text in texts)


def _column(file: str, name: str, values: list[Any], lines: list[int], numeric: bool) -> pa.Array:
    kinds = {type(value) for value in values} - {type(None)}
    if dict in kinds or (list in kinds and len(kinds) > 1):
        line = next(line for value, line in zip(values, lines, strict=True) if _is_other(value, kinds))
        found = "an object" if dict in kinds else "a single value, but lists in other lines"
        raise InvalidData.at(
            f"{file}, line {line}, column {name}",
            f"found {found}; allowed are text, numbers, booleans and null, or a list of these in every line",
        )
    if not kinds:
        return pa.nulls(len(values))
    if kinds == {list}:
        for value, line in zip(values, lines, strict=True):
            if any(isinstance(element, dict | list) for element in value or ()):
                raise InvalidData.at(
                    f"{file}, line {line}, column {name}",
                    "found a list with lists or objects in it; allowed are lists of text, numbers, booleans and null",
                )
        texts = [None if value is None else [_text(element) for element in value] for value in values]
        return pa.array(texts, pa.list_(pa.string()))
    if numeric:
        if str in kinds:
            raise NonNumericColumn
        return pa.array([None if value is None else _number(value) for value in values], pa.float64())
    return pa.array([_text(value) for value in values], pa.string()).cast(DICTIONARY_TEXT)


def _is_other(value: Any, kinds: set[type]) -> bool:
    return isinstance(value, dict) if dict in kinds else value is not None and not isinstance(value, list)


def _number(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer above the range of float64, which the check for finite numbers rejects
        return float("inf") if value > 0 else float("-inf")


def _text(value: Any) -> str | None:
    """Return the canonical text of one value."""
    if value is None:
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        text: str | None = canonical_text(pa.array([value]))[0].as_py()
        return text
    return str(value).lower() if isinstance(value, bool) else str(value)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise _RepeatedMember(f"has the member {repeated!r} twice; an object has each member once")
    return members


def _integer(text: str) -> int | str:
    """Return an integer; as text if it has more digits than Python converts."""
    return int(text) if len(text) < 4000 else text


def _float(text: str) -> float | str:
    """Return a number; as text if it is out of the range of float64."""
    value = float(text)
    return text if math.isinf(value) else value
