"""`spec.dataset`: where the rows come from, what each column means, and how they are split.

The rules that join fields stand twice, side by side: as a pydantic validator for one machine and as a CEL rule for
the cluster's schema; the tests hold both against the same examples.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from ctrlab_contract.base import AS_SET, ColumnName, ContractModel, DecimalString, Distinct, as_map, repeated
from ctrlab_contract.cel import rules

Format = Literal["csv", "tsv", "parquet", "libsvm", "recbole"]

MOST_FEATURES = 256
"""What the cost that an API server allows a rule over pairs of features leaves room for."""


class SideTable(ContractModel):
    """A table joined to the rows by one column, such as attributes of users or items."""

    uri: str = Field(pattern=r"^(file|s3|https|pvc)://.+", max_length=1024)
    """Where the table lies."""
    format: Format
    """How it is written."""
    on: ColumnName = Field(alias="joinOn")
    """The column, of the same name in both tables, that joins them; the side table has at most one row for a value.
    (Not called `on`, which YAML reads as true.)"""


@rules(
    ("self.uri.startsWith('builtin://') || has(self.format)", "format is required unless uri is builtin://NAME"),
    ("!has(self.columns) || !self.header", "columns names the columns of a file without header: set header to false"),
)
class Source(ContractModel):
    """Where the rows come from."""

    uri: str = Field(pattern=r"^(file|s3|https|pvc|builtin)://.+", max_length=1024)
    """file:///path, s3://bucket/key, pvc://claim/path, or builtin://NAME for a generator or a data set that
    `ctrlab data fetch` knows."""
    format: Format | None = None
    """Required unless uri is builtin://NAME: csv, tsv, parquet, libsvm, or recbole, which is a folder of RecBole
    atomic files (.inter joined with .user and .item). gzip is recognised."""
    header: bool = True
    """Whether the first line of csv and tsv names the columns; RecBole's typed headers (name:type) are understood."""
    columns: Annotated[tuple[ColumnName, ...], Field(min_length=1, max_length=512), Distinct] | None = Field(
        default=None, json_schema_extra=AS_SET
    )
    """The columns' names in order, for a file without header."""
    options: dict[str, Annotated[str, StringConstraints(max_length=256)]] | None = Field(default=None, max_length=32)
    """Parameters of a builtin generator, such as rows and seed of builtin://synthetic."""
    tables: tuple[SideTable, ...] | None = Field(default=None, max_length=8)
    """Tables joined to the rows."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.uri.startswith("builtin://") and self.format is None:
            raise ValueError(
                "format is required unless uri is builtin://NAME; one of csv, tsv, parquet, libsvm, recbole"
            )
        if self.columns and self.header:
            raise ValueError("columns names the columns of a file without header: set header to false")
        return self


class Label(ContractModel):
    """What counts as a click."""

    column: ColumnName
    """The column that holds the label."""
    positive_when: str | None = Field(default=None, pattern=r"^(>=|<=|>|<|==|!=) *-?[0-9]+(\.[0-9]+)?$", max_length=40)
    """A comparison that turns the column into 0/1, such as ">= 4"; without it the column must hold 0 and 1."""


@rules(
    ("(self.type == 'History') == has(self.of)", "of is required for History and only for it"),
    ("has(self.transform) == false || self.type == 'Numeric'", "transform is for Numeric features"),
    (
        "has(self.buckets) == false || (has(self.transform) && self.transform == 'QuantileBucket')",
        "buckets is for transform QuantileBucket",
    ),
    ("has(self.separator) == false || self.type == 'MultiCategorical'", "separator is for MultiCategorical features"),
    (
        "has(self.maxLength) == false || self.type in ['MultiCategorical', 'History']",
        "maxLength is for MultiCategorical and History features",
    ),
    (
        "has(self.minFrequency) == false || self.type in ['Categorical', 'MultiCategorical']",
        "minFrequency is for Categorical and MultiCategorical features",
    ),
)
class Feature(ContractModel):
    """One input of the models."""

    name: ColumnName
    """The column; for History a new name."""
    type: Literal["Categorical", "Numeric", "MultiCategorical", "History"]
    """Categorical: one id a row. Numeric: a number. MultiCategorical: several ids a row. History: the user's earlier
    positive events."""
    transform: Literal["Standardize", "LogBucket", "QuantileBucket", "AsIs"] | None = None
    """Of a Numeric feature (default Standardize): zero mean and unit variance, floor(log(x)^2) as an id, equal-mass
    buckets as an id, or unchanged."""
    buckets: int | None = Field(default=None, ge=2, le=4096)
    """How many equal-mass buckets (default 32)."""
    separator: str | None = Field(default=None, min_length=1, max_length=8)
    """What stands between the ids of a MultiCategorical feature (default a space)."""
    of: ColumnName | None = None
    """The Categorical feature whose earlier values make up the History; both share one vocabulary and one embedding."""
    max_length: int | None = Field(default=None, ge=1, le=1000)
    """How many of the latest ids are kept (default 50 for History, 16 for MultiCategorical)."""
    min_frequency: int | None = Field(default=None, ge=1, le=1_000_000)
    """Overrides preprocessing.minFrequency for this feature."""

    @model_validator(mode="after")
    def _fields_of_the_type(self) -> Self:
        if (self.type == "History") != (self.of is not None):
            raise ValueError(
                "of is required for History and only for it: it names the feature whose past values are collected"
            )
        allowed = {
            "transform": ("Numeric",),
            "buckets": ("Numeric",),
            "separator": ("MultiCategorical",),
            "max_length": ("MultiCategorical", "History"),
            "min_frequency": ("Categorical", "MultiCategorical"),
        }
        for field, types in allowed.items():
            if getattr(self, field) is not None and self.type not in types:
                raise ValueError(
                    f"{type(self).model_fields[field].alias} is for {' and '.join(types)} features, not {self.type}"
                )
        if self.buckets is not None and self.transform != "QuantileBucket":
            raise ValueError("buckets is for transform QuantileBucket")
        return self


@rules(
    (
        "self.train != self.valid && self.valid != self.test && self.train != self.test",
        "train, valid and test must be different values",
    )
)
class PredefinedValues(ContractModel):
    """Which values of the split column mean which part."""

    train: Annotated[str, StringConstraints(max_length=128)] = "train"
    """Rows that the models learn from."""
    valid: Annotated[str, StringConstraints(max_length=128)] = "valid"
    """Rows for tuning and early stopping."""
    test: Annotated[str, StringConstraints(max_length=128)] = "test"
    """Rows that only final runs see."""

    @model_validator(mode="after")
    def _differ(self) -> Self:
        twice = repeated([self.train, self.valid, self.test])
        if twice is not None:
            raise ValueError(f"train, valid and test must be different values, not {twice!r} twice")
        return self


@rules(
    (
        "(self.strategy == 'Predefined') == has(self.column)",
        "column is required for strategy Predefined and only for it",
    ),
    (
        "!has(self.fractions) || self.strategy in ['Temporal', 'Random']",
        "fractions are for strategies Temporal and Random",
    ),
    (
        "!has(self.fractions) || (self.fractions.all(f, double(f) > 0.0) && "
        "double(self.fractions[0]) + double(self.fractions[1]) + double(self.fractions[2]) > 0.999999 && "
        "double(self.fractions[0]) + double(self.fractions[1]) + double(self.fractions[2]) < 1.000001)",
        "fractions are three positive decimals that sum to 1",
    ),
)
class Split(ContractModel):
    """How rows are divided into train, validation and test."""

    strategy: Literal["Temporal", "Random", "Predefined", "LeaveLastOut"]
    """Temporal: by global time. Random: by row. Predefined: by a column. LeaveLastOut: each user's last event is test,
    the one before validation."""
    fractions: tuple[DecimalString, DecimalString, DecimalString] | None = Field(
        default=None, json_schema_extra={"maxItems": 3, "minItems": 3}
    )
    """Shares of train, validation and test, for Temporal and Random (default "0.8", "0.1", "0.1")."""
    seed: int = Field(default=7, ge=0, le=2**31 - 1)
    """Of the permutation, for Random."""
    column: ColumnName | None = None
    """For Predefined: the column that says which part a row belongs to."""
    values: PredefinedValues = PredefinedValues()
    """For Predefined: what the column holds for each part."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.strategy == "Predefined") != (self.column is not None):
            raise ValueError("column is required for strategy Predefined and only for it")
        if self.fractions is not None:
            if self.strategy not in ("Temporal", "Random"):
                raise ValueError(f"fractions are for strategies Temporal and Random, not {self.strategy}")
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


class Preprocessing(ContractModel):
    """How values become ids; fitted on train rows alone."""

    min_frequency: int = Field(default=1, ge=1, le=1_000_000)
    """Values seen less often in train share one out-of-vocabulary id."""


class Negatives(ContractModel):
    """Drawn non-clicks, for data that holds positives alone; part of the data set, not of a run."""

    per_positive: int = Field(default=1, ge=1, le=100)
    """How many for each positive row."""
    strategy: Literal["Uniform", "Popularity"] = "Uniform"
    """Items drawn evenly, or by how often train clicked them."""
    seed: int = Field(default=7, ge=0, le=2**31 - 1)
    """Of the draw; equal seeds give equal data sets."""


@rules(
    (
        "!(self.split.strategy in ['Temporal', 'LeaveLastOut']) || has(self.time)",
        "time is required for a Temporal or LeaveLastOut split",
    ),
    ("self.split.strategy != 'LeaveLastOut' || has(self.user)", "user is required for a LeaveLastOut split"),
    (
        "!self.features.exists(f, f.type == 'History') || (has(self.user) && has(self.time))",
        "user and time are required for History features",
    ),
    (
        "self.features.all(h, h.type == 'History' ? "
        "self.features.exists(f, f.type == 'Categorical' && f.name == h.of) : true)",
        "a History feature is of a Categorical feature: of must be the name of one",
    ),
    ("self.features.all(f, f.name != self.label.column)", "the label column cannot be a feature"),
)
class Dataset(ContractModel):
    """The rows, their meaning and their split."""

    source: Source
    label: Label
    features: tuple[Feature, ...] = Field(min_length=1, max_length=MOST_FEATURES, json_schema_extra=as_map("name"))
    """The models' inputs; a column that is not listed is not seen by any model."""
    user: ColumnName | None = None
    """The column of the user: histories, gauc, and the clusters of the statistics."""
    time: ColumnName | None = None
    """The column of the time: a number, or a date that pandas can read."""
    split: Split
    preprocessing: Preprocessing = Preprocessing()
    negatives: Negatives | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [feature.name for feature in self.features]
        twice = repeated(names)
        if twice is not None:
            raise ValueError(f"features: the name {twice!r} is given twice")
        if self.split.strategy in ("Temporal", "LeaveLastOut") and self.time is None:
            raise ValueError(f"time is required for a {self.split.strategy} split")
        if self.split.strategy == "LeaveLastOut" and self.user is None:
            raise ValueError("user is required for a LeaveLastOut split")
        by_name = {feature.name: feature for feature in self.features}
        for feature in self.features:
            if feature.type != "History":
                continue
            if self.user is None or self.time is None:
                raise ValueError(f"user and time are required for the History feature {feature.name!r}")
            if feature.of not in by_name or by_name[feature.of].type != "Categorical":
                known = ", ".join(name for name, other in by_name.items() if other.type == "Categorical")
                raise ValueError(
                    f"the History feature {feature.name!r} is of {feature.of!r}, which is not a Categorical feature; "
                    f"known: {known}"
                )
        if self.label.column in names:
            raise ValueError(f"features: the label column {self.label.column!r} cannot be a feature")
        return self
