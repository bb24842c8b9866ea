"""`spec.dataset`: where the rows come from, what each column means, and how they are split.

Every rule that involves several fields is written twice, side by side: as a pydantic validator for one machine and as
a CEL rule for the schema of a cluster. The tests check both against the same examples.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from ctrlab_api.cel import cel_rules
from ctrlab_api.resources.data_sources import Source
from ctrlab_api.resources.dataset_splits import Negatives, Split
from ctrlab_api.resources.features import MAX_FEATURES, Feature
from ctrlab_api.resources.missing_values import DEFAULT_MISSING
from ctrlab_api.resources.row_labels import Label, Weight
from ctrlab_api.resources.time_column import Time
from ctrlab_api.schema_types import (
    LIST_SET_SCHEMA,
    ApiModel,
    ColumnName,
    Distinct,
    FrozenList,
    first_duplicate,
    list_map_schema,
)

MissingText = Annotated[str, StringConstraints(max_length=64)]


class Preprocessing(ApiModel):
    """Mapping of values to ids; fitted on train rows only."""

    min_frequency: int = Field(default=1, ge=1, le=1_000_000)
    """Values that occur less often in train share one out-of-vocabulary id."""


@cel_rules(
    ("has(self.label) || has(self.negatives)", "label is required unless negatives are sampled"),
    (
        "!(self.split.strategy in ['LeaveLastOut', 'UserColdStart'] || "
        "(has(self.split.by) && self.split.by == 'User')) || has(self.user)",
        "user is required for a split by users",
    ),
    (
        "!(has(self.split.by) && self.split.by == 'Group') || has(self.group)",
        "group is required for a Random split by Group",
    ),
    ("!has(self.negatives) || has(self.user)", "user is required for negatives"),
    (
        "!self.features.exists(f, f.type == 'History' && !has(f.stored) && !has(f.through)) || has(self.user)",
        "user is required for History features that are not stored",
    ),
    (
        "self.features.all(h, h.type == 'History' ? "
        "self.features.exists(f, f.type == 'Categorical' && f.name == h.of) : true)",
        "of must be the name of a Categorical feature",
    ),
    (
        "self.features.all(h, has(h.through) ? "
        "self.features.exists(f, f.type == 'History' && f.name == h.through && !has(f.through)) : true)",
        "through must be the name of a History feature without through",
    ),
    (
        "!has(self.label) || self.features.all(f, f.name != self.label.column && "
        "(!has(f.column) || f.column != self.label.column) && "
        "(!has(f.stored) || !has(f.stored.column) || f.stored.column != self.label.column))",
        "the label column cannot be a feature",
    ),
    (
        "!has(self.weight) || !has(self.label) || self.weight.column != self.label.column",
        "the label column cannot be the weight",
    ),
)
class Dataset(ApiModel):
    """The rows, their meaning and their split."""

    source: Source
    label: Label | None = None
    """Required unless negatives are sampled; without it every row of the source is a click."""
    weight: Weight | None = None
    """Weights of the rows in the training loss; without it all rows count equally."""
    features: FrozenList[Feature] = Field(
        min_length=1, max_length=MAX_FEATURES, json_schema_extra=list_map_schema("name")
    )
    """Inputs of the models; a column that is not listed is not an input of any model. At most 256, because an API
    server limits the cost of rules that compare features with each other. A Vector of any width, and a MultiCategorical
    or stored History of many numbered columns, count as one."""
    user: ColumnName | None = None
    """User column: used for histories, gauc and clustered standard errors."""
    group: ColumnName | None = None
    """Column with the id of the impression, session or query in which the rows were shown together. Used for the
    metric auc_by_group, for a Random split by Group, which never separates them, and for clustered standard errors
    where there is no user column. With a user column, all rows of a group must have the same user."""
    time: Time | None = None
    """Time column: its name, or `{column, format, unit, timezone}` where its format is to be declared. Numbers, or
    dates in one format for the whole column; a column with two possible readings is rejected until one is declared.
    format: a strptime pattern such as "%d/%m/%Y %H:%M". unit: s, ms, us or ns since 1970, or Ordinal for numbers that
    are only compared. timezone: IANA name of the time zone of times without offset (default UTC)."""
    missing: Annotated[FrozenList[MissingText], Field(max_length=64), Distinct] | None = Field(
        default=None, json_schema_extra=LIST_SET_SCHEMA
    )
    """Texts that mean a missing value in every column (default: empty, NA, N/A, n/a, #N/A, NaN, nan, NAN, <NA>, NaT,
    NULL, Null, null, None and \\N). Nulls and NaN of typed formats are always missing."""
    order: Literal["Rows"] | None = None
    """Rows: for data without a time column whose rows are in chronological order for each user; the row number replaces
    the time."""
    split: Split
    preprocessing: Preprocessing = Preprocessing()
    negatives: Negatives | None = None

    @property
    def missing_texts(self) -> frozenset[str]:
        """The texts that mean a missing value."""
        return DEFAULT_MISSING if self.missing is None else frozenset(self.missing)

    @property
    def time_column(self) -> str | None:
        """Name of the time column."""
        return None if self.time is None else self.time.column

    @property
    def has_event_order(self) -> bool:
        """Whether the chronological order of a user's rows is known."""
        return self.time is not None or self.order is not None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [feature.name for feature in self.features]
        duplicate = first_duplicate(names)
        if duplicate is not None:
            raise ValueError(f"features: the name {duplicate!r} is given twice")
        if self.label is None and self.negatives is None:
            raise ValueError("label is required unless negatives are sampled: name the column that contains 0 and 1")
        if self.time is not None and self.order is not None:
            raise ValueError("order is for data without time: leave one of them out")
        self._check_split()
        if self.negatives is not None and self.user is None:
            raise ValueError("user is required for negatives: items that the user clicked are never sampled")
        if self.weight is not None and self.label is not None and self.weight.column == self.label.column:
            raise ValueError(
                f"weight: the label column {self.label.column!r} cannot be the weight; name another column"
            )
        for feature in self.features:
            self._check_feature(feature)
        return self

    def _check_split(self) -> None:
        strategy = self.split.strategy
        if strategy in ("Temporal", "UserColdStart") and self.time is None:
            raise ValueError(f"time is required for a {strategy} split")
        if strategy == "LeaveLastOut" and not self.has_event_order:
            raise ValueError("time or order is required for a LeaveLastOut split")
        if self.split.needs_user and self.user is None:
            by = " by User" if self.split.by == "User" else ""
            raise ValueError(f"user is required for a {strategy} split{by}")
        if self.split.by == "Group" and self.group is None:
            raise ValueError(
                "group is required for a Random split by Group: name the column of impressions or sessions"
            )

    def _check_feature(self, feature: Feature) -> None:
        if self.label is not None and self.label.column in (feature.name, *feature.source_columns):
            raise ValueError(f"features: the label column {self.label.column!r} cannot be a feature")
        logged = feature.type == "History" and feature.stored is None and feature.through is None
        if logged and (self.user is None or not self.has_event_order):
            raise ValueError(
                f"user and time (or order) are required for the History feature {feature.name!r}; a History that is in "
                "the rows has `stored`"
            )
        if feature.stored is not None and feature.stored.times is not None and self.time is None:
            raise ValueError(f"time is required for stored.times of {feature.name!r}")
        if feature.time_gaps is not None and self.time is None:
            raise ValueError(f"time is required for timeGaps of {feature.name!r}")
        categorical = [other.name for other in self.features if other.type == "Categorical"]
        known = ", ".join(categorical) or "none"
        if feature.of is not None and feature.of not in categorical:
            raise ValueError(
                f"the History feature {feature.name!r} has of {feature.of!r}, which is not a Categorical feature; "
                f"known: {known}"
            )
        for member in feature.cross or ():
            if member not in categorical:
                raise ValueError(
                    f"the Cross feature {feature.name!r} combines {member!r}, which is not a Categorical feature; "
                    f"known: {known}"
                )
        event_histories = [other.name for other in self.features if other.type == "History" and other.through is None]
        if feature.through is not None and feature.through not in event_histories:
            raise ValueError(
                f"the History feature {feature.name!r} has through {feature.through!r}, which is not a History feature "
                f"without through; known: {', '.join(event_histories) or 'none'}"
            )
