"""The base of every model in the contract, and the scalar types that the API allows.

The API has no floats (Kubernetes API conventions): a bound is a decimal string, so that what was written is what is
hashed. Models are strict and closed, so that one machine refuses exactly what a cluster's schema refuses.
"""

import json
import math
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict


class ApiModel(BaseModel):
    """Immutable, closed, strict; camelCase outside, snake_case inside."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        extra="forbid",
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
    )

    def to_json(self) -> str:
        """Indented JSON with API names, without absent fields; stable for equal content."""
        return self.model_dump_json(by_alias=True, exclude_none=True, indent=2) + "\n"


DECIMAL_PATTERN = r"^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$"


def _finite(text: str) -> str:
    if not math.isfinite(float(text)):
        raise ValueError(f"{text} is too large for a double-precision number")
    return text


DecimalString = Annotated[str, StringConstraints(pattern=DECIMAL_PATTERN, max_length=32), AfterValidator(_finite)]
"""A decimal number in quotes, for instance "0.001" or "1e-3"; finite in double precision."""

Duration = Annotated[
    str,
    StringConstraints(pattern=r"^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$", min_length=2, max_length=21),
]
"""A length of time such as 24h, 90m or 1h30m."""

ResourceName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", min_length=1, max_length=52)
]
"""A DNS label, short enough that the names of children made from it stay valid."""

VariantName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$", min_length=1, max_length=40)
]
"""The name of a model or an ablation variant, as it is printed in tables."""

ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=128)]
"""A column of the data, as its header spells it."""

SCALAR_LENGTH = 256


def _integer_or_text(value: object) -> object:
    """Checked here and not by the union, which would report every refusal once for each of its members."""
    match value:
        case bool() | float():
            advice = f"; write it in quotes: {json.dumps(json.dumps(value))}"
        case list():
            advice = f"; write it in quotes: {json.dumps(','.join(map(str, value)))}"
        case int():
            return value
        case str() if len(value) <= SCALAR_LENGTH:
            return value
        case str():
            raise ValueError(f"text here has at most {SCALAR_LENGTH} characters, not {len(value)}")
        case _:
            advice = ""
    raise ValueError(f"expected a whole number or text, not {value!r:.60}{advice}")


Scalar = Annotated[
    int | str,
    BeforeValidator(_integer_or_text),
    Field(json_schema_extra={"x-kubernetes-int-or-string": True, "maxLength": SCALAR_LENGTH}),
]
"""A fixed parameter's value: an integer, or text; decimals, true/false and lists such as "400,400" are in quotes."""


T = TypeVar("T")


def _distinct(values: tuple[T, ...]) -> tuple[T, ...]:
    twice = [value for index, value in enumerate(values) if value in values[:index]]
    if twice:
        raise ValueError(f"{twice[0]!r} is given twice")
    return values


Distinct = AfterValidator(_distinct)
"""Marks a tuple whose values must differ; its field carries AS_SET for the cluster."""

LIST_SET_SCHEMA: JsonDict = {"x-kubernetes-list-type": "set"}
"""Schema of a list whose values must differ."""


def list_map_schema(key: str) -> JsonDict:
    """Schema of a list whose elements differ in the field `key`, which server-side apply merges by."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


def first_duplicate(names: list[str]) -> str | None:
    """The first name (in alphabetical order) that is given more than once, if there is one."""
    return min((name for name in names if names.count(name) > 1), default=None)


def duration_seconds(duration: str) -> int:
    """A `Duration` in seconds."""
    total, number = 0, ""
    for character in duration:
        if character.isdigit():
            number += character
        else:
            total += int(number) * {"h": 3600, "m": 60, "s": 1}[character]
            number = ""
    return total
