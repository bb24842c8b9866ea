"""`spec.dataset.label` and `spec.dataset.weight`: the click and the weight of each row.

Every rule that involves several fields is written twice, side by side: as a pydantic validator for one machine and as
a CEL rule for the schema of a cluster. The tests check both against the same examples.
"""

from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, model_validator

from ctrlab_api.cel import cel_rules
from ctrlab_api.schema_types import (
    LIST_SET_SCHEMA,
    ApiModel,
    ColumnName,
    Distinct,
    FrozenList,
    described_pattern,
)

COMPARISON: Final = described_pattern(
    r"^(>=|<=|>|<|==|!=) *-?[0-9]+(\.[0-9]+)?$",
    'a comparison with one number: >=, <=, >, <, == or !=, such as ">= 4"',
)


LabelText = Annotated[str, StringConstraints(min_length=1, max_length=128)]


@cel_rules(
    (
        "!(has(self.positive) && has(self.positiveWhen))",
        "positive is for labels that are text and positiveWhen for numbers: leave one of them out",
    )
)
class Label(ApiModel):
    """Definition of a click."""

    column: ColumnName
    """The label column."""
    positive_when: str | None = Field(default=None, pattern=COMPARISON, max_length=40)
    """A comparison that turns the column into 0/1, such as ">= 4"; without it the column must contain 0 and 1, or
    true and false."""
    positive: Annotated[FrozenList[LabelText], Field(min_length=1, max_length=64), Distinct] | None = Field(
        default=None, json_schema_extra=LIST_SET_SCHEMA
    )
    """The values that mean a click, for labels that are text, such as ["click", "buy"]; every other value means none.
    Each must occur in the data."""

    @model_validator(mode="after")
    def _one_definition(self) -> Self:
        if self.positive is not None and self.positive_when is not None:
            raise ValueError("positive is for labels that are text and positiveWhen for numbers: leave one of them out")
        return self


class Weight(ApiModel):
    """Weights of the rows, such as inverse sampling rates."""

    column: ColumnName
    """The weight column: numbers of at least 0. They are divided by their mean over train."""
    metrics: bool = False
    """Whether metrics are weighted, too: on validation, where they choose the best epoch and trial, and on test.
    Without it only the training loss is weighted."""
