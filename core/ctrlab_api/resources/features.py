"""`spec.dataset.features`: the models' inputs, one column or one derived column each.

The rules that join fields stand twice, side by side: as a pydantic validator for one machine and as a CEL rule for
the cluster's schema; the tests hold both against the same examples.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from ctrlab_api.cel import cel_rules
from ctrlab_api.schema_types import LIST_SET_SCHEMA, ApiModel, ColumnName, Distinct

MAX_FEATURES: Final = 256
"""What the cost that an API server allows a rule over pairs of features leaves room for."""

FeatureType = Literal["Categorical", "Numeric", "MultiCategorical", "History", "Cross"]

FIELDS_OF_TYPES: Final[dict[str, tuple[FeatureType, ...]]] = {
    "column": ("Categorical", "Numeric", "MultiCategorical"),
    "transform": ("Numeric",),
    "buckets": ("Numeric",),
    "separator": ("MultiCategorical",),
    "pooling": ("MultiCategorical",),
    "max_length": ("MultiCategorical", "History"),
    "min_frequency": ("Categorical", "MultiCategorical", "Cross"),
    "hash_buckets": ("Categorical", "MultiCategorical", "Cross"),
    "pretrained": ("Categorical",),
    "through": ("History",),
    "time_gaps": ("History",),
}
"""Optional field -> the types that may have it."""


class Pretrained(ApiModel):
    """Vectors that were learned elsewhere, such as from text or images, in place of a feature's own embeddings.

    Every value in the file has an id, whether train holds it or not, so that an item which is new in test keeps its
    vector. Whoever makes the file sees to it that it was not made from later rows.
    """

    uri: str = Field(pattern=r"^(file|s3|pvc)://.+", max_length=1024)
    """The parquet file."""
    key: ColumnName | None = None
    """Its column of values; without it the feature's column."""
    vector: ColumnName
    """Its column of vectors: lists of numbers, all of one length."""
    training: Literal["Frozen", "FineTuned"] = "Frozen"
    """Frozen: the vectors stay, and a learned matrix takes them to the models' width. FineTuned: both are learned."""
    missing: Literal["Learned", "Zero", "Mean"] = "Learned"
    """For values that the file lacks: an embedding of their own, zeros, or the mean of the file's vectors."""


@cel_rules(
    ("(self.type == 'History') == has(self.of)", "of is required for History and only for it"),
    ("(self.type == 'Cross') == has(self.cross)", "cross is required for Cross and only for it"),
    ("!has(self.column) || !(self.type in ['History', 'Cross'])", "column is not for History and Cross features"),
    ("has(self.transform) == false || self.type == 'Numeric'", "transform is for Numeric features"),
    (
        "has(self.buckets) == false || (has(self.transform) && self.transform == 'QuantileBucket')",
        "buckets is for transform QuantileBucket",
    ),
    ("has(self.separator) == false || self.type == 'MultiCategorical'", "separator is for MultiCategorical features"),
    ("has(self.pooling) == false || self.type == 'MultiCategorical'", "pooling is for MultiCategorical features"),
    (
        "has(self.maxLength) == false || self.type in ['MultiCategorical', 'History']",
        "maxLength is for MultiCategorical and History features",
    ),
    (
        "has(self.minFrequency) == false || self.type in ['Categorical', 'MultiCategorical', 'Cross']",
        "minFrequency is for Categorical, MultiCategorical and Cross features",
    ),
    (
        "has(self.hashBuckets) == false || self.type in ['Categorical', 'MultiCategorical', 'Cross']",
        "hashBuckets is for Categorical, MultiCategorical and Cross features",
    ),
    (
        "!has(self.hashBuckets) || (!has(self.minFrequency) && !has(self.pretrained))",
        "hashBuckets needs no vocabulary: leave out minFrequency and pretrained",
    ),
    ("has(self.pretrained) == false || self.type == 'Categorical'", "pretrained is for Categorical features"),
    ("has(self.through) == false || self.type == 'History'", "through is for History features"),
    ("has(self.timeGaps) == false || self.type == 'History'", "timeGaps is for History features"),
    (
        "!has(self.through) || (!has(self.maxLength) && !has(self.timeGaps))",
        "a History with through has the events of the other: leave out maxLength and timeGaps",
    ),
)
class Feature(ApiModel):
    """One input of the models."""

    name: ColumnName
    """How tables and ablations call it; also its column unless `column` is given. For History and Cross a new name."""
    type: FeatureType
    """Categorical: one id a row. Numeric: a number. MultiCategorical: several ids a row. History: the user's earlier
    positive events. Cross: one id for the combination of several Categorical features."""
    column: ColumnName | None = None
    """The column, where it is not called as the feature, so that one column can serve several features."""
    transform: Literal["Standardize", "LogBucket", "QuantileBucket", "AsIs"] | None = None
    """Of a Numeric feature (default Standardize): zero mean and unit variance, floor(log(x)^2) as an id, equal-mass
    buckets as an id, or unchanged."""
    buckets: int | None = Field(default=None, ge=2, le=4096)
    """How many equal-mass buckets (default 32)."""
    separator: str | None = Field(default=None, min_length=1, max_length=8)
    """What stands between the ids of a MultiCategorical feature (default a space)."""
    pooling: Literal["Mean", "Sum", "Max"] | None = None
    """How the embeddings of a MultiCategorical feature's ids become one (default Mean); zeros where there is no id."""
    of: ColumnName | None = None
    """The Categorical feature whose earlier values make up the History; both share one vocabulary and one embedding."""
    through: ColumnName | None = None
    """Of a History: another History whose events it shares. The values of `of` are looked up by a table that train
    gives, such as item -> category, and not stored for each event; train must have one value of `of` for each item."""
    time_gaps: bool | None = None
    """Of a History: whether each event's embedding has one added for the time since the event, in powers of two of the
    time column's unit."""
    cross: Annotated[tuple[ColumnName, ...], Field(min_length=2, max_length=4), Distinct] | None = Field(
        default=None, json_schema_extra=LIST_SET_SCHEMA
    )
    """The Categorical features whose values a Cross combines."""
    max_length: int | None = Field(default=None, ge=1, le=1000)
    """How many of the latest ids are kept (default 50 for History, 16 for MultiCategorical)."""
    min_frequency: int | None = Field(default=None, ge=1, le=1_000_000)
    """Overrides preprocessing.minFrequency for this feature."""
    hash_buckets: int | None = Field(default=None, ge=2, le=100_000_000)
    """For an open vocabulary: ids are hashes modulo this number, nothing is fitted, and values that train never saw
    share ids with others instead of one out-of-vocabulary id."""
    pretrained: Pretrained | None = None
    """Of a Categorical feature: vectors in place of its own embeddings."""

    @property
    def source_column(self) -> str:
        """The column that the feature reads."""
        return self.column or self.name

    @model_validator(mode="after")
    def _fields_of_the_type(self) -> Self:
        if (self.type == "History") != (self.of is not None):
            raise ValueError(
                "of is required for History and only for it: it names the feature whose past values are collected"
            )
        if (self.type == "Cross") != (self.cross is not None):
            raise ValueError("cross is required for Cross and only for it: it names the features that are combined")
        for field, types in FIELDS_OF_TYPES.items():
            if getattr(self, field) is not None and self.type not in types:
                raise ValueError(
                    f"{type(self).model_fields[field].alias} is for {_listed(types)} features, not {self.type}"
                )
        if self.buckets is not None and self.transform != "QuantileBucket":
            raise ValueError("buckets is for transform QuantileBucket")
        if self.hash_buckets is not None and (self.min_frequency is not None or self.pretrained is not None):
            raise ValueError("hashBuckets needs no vocabulary: leave out minFrequency and pretrained")
        if self.through is not None and (self.max_length is not None or self.time_gaps is not None):
            raise ValueError("a History with through has the events of the other: leave out maxLength and timeGaps")
        return self


def _listed(types: tuple[str, ...]) -> str:
    *others, last = types
    return f"{', '.join(others)} and {last}" if others else last
