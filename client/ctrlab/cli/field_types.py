"""Types, defaults and constraints of pydantic fields as readable text."""

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

SCALAR_NAMES = {str: "string", int: "integer", float: "number", bool: "boolean", Any: "anything"}
SIGNS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<", "min_length": "length >=", "max_length": "length <="}


def type_name(annotation: Any) -> str:
    """Return a name such as string, [object] or map of integer; for a Literal, its values."""
    annotation = _without_annotated(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " | ".join(str(value) for value in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(type_name(part) for part in arguments if part is not type(None)))
    if origin in (tuple, list):
        return f"[{type_name(arguments[0])}]"
    if origin is dict:
        return f"map of {type_name(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "object"
    return SCALAR_NAMES.get(annotation, str(getattr(annotation, "__name__", annotation)))


def nested_model(annotation: Any) -> type[BaseModel] | None:
    """Return the model inside an optional, a list or a map; None if there is none."""
    annotation = _without_annotated(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in get_args(annotation) if get_origin(annotation) is not Literal else ():
        model = nested_model(part)
        if model is not None:
            return model
    return None


def default_text(field: FieldInfo) -> str:
    """Return the default as text: `required` if there is none, `-` if the field may be absent."""
    if field.is_required():
        return "required"
    if field.default is None or field.default is PydanticUndefined:
        return "-"
    if isinstance(field.default, BaseModel):
        return "see its fields"
    if isinstance(field.default, tuple):
        return ",".join(str(value) for value in field.default)
    return str(field.default).lower() if isinstance(field.default, bool) else str(field.default)


def constraints_text(field: FieldInfo) -> str:
    """Return bounds and patterns, such as `>= 5, <= 1000`; empty if there are none."""
    constraints = []
    for constraint in field.metadata:
        for name, sign in SIGNS.items():
            bound = getattr(constraint, name, None)
            if bound is not None:
                constraints.append(f"{sign} {bound}")
        pattern = getattr(constraint, "pattern", None)
        if pattern:
            constraints.append(f"matches {pattern}")
    return ", ".join(constraints)


def _without_annotated(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation
