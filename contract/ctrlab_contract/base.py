"""The base of every model in the contract, and the scalar types that the API allows.

The API has no floats (Kubernetes API conventions): a bound is a decimal string, so that what was written is what is
hashed. Models are strict and closed, so that one machine refuses exactly what a cluster's schema refuses.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel


class ContractModel(BaseModel):
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

DecimalString = Annotated[str, StringConstraints(pattern=DECIMAL_PATTERN, max_length=32)]
"""A decimal number in quotes, for instance "0.001" or "1e-3"."""

Duration = Annotated[str, StringConstraints(pattern=r"^([0-9]+h)?([0-9]+m)?([0-9]+s)?$", min_length=2, max_length=32)]
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

Scalar = Annotated[
    int | Annotated[str, StringConstraints(max_length=256)],
    Field(json_schema_extra={"x-kubernetes-int-or-string": True}),
]
"""A fixed parameter's value: an integer, or text; decimals, true/false and lists such as "400,400" are in quotes."""


def seconds(duration: str) -> int:
    """A `Duration` in seconds."""
    total, number = 0, ""
    for character in duration:
        if character.isdigit():
            number += character
        else:
            total += int(number) * {"h": 3600, "m": 60, "s": 1}[character]
            number = ""
    return total
