"""Validation errors of pydantic in words that users understand: the field's path, what was given, what is allowed."""

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ctrlab_api import schema_types
from ctrlab_api.errors import Problem
from ctrlab_api.loading.correction_advice import (
    boolean_advice,
    choice_advice,
    integer_advice,
    quoting_advice,
    unknown_field,
    with_quoted_values,
)
from ctrlab_api.loading.yaml_spellings import Spelling, spelling_in_json
from ctrlab_api.schema_types import PATTERN_DESCRIPTIONS


def describe_errors(
    error: ValidationError, model: type[BaseModel], content: Any = None, spelling: Spelling | None = None
) -> list[Problem]:
    """Return a problem for each error of an object of `model`.

    `content` is the rejected document: advice to put a value in quotes is given only where the document is then
    accepted there. A list that counts as too short only because its elements were rejected is left out.
    """
    details = error.errors(include_url=False)
    if content is not None:
        details = with_quoted_values(details, model, content, spelling or spelling_in_json(content))
    problems = [describe_error(detail, model) for detail in details]
    return [
        problem
        for problem in problems
        if not any(other.where.startswith(f"{problem.where}[") for other in problems if other is not problem)
    ]


def describe_error(detail: ErrorDetails, model: type[BaseModel]) -> Problem:
    """Return the problem for one pydantic error of an object of `model`."""
    where = field_path(detail["loc"]) or "(document)"
    value, context = detail["input"], detail.get("ctx", {})
    shown = f"{context.get('spelling', repr(value)):.60}"
    match detail["type"]:
        case "extra_forbidden":
            message = unknown_field(str(detail["loc"][-1]), field_names_at(model, detail["loc"][:-1]))
        case "missing":
            message = "required, but missing"
        case "value_error":
            message = detail["msg"].removeprefix("Value error, ")
        case "string_type":
            message = f"expected text, not {shown}{quoting_advice(context)}"
        case schema_types.NOT_A_SCALAR:
            message = f"{detail['msg']}, not {shown}{quoting_advice(context)}"
        case "int_type" | "int_from_float" | "int_parsing":
            message = f"expected a whole number, not {shown}{integer_advice(value)}"
        case "bool_type":
            message = f"expected true or false, not {shown}{boolean_advice(value)}"
        case "model_type" | "model_attributes_type" | "dict_type":
            message = f"expected a mapping (key: value), not {shown}"
        case "tuple_type":
            message = f"expected a list, not {shown}"
        case "literal_error":
            message = f"expected {context.get('expected')}, not {shown}{choice_advice(value, context)}"
        case "string_pattern_mismatch":
            message = f"expected {PATTERN_DESCRIPTIONS[str(context.get('pattern'))]}, not {shown}"
        case "too_short":
            message = f"needs at least {context.get('min_length')}, has {context.get('actual_length')}"
        case "too_long":
            message = f"has {context.get('actual_length')}, at most {context.get('max_length')} are allowed"
        case _:
            text = detail["msg"][0].lower() + detail["msg"][1:]
            message = text if isinstance(value, dict | list) else f"{text}, not {shown}"
    return Problem(where, message)


def field_path(location: tuple[int | str, ...]) -> str:
    """Return the path of a field: `("spec", "models", 0, "name")` as `spec.models[0].name`."""
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path.removeprefix(".")


def field_names_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Return the API names of the fields at a location in an object of `model`; none where there is no model."""
    annotation: Any = model
    for step in location:
        if _is_model(annotation):
            fields = {field.alias or name: field.annotation for name, field in annotation.model_fields.items()}
            annotation = fields.get(str(step))
        else:
            arguments = get_args(annotation)
            annotation = arguments[1 if get_origin(annotation) is dict else 0] if arguments else None
        annotation = _required(annotation)
    if not _is_model(annotation):
        return []
    return [field.alias or name for name, field in annotation.model_fields.items()]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _required(annotation: Any) -> Any:
    """Return the annotation without `| None` and without `Annotated`."""
    if get_origin(annotation) is Annotated:
        return _required(get_args(annotation)[0])
    if get_origin(annotation) in (UnionType, Union):
        return _required(next(member for member in get_args(annotation) if member is not type(None)))
    return annotation
