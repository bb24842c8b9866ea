"""`spec.dataset.split` and `spec.dataset.negatives`: which rows each part holds.

The rules that join fields stand twice, as pydantic validators and as CEL rules; the tests hold both against the same
examples.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from ctrlab_api.cel import cel_rules
from ctrlab_api.schema_types import (
    LIST_SET_SCHEMA,
    ApiModel,
    ColumnName,
    DecimalString,
    Distinct,
    first_duplicate,
)


def _require_different(train: str, valid: str, test: str) -> None:
    twice = first_duplicate([train, valid, test])
    if twice is not None:
        raise ValueError(f"train, valid and test must be different, not {twice!r} twice")


@cel_rules(
    (
        "self.train != self.valid && self.valid != self.test && self.train != self.test",
        "train, valid and test must be different values",
    )
)
class PredefinedValues(ApiModel):
    """Which values of the split column mean which part."""

    train: Annotated[str, StringConstraints(max_length=128)] = "train"
    """Rows that the models learn from."""
    valid: Annotated[str, StringConstraints(max_length=128)] = "valid"
    """Rows for tuning and early stopping."""
    test: Annotated[str, StringConstraints(max_length=128)] = "test"
    """Rows that only final runs see."""

    @model_validator(mode="after")
    def _differ(self) -> Self:
        _require_different(self.train, self.valid, self.test)
        return self


FileName = Annotated[str, StringConstraints(min_length=1, max_length=256)]


@cel_rules(
    (
        "self.train != self.valid && self.valid != self.test && self.train != self.test",
        "train, valid and test must be different files",
    )
)
class PredefinedFiles(ApiModel):
    """Which files of the source's folder hold which part; `*` stands for any characters of a name."""

    train: FileName
    """Such as train.csv or part=train-*."""
    valid: FileName
    """For tuning and early stopping."""
    test: FileName
    """For final runs alone."""

    @model_validator(mode="after")
    def _differ(self) -> Self:
        _require_different(self.train, self.valid, self.test)
        return self


WITH_FRACTIONS = ("Temporal", "Random", "UserColdStart")


@cel_rules(
    (
        "(self.strategy == 'Predefined') == (has(self.column) || has(self.files))",
        "column or files is required for strategy Predefined and only for it",
    ),
    ("!(has(self.column) && has(self.files))", "column and files exclude each other"),
    (
        "!has(self.fractions) || self.strategy in ['Temporal', 'Random', 'UserColdStart']",
        "fractions are for strategies Temporal, Random and UserColdStart",
    ),
    (
        "!has(self.fractions) || (self.fractions.all(f, double(f) > 0.0) && "
        "double(self.fractions[0]) + double(self.fractions[1]) + double(self.fractions[2]) > 0.999999 && "
        "double(self.fractions[0]) + double(self.fractions[1]) + double(self.fractions[2]) < 1.000001)",
        "fractions are three positive decimals that sum to 1",
    ),
    ("!has(self.by) || self.strategy == 'Random'", "by is for strategy Random"),
)
class Split(ApiModel):
    """How rows are divided into train, validation and test."""

    strategy: Literal["Temporal", "Random", "Predefined", "LeaveLastOut", "UserColdStart"]
    """Temporal: by global time. Random: by row or by user. Predefined: by a column or by files. LeaveLastOut: each
    user's last event is test, the one before validation. UserColdStart: users who arrive last are test, those before
    them validation, each with all of their rows, so that no model has seen a user that it is judged on."""
    fractions: tuple[DecimalString, DecimalString, DecimalString] | None = Field(
        default=None, json_schema_extra={"maxItems": 3, "minItems": 3}
    )
    """Shares of train, validation and test (default "0.8", "0.1", "0.1"): of rows for Temporal and Random, of users
    for Random by User and UserColdStart."""
    by: Literal["Row", "User"] | None = None
    """For Random (default Row): User keeps all rows of a user in one part."""
    seed: int = Field(default=7, ge=0, le=2**31 - 1)
    """Of the permutation, for Random."""
    column: ColumnName | None = None
    """For Predefined: the column that says which part a row belongs to."""
    files: PredefinedFiles | None = None
    """For Predefined: the files that hold the parts, where the source is a folder."""
    values: PredefinedValues = PredefinedValues()
    """For Predefined by a column: what the column holds for each part."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.strategy == "Predefined") != (self.column is not None or self.files is not None):
            raise ValueError("column or files is required for strategy Predefined and only for it")
        if self.column is not None and self.files is not None:
            raise ValueError("column and files exclude each other: say either what marks the rows or which files")
        if self.by is not None and self.strategy != "Random":
            raise ValueError(f"by is for strategy Random, not {self.strategy}")
        if self.fractions is not None:
            if self.strategy not in WITH_FRACTIONS:
                raise ValueError(
                    f"fractions are for strategies Temporal, Random and UserColdStart, not {self.strategy}"
                )
            shares = [float(share) for share in self.fractions]
            if min(shares) <= 0 or not 0.999999 < sum(shares) < 1.000001:
                raise ValueError(
                    f"fractions are three positive decimals that sum to 1, not {', '.join(self.fractions)}"
                )
        return self

    @property
    def shares(self) -> tuple[float, float, float]:
        """Shares of train, validation and test as numbers."""
        train, valid, test = self.fractions or ("0.8", "0.1", "0.1")
        return float(train), float(valid), float(test)

    @property
    def needs_user(self) -> bool:
        """Whether it reads the user column."""
        return self.strategy in ("LeaveLastOut", "UserColdStart") or self.by == "User"


@cel_rules(
    (
        "!has(self.attributes) || self.attributes.all(a, a != self.item)",
        "attributes are columns other than the item",
    )
)
class Negatives(ApiModel):
    """Drawn non-clicks, for data that holds positives alone; part of the data set, not of a run.

    A drawn row has its positive's part, user, time and other columns, with another item: one of those that the part or
    an earlier one holds, and none that the user has in the part or an earlier one, before or after.
    """

    item: ColumnName
    """The column that a drawn row has another value in."""
    attributes: Annotated[tuple[ColumnName, ...], Field(min_length=1, max_length=64), Distinct] | None = Field(
        default=None, json_schema_extra=LIST_SET_SCHEMA
    )
    """Columns that belong to the item and change with it, such as its category; columns of tables joined by the item
    need not be named."""
    per_positive: int = Field(default=1, ge=1, le=100)
    """How many for each positive row."""
    strategy: Literal["Uniform", "Popularity"] = "Uniform"
    """Uniform: every item equally. Popularity: by one more than the number of positive rows that train has of it."""
    seed: int = Field(default=7, ge=0, le=2**31 - 1)
    """Of the draw; equal seeds give equal data sets."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.item in (self.attributes or ()):
            raise ValueError(f"attributes are columns other than the item {self.item!r}")
        return self
