"""`spec.dataset.split` and `spec.dataset.negatives`: the rows of train, validation and test.

Every rule that involves several fields is written twice, as a pydantic validator and as a CEL rule; the tests check
both against the same examples.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from ctrlab_api.cel import cel_rules
from ctrlab_api.schema_types import (
    FROM_LIST,
    LIST_SET_SCHEMA,
    MAX_INT32,
    ApiModel,
    ColumnName,
    DecimalString,
    Distinct,
    FrozenList,
    first_duplicate,
)


def _require_different(train: str, valid: str, test: str) -> None:
    duplicate = first_duplicate([train, valid, test])
    if duplicate is not None:
        raise ValueError(f"train, valid and test must be different, not {duplicate!r} twice")


@cel_rules(
    (
        "self.train != self.valid && self.valid != self.test && self.train != self.test",
        "train, valid and test must be different values",
    )
)
class PredefinedValues(ApiModel):
    """Values of `column` that mark each split."""

    train: Annotated[str, StringConstraints(max_length=128)] = "train"
    """Value of training rows."""
    valid: Annotated[str, StringConstraints(max_length=128)] = "valid"
    """Value of validation rows, used for tuning and early stopping."""
    test: Annotated[str, StringConstraints(max_length=128)] = "test"
    """Value of test rows, which only final runs read."""

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
    """Files of the source's folder that contain each split; `*` matches any characters of a name."""

    train: FileName
    """Training rows, such as train.csv or part=train-*."""
    valid: FileName
    """Validation rows, used for tuning and early stopping."""
    test: FileName
    """Test rows, which only final runs read."""

    @model_validator(mode="after")
    def _differ(self) -> Self:
        _require_different(self.train, self.valid, self.test)
        return self


STRATEGIES_WITH_FRACTIONS = ("Temporal", "Random", "UserColdStart")


@cel_rules(
    (
        "(self.strategy == 'Predefined') == (has(self.column) || has(self.files))",
        "column or files is required for strategy Predefined and only for it",
    ),
    ("!(has(self.column) && has(self.files))", "column and files are mutually exclusive"),
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
    ("!has(self.count) || self.strategy == 'LeaveLastOut'", "count is for strategy LeaveLastOut"),
)
class Split(ApiModel):
    """Division of the rows into train, validation and test."""

    strategy: Literal["Temporal", "Random", "Predefined", "LeaveLastOut", "UserColdStart"]
    """Temporal: by global time. Random: by row, user or group. Predefined: by a column or by files. LeaveLastOut: each
    user's last event (or the last `count`) is test, the one before it validation. UserColdStart: the users whose first
    event is latest are test and those before them validation, with all their rows, so that models are evaluated on
    unseen users."""
    fractions: Annotated[tuple[DecimalString, DecimalString, DecimalString], FROM_LIST] | None = Field(
        default=None, json_schema_extra={"maxItems": 3, "minItems": 3}
    )
    """Shares of train, validation and test (default "0.8", "0.1", "0.1"): of rows for Temporal and Random, of users
    for Random by User and UserColdStart, of groups for Random by Group."""
    by: Literal["Row", "User", "Group"] | None = None
    """Random: what is split (default Row); User keeps all rows of a user in one split, Group all rows of a group
    (spec.dataset.group)."""
    count: int | None = Field(default=None, ge=1, le=1000)
    """LeaveLastOut: number of rows of each user in test, and as many before them in validation (default 1). Users with
    fewer than twice as many and one are train."""
    seed: int = Field(default=7, ge=0, le=MAX_INT32)
    """Random: seed of the permutation."""
    column: ColumnName | None = None
    """Predefined: the column that marks the split of a row."""
    files: PredefinedFiles | None = None
    """Predefined: the files of each split, where the source is a folder."""
    values: PredefinedValues = PredefinedValues()
    """Predefined by a column: the values that mark each split."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.strategy == "Predefined") != (self.column is not None or self.files is not None):
            raise ValueError("column or files is required for strategy Predefined and only for it")
        if self.column is not None and self.files is not None:
            raise ValueError("column and files are mutually exclusive: give the one that marks the splits")
        if self.by is not None and self.strategy != "Random":
            raise ValueError(f"by is for strategy Random, not {self.strategy}")
        if self.count is not None and self.strategy != "LeaveLastOut":
            raise ValueError(f"count is for strategy LeaveLastOut, not {self.strategy}")
        if self.fractions is not None:
            if self.strategy not in STRATEGIES_WITH_FRACTIONS:
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
        """The shares of train, validation and test as numbers."""
        train, valid, test = self.fractions or ("0.8", "0.1", "0.1")
        return float(train), float(valid), float(test)

    @property
    def needs_user(self) -> bool:
        """Whether the split reads the user column."""
        return self.strategy in ("LeaveLastOut", "UserColdStart") or self.by == "User"


@cel_rules(
    (
        "!has(self.attributes) || self.attributes.all(a, a != self.item)",
        "attributes must be columns other than the item",
    )
)
class Negatives(ApiModel):
    """Sampled non-clicks, for data that contain only positives; they belong to the data set, not to a run.

    A sampled row copies split, user, time and other columns of its positive and has another item: one that occurs in
    the same or an earlier split, and that the user has not clicked in the same or an earlier split, before or after.
    """

    item: ColumnName
    """The item column, in which a sampled row differs from its positive."""
    attributes: Annotated[FrozenList[ColumnName], Field(min_length=1, max_length=64), Distinct] | None = Field(
        default=None, json_schema_extra=LIST_SET_SCHEMA
    )
    """Attributes of the item, such as its category, which change with it; columns of tables joined by the item need not
    be listed."""
    per_positive: int = Field(default=1, ge=1, le=100)
    """Number of negatives per positive row."""
    strategy: Literal["Uniform", "Popularity"] = "Uniform"
    """Uniform: all items are equally likely. Popularity: proportional to one plus the item's positive rows in train."""
    seed: int = Field(default=7, ge=0, le=MAX_INT32)
    """Sampling seed; equal seeds give equal data sets."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.item in (self.attributes or ()):
            raise ValueError(f"attributes must be columns other than the item {self.item!r}")
        return self
