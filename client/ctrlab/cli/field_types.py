"""Types, defaults and bounds of pydantic fields as a person reads them."""

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", Any: "anything"}


def type_name(annotation: Any) -> str:
    """Such as string, [object], map of integer, or the allowed words."""
    annotation = _bare(annotation)
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
    return PLAIN.get(annotation, str(getattr(annotation, "__name__", annotation)))


def nested(annotation: Any) -> type[BaseModel] | None:
    """The model inside an optional, a list or a map, if there is one."""
    annotation = _bare(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in get_args(annotation) if get_origin(annotation) is not Literal else ():
        found = nested(part)
        if found is not None:
            return found
    return None


def default_text(field: FieldInfo) -> str:
    """The default, `required`, or nothing where absence is the default."""
    if field.is_required():
        return "required"
    if field.default is None or field.default is PydanticUndefined:
        return "-"
    if isinstance(field.default, BaseModel):
        return "see its fields"
    if isinstance(field.default, tuple):
        return ",".join(str(value) for value in field.default)
    return str(field.default).lower() if isinstance(field.default, bool) else str(field.default)


def allowed(field: FieldInfo) -> str:
    """Bounds and patterns, such as `>= 5, <= 1000`."""
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<", "min_length": "length >=", "max_length": "length <="}
    found = []
    for constraint in field.metadata:
        for name, sign in signs.items():
            bound = getattr(constraint, name, None)
            if bound is not None:
                found.append(f"{sign} {bound}")
        pattern = getattr(constraint, "pattern", None)
        if pattern:
            found.append(f"matches {pattern}")
    return ", ".join(found)


def _bare(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation
