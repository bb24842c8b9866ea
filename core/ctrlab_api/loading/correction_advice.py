"""Advice on correcting a rejected value; following it gives a value that is accepted and means what was written."""

import copy
import difflib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ctrlab_api.loading.yaml_spellings import Location, Spelling
from ctrlab_api.schema_types import NOT_A_SCALAR

NEEDS_TEXT: Final = ("string_type", NOT_A_SCALAR)
"""Types of validation errors of a value that must be text, and may be accepted in quotes."""


def with_quoted_values(
    details: list[ErrorDetails], model: type[BaseModel], content: Any, spelling: Spelling
) -> list[ErrorDetails]:
    """Return the errors with the spelling of each value that must be text, and whether it is accepted in quotes.

    The error of a value that is rejected in quotes, too, is replaced by the error of its text.
    """
    texts = {detail["loc"]: _text(detail, spelling) for detail in details if detail["type"] in NEEDS_TEXT}
    quoted = copy.deepcopy(content)
    for location, text in texts.items():
        if text is not None:
            _replace(quoted, location, text)
    remaining = _errors_of(quoted, model)
    result = []
    for detail in details:
        text = texts.get(detail["loc"])
        if text is None:
            result.append(detail)
            continue
        rejected = remaining.get(detail["loc"])
        context = {**(rejected or detail).get("ctx", {}), "spelling": text, "quotable": rejected is None}
        result.append(ErrorDetails(**{**(rejected or detail), "input": detail["input"], "ctx": context}))
    return result


def quoting_advice(context: Mapping[str, Any]) -> str:
    """Return the advice to write a value in quotes as it is spelled; nothing where that is not accepted."""
    return f"; write it in quotes: {json.dumps(context['spelling'])}" if context.get("quotable") else ""


def integer_advice(value: object) -> str:
    """Return the whole number that a text or float means, if any."""
    if isinstance(value, str) and re.fullmatch(r"[-+]?[0-9]+", value.strip()):
        return f"; write it without quotes: {int(value)}"
    return f"; write {int(value)}" if isinstance(value, float) and value.is_integer() else ""


def boolean_advice(value: object) -> str:
    """Return the boolean that a text or number means, if any."""
    meanings = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    meaning = meanings.get(str(value).strip().lower())
    return "" if meaning is None else f"; write it without quotes: {json.dumps(meaning)}"


def choice_advice(value: object, context: Mapping[str, Any]) -> str:
    """Return the allowed value that differs from the given one in case only, or by a few characters."""
    choices = re.findall(r"'([^']*)'", str(context.get("expected")))
    by_lower_case = {choice.lower(): choice for choice in choices}
    close = difflib.get_close_matches(str(value).lower(), by_lower_case, n=1, cutoff=0.75)
    return f"; did you mean {by_lower_case[close[0]]}?" if close else ""


def unknown_field(field: str, known: list[str]) -> str:
    """Return the message about an unknown field: the known ones, and the one that is probably meant."""
    if field in ("true", "false"):
        return f"unknown field: YAML reads a key such as {'on' if field == 'true' else 'off'} as {field}; " + _known(
            known
        )
    close = difflib.get_close_matches(field, known, n=1)
    suggestion = f"; did you mean {close[0]}?" if close else ";"
    return f"unknown field{suggestion} {_known(known)}"


def _known(fields: list[str]) -> str:
    return f"known fields: {', '.join(fields)}"


def _text(detail: ErrorDetails, spelling: Spelling) -> str | None:
    """Return the spelling of a rejected value; None where it has none, or where it is a list that must be one text."""
    value = detail["input"]
    if isinstance(value, dict) or (isinstance(value, list) and detail["type"] != NOT_A_SCALAR):
        return None
    return spelling(detail["loc"]) or None


def _errors_of(content: Any, model: type[BaseModel]) -> dict[Location, ErrorDetails]:
    try:
        model.model_validate(content, by_name=False)
    except ValidationError as error:
        return {detail["loc"]: detail for detail in error.errors(include_url=False)}
    return {}


def _replace(content: Any, location: Location, text: str) -> None:
    for step in location[:-1]:
        content = content[step]
    content[location[-1]] = text
