"""What pydantic refuses, in words a person can use: the field's path, what was found, and what is allowed."""

import difflib
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ctrlab_api.errors import Problem


def describe_errors(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Each error once; a list counts as too short merely because its elements were refused, and that is left out."""
    problems = [describe_error(detail, model) for detail in error.errors(include_url=False)]
    return [
        problem
        for problem in problems
        if not any(other.where.startswith(f"{problem.where}[") for other in problems if other is not problem)
    ]


def describe_error(detail: ErrorDetails, model: type[BaseModel]) -> Problem:
    """One pydantic error of an object of `model`."""
    where = field_path(detail["loc"]) or "(document)"
    given, context = detail["input"], detail.get("ctx", {})
    shown = f"{given!r:.60}"
    match detail["type"]:
        case "extra_forbidden":
            message = _unknown(str(detail["loc"][-1]), field_names_at(model, detail["loc"][:-1]))
        case "missing":
            message = "required, but missing"
        case "value_error":
            message = detail["msg"].removeprefix("Value error, ")
        case "string_type" if isinstance(given, dict | list):
            message = f"expected text, not {shown}"
        case "string_type":
            message = f'expected text, not {shown}; write it in quotes, such as "{_as_yaml(given)}"'
        case "int_type" | "int_from_float" | "int_parsing":
            message = f"expected a whole number, not {shown}"
        case "bool_type":
            message = f"expected true or false, not {shown}"
        case "model_type" | "model_attributes_type" | "dict_type":
            message = f"expected a mapping (key: value), not {shown}"
        case "tuple_type":
            message = f"expected a list, not {shown}"
        case "literal_error":
            message = f"expected {context.get('expected')}, not {shown}"
        case "string_pattern_mismatch":
            message = f"{shown} does not have the form {context.get('pattern')}"
        case "too_short":
            message = f"needs at least {context.get('min_length')}, has {context.get('actual_length')}"
        case "too_long":
            message = f"has {context.get('actual_length')}, at most {context.get('max_length')} are allowed"
        case _:
            text = detail["msg"][0].lower() + detail["msg"][1:]
            message = text if isinstance(given, dict | list) else f"{text}, not {shown}"
    return Problem(where, message)


def field_path(location: tuple[int | str, ...]) -> str:
    """`("spec", "models", 0, "name")` as `spec.models[0].name`."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.removeprefix(".")


def field_names_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """API names of the fields at a place in an object of `model`; empty where there is no model."""
    here: Any = model
    for part in location:
        if _is_model(here):
            here = {field.alias or name: field.annotation for name, field in here.model_fields.items()}.get(str(part))
        else:
            here = get_args(here)[1 if get_origin(here) is dict else 0] if get_args(here) else None
        here = _required(here)
    return [field.alias or name for name, field in here.model_fields.items()] if _is_model(here) else []


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _required(annotation: Any) -> Any:
    """The annotation without `| None` and without `Annotated`."""
    if get_origin(annotation) is Annotated:
        return _required(get_args(annotation)[0])
    if get_origin(annotation) in (UnionType, Union):
        return _required(next(part for part in get_args(annotation) if part is not type(None)))
    return annotation


def _unknown(field: str, known: list[str]) -> str:
    close = difflib.get_close_matches(field, known, n=1)
    guess = f"; did you mean {close[0]}?" if close else ";"
    return f"unknown field{guess} known here: {', '.join(known)}"


def _as_yaml(given: object) -> str:
    return str(given).lower() if isinstance(given, bool) else str(given)
