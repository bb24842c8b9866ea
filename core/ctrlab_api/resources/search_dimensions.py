"""`spec.models[].search` and `constraints`: the dimensions of a search space, and the points that are allowed."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from ctrlab_api.cel import cel_rules
from ctrlab_api.schema_types import (
    LIST_SET_SCHEMA,
    MAX_INT32,
    MIN_INT32,
    ApiModel,
    DecimalString,
    Distinct,
    FrozenList,
    Scalar,
)

__all__ = ["Constraints", "FloatRange", "IntRange", "SearchDimension"]

Categories = Annotated[
    FrozenList[Annotated[str, StringConstraints(max_length=128)]], Field(min_length=1, max_length=64), Distinct
]
"""The choices of a categorical dimension."""


def _step_too_large(step: str | int, low: str | int, high: str | int) -> str:
    return (
        f"step must not be larger than the range from low to high, not {step}: {low} would be the only value, and "
        f"{high} would never be tried; use a smaller step, or categorical with both values"
    )


@cel_rules(
    ("double(self.low) < double(self.high)", "low must be below high"),
    ("!self.log || double(self.low) > 0.0", "a log scale needs low above 0"),
    ("!(self.log && has(self.step))", "step cannot be combined with log"),
    ("!has(self.step) || double(self.step) > 0.0", "step must be above 0"),
    (
        "!has(self.step) || double(self.step) <= (double(self.high) - double(self.low)) * 1.000001",
        "step must not be larger than the range from low to high",
    ),
)
class FloatRange(ApiModel):
    """A range of real numbers, bounds included."""

    low: DecimalString
    """The lowest value."""
    high: DecimalString
    """The highest value."""
    log: bool = False
    """Whether values are sampled on a log scale."""
    step: DecimalString | None = None
    """Distance between allowed values; without it every real number in the range is allowed."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if float(self.low) >= float(self.high):
            raise ValueError(f"low must be below high, not {self.low} and {self.high}")
        if self.log and float(self.low) <= 0:
            raise ValueError(f"a log scale needs low above 0, not {self.low}")
        if self.log and self.step is not None:
            raise ValueError("step cannot be combined with log")
        if self.step is not None and float(self.step) <= 0:
            raise ValueError(f"step must be above 0, not {self.step}")
        if self.step is not None and float(self.step) > (float(self.high) - float(self.low)) * 1.000001:
            raise ValueError(_step_too_large(self.step, self.low, self.high))
        return self


@cel_rules(
    ("self.low < self.high", "low must be below high"),
    ("!self.log || self.low > 0", "a log scale needs low above 0"),
    ("!(self.log && self.step > 1)", "step cannot be combined with log"),
    ("self.step <= self.high - self.low", "step must not be larger than the range from low to high"),
)
class IntRange(ApiModel):
    """A range of integers, bounds included."""

    low: int = Field(ge=MIN_INT32, le=MAX_INT32)
    """The lowest value."""
    high: int = Field(ge=MIN_INT32, le=MAX_INT32)
    """The highest value."""
    log: bool = False
    """Whether values are sampled on a log scale."""
    step: int = Field(default=1, ge=1, le=MAX_INT32)
    """Distance between allowed values."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low must be below high, not {self.low} and {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"a log scale needs low above 0, not {self.low}")
        if self.log and self.step > 1:
            raise ValueError("step cannot be combined with log")
        if self.step > self.high - self.low:
            raise ValueError(_step_too_large(self.step, self.low, self.high))
        return self


@cel_rules(
    (
        "(has(self.float) ? 1 : 0) + (has(self.int) ? 1 : 0) + (has(self.categorical) ? 1 : 0) == 1",
        "exactly one of float, int and categorical",
    )
)
class SearchDimension(ApiModel):
    """The values that a tuned parameter may have: exactly one of float, int and categorical."""

    float_: FloatRange | None = Field(default=None, alias="float")
    int_: IntRange | None = Field(default=None, alias="int")
    categorical: Categories | None = Field(default=None, json_schema_extra=LIST_SET_SCHEMA)
    """Choices in quotes; numbers and lists are parsed as the parameter's type."""
    when: Annotated[dict[str, Scalar], Field(min_length=1, max_length=4)] | None = None
    """Condition: other parameters of the model and the value that each must have for this one to be tuned; otherwise
    this parameter keeps its default. Without `when` it is always tuned."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        present = [name for name, value in self.alternatives().items() if value is not None]
        if len(present) != 1:
            raise ValueError(
                f"exactly one of float, int and categorical, not {' and '.join(present) or 'none of them'}"
            )
        return self

    def alternatives(
        self,
    ) -> dict[Literal["float", "int", "categorical"], FloatRange | IntRange | tuple[str, ...] | None]:
        """Return the three forms by their API name; exactly one is not None."""
        return {"float": self.float_, "int": self.int_, "categorical": self.categorical}

    @property
    def kind(self) -> Literal["float", "int", "categorical"]:
        """The form of the dimension."""
        return next(name for name, value in self.alternatives().items() if value is not None)

    def corners(self) -> tuple[str | int, ...]:
        """Return the extreme values, which suffice to check the dimension against a parameter's allowed range."""
        if self.float_ is not None:
            return self.float_.low, self.float_.high
        if self.int_ is not None:
            return self.int_.low, self.int_.high
        return self.categorical or ()

    def cardinality(self) -> int | None:
        """Return the number of values on a grid, or None where the dimension is continuous."""
        if self.categorical is not None:
            return len(self.categorical)
        if self.int_ is not None:
            return (self.int_.high - self.int_.low) // self.int_.step + 1
        assert self.float_ is not None
        if self.float_.step is None:
            return None
        return int((float(self.float_.high) - float(self.float_.low)) / float(self.float_.step) + 1e-9) + 1


OrderedParameters = Annotated[
    FrozenList[Annotated[str, StringConstraints(max_length=64)]], Field(min_length=2, max_length=8), Distinct
]
"""Names of parameters whose values must not decrease."""


@cel_rules(("has(self.forbidden) || has(self.ordered)", "at least one of forbidden and ordered"))
class Constraints(ApiModel):
    """Combinations of values that trials must not use; constraints of inactive parameters (`when`) do not apply."""

    forbidden: (
        Annotated[
            FrozenList[Annotated[dict[str, Scalar], Field(min_length=1, max_length=8)]],
            Field(min_length=1, max_length=32),
        ]
        | None
    ) = None
    """Forbidden combinations, each as parameters with their values."""
    ordered: Annotated[FrozenList[OrderedParameters], Field(min_length=1, max_length=8)] | None = None
    """Lists of tuned parameters whose values must not decrease from the first to the last."""

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.forbidden is None and self.ordered is None:
            raise ValueError("at least one of forbidden and ordered")
        return self
