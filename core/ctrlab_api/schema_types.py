"""The base class of every API model, and the scalar types that the API allows.

The API has no floats (Kubernetes API conventions): a bound is a decimal string, so that the hash is computed over what
the user wrote. Models are strict and closed, so that one machine rejects exactly what the schema of a cluster rejects.
"""

import math
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

MAX_INT32: Final = 2**31 - 1
"""Upper bound of every integer that must fit 32 bits; also of every seed."""

MIN_INT32: Final = -(2**31)
"""Lower bound of the same."""

MAX_FIRST_SEED: Final = 2**31 - 2000
"""Upper bound of a first seed, so that the seeds that follow it (at most 1000 in all) fit 32 bits."""


class ApiModel(BaseModel):
    """Immutable, closed and strict model; camelCase outside, snake_case inside."""

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
        """Return indented JSON with API names and without absent fields; equal content gives equal text."""
        return self.model_dump_json(by_alias=True, exclude_none=True, indent=2) + "\n"


PATTERN_DESCRIPTIONS: Final[dict[str, str]] = {}
"""Pattern -> the text that it allows, in words; messages show these and never a regular expression."""


def described_pattern(expression: str, description: str) -> str:
    """Return the expression; messages about text that does not match it say that it is not `description`."""
    PATTERN_DESCRIPTIONS[expression] = description
    return expression


DECIMAL_PATTERN = described_pattern(
    r"^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$", 'a finite decimal number such as "0.001" or "1e-3"'
)


def _require_finite(text: str) -> str:
    if not math.isfinite(float(text)):
        raise ValueError(f"{text} is too large for a double-precision number")
    return text


DecimalString = Annotated[
    str, StringConstraints(pattern=DECIMAL_PATTERN, max_length=32), AfterValidator(_require_finite)
]
"""A decimal number in quotes, for instance "0.001" or "1e-3"; finite in double precision."""

Duration = Annotated[
    str,
    StringConstraints(
        pattern=described_pattern(
            r"^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$",
            "a length of time with units: hours (h), minutes (m) and seconds (s), such as 24h, 90m or 1h30m",
        ),
        min_length=2,
        max_length=21,
    ),
]
"""A length of time such as 24h, 90m or 1h30m."""

ResourceName = Annotated[
    str,
    StringConstraints(
        pattern=described_pattern(
            r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
            "a name of lowercase letters, digits and inner hyphens, such as my-study-2",
        ),
        min_length=1,
        max_length=52,
    ),
]
"""A DNS label, short enough that the names of child objects derived from it stay valid."""

VariantName = Annotated[
    str,
    StringConstraints(
        pattern=described_pattern(
            r"^[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$",
            "a name of letters and digits with inner hyphens, underscores and dots, such as DeepFM-small",
        ),
        min_length=1,
        max_length=40,
    ),
]
"""The name of a model or an ablation variant, as tables print it."""

ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=128)]
"""A column of the data, spelled as in its header."""

MAX_SCALAR_LENGTH = 256

NOT_A_SCALAR: Final = "not_a_scalar"
"""Type of the validation error of a value that is neither an integer nor text."""


def _integer_or_text(value: object) -> object:
    """Validate a scalar here, because the union would report each error once per member."""
    match value:
        case int() if not isinstance(value, bool):
            return value
        case str() if len(value) <= MAX_SCALAR_LENGTH:
            return value
        case str():
            raise ValueError(f"expected at most {MAX_SCALAR_LENGTH} characters, not {len(value)}")
        case _:
            raise PydanticCustomError(NOT_A_SCALAR, "expected a whole number or text")


Scalar = Annotated[
    int | str,
    BeforeValidator(_integer_or_text),
    Field(json_schema_extra={"x-kubernetes-int-or-string": True, "maxLength": MAX_SCALAR_LENGTH}),
]
"""The value of a fixed parameter: an integer or text; decimals, true/false and lists such as "400,400" need quotes."""


T = TypeVar("T")

FROM_LIST: Final = Field(strict=False)
"""Marks a tuple as valid if it is written as a list, as in YAML; its elements stay strict."""

FrozenList = Annotated[tuple[T, ...], FROM_LIST]
"""A list of the API, which is an immutable tuple in Python."""


def _require_distinct(values: tuple[T, ...]) -> tuple[T, ...]:
    duplicates = [value for index, value in enumerate(values) if value in values[:index]]
    if duplicates:
        raise ValueError(f"{duplicates[0]!r} is given twice")
    return values


Distinct = AfterValidator(_require_distinct)
"""Marks a tuple whose values must differ; its field carries LIST_SET_SCHEMA for the cluster."""

LIST_SET_SCHEMA: JsonDict = {"x-kubernetes-list-type": "set"}
"""Schema of a list whose values must differ."""


def list_map_schema(key: str) -> JsonDict:
    """Return the schema of a list whose elements differ in the field `key`, by which server-side apply merges them."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


def first_duplicate(names: list[str]) -> str | None:
    """Return the alphabetically first name that occurs more than once, or None."""
    return min((name for name in names if names.count(name) > 1), default=None)


def duration_seconds(duration: str) -> int:
    """Return a `Duration` in seconds."""
    total, digits = 0, ""
    for character in duration:
        if character.isdigit():
            digits += character
        else:
            total += int(digits) * {"h": 3600, "m": 60, "s": 1}[character]
            digits = ""
    return total
