"""`spec.dataset.features`: the inputs of the models, one column or one derived column each.

Every rule that involves several fields is written twice, side by side: as a pydantic validator for one machine and as
a CEL rule for the schema of a cluster. The tests check both against the same examples.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from ctrlab_api.cel import cel_rules
from ctrlab_api.resources.list_columns import (
    NUMBERED_COLUMNS_SCHEMA,
    NumberedColumns,
    PaddingValue,
    Separator,
    StoredEvents,
    expand_columns,
)
from ctrlab_api.resources.source_uris import check_uri, cluster_uri_rule
from ctrlab_api.schema_types import LIST_SET_SCHEMA, ApiModel, ColumnName, Distinct, FrozenList

MAX_FEATURES: Final = 256
"""Maximum number of features, given the cost limit of an API server for a rule over pairs of features."""

FeatureType = Literal["Categorical", "Numeric", "MultiCategorical", "History", "Cross", "Vector"]

TYPES_BY_FIELD: Final[dict[str, tuple[FeatureType, ...]]] = {
    "column": ("Categorical", "Numeric", "MultiCategorical", "Vector"),
    "columns": ("MultiCategorical",),
    "transform": ("Numeric", "Vector"),
    "buckets": ("Numeric",),
    "separator": ("MultiCategorical", "Vector"),
    "padding": ("MultiCategorical",),
    "keep": ("MultiCategorical",),
    "pooling": ("MultiCategorical",),
    "width": ("Vector",),
    "max_length": ("MultiCategorical", "History"),
    "min_frequency": ("Categorical", "MultiCategorical", "Cross"),
    "hash_buckets": ("Categorical", "MultiCategorical", "Cross"),
    "pretrained": ("Categorical",),
    "through": ("History",),
    "time_gaps": ("History",),
    "stored": ("History",),
}
"""Each optional field and the feature types that may have it."""


VECTOR_SCHEMES: Final = ("file", "s3", "pvc")


@cel_rules(cluster_uri_rule(VECTOR_SCHEMES))
class Pretrained(ApiModel):
    """Pretrained vectors, for instance of text or images, that replace the embeddings of a feature.

    Every value in the file gets an id, whether it occurs in train or not, so that an item which is new in test keeps
    its vector. The author of the file must ensure that it was not computed from later rows.
    """

    uri: str = Field(min_length=1, max_length=1024)
    """URI of the parquet file; on one machine also a path relative to the folder of the experiment's file."""
    key: ColumnName | None = None
    """Its column of feature values (default: the feature's column)."""
    vector: ColumnName
    """Its column of vectors: lists of numbers, all of the same length."""
    training: Literal["Frozen", "FineTuned"] = "Frozen"
    """Frozen: the vectors stay fixed, and a learned matrix projects them to embedding_dim. FineTuned: both are
    trained."""
    missing: Literal["Learned", "Zero", "Mean"] = "Learned"
    """Vectors of values that are not in the file: learned embeddings, zeros, or the mean of the file's vectors."""

    @field_validator("uri")
    @classmethod
    def _allowed_uri(cls, uri: str) -> str:
        return check_uri(uri, VECTOR_SCHEMES)


@cel_rules(
    ("(self.type == 'History') == has(self.of)", "of is required for History and only for it"),
    ("(self.type == 'Cross') == has(self.cross)", "cross is required for Cross and only for it"),
    ("(self.type == 'Vector') == has(self.width)", "width is required for Vector and only for it"),
    ("!has(self.column) || !(self.type in ['History', 'Cross'])", "column is not for History and Cross features"),
    ("!has(self.columns) || self.type == 'MultiCategorical'", "columns is for MultiCategorical features"),
    (
        "!has(self.columns) || (!has(self.column) && !has(self.separator))",
        "columns have one id each: leave out column and separator",
    ),
    ("!has(self.transform) || self.type in ['Numeric', 'Vector']", "transform is for Numeric and Vector features"),
    (
        "!has(self.transform) || self.type != 'Vector' || self.transform in ['Standardize', 'AsIs']",
        "a Vector has the transform Standardize or AsIs",
    ),
    (
        "has(self.buckets) == false || (has(self.transform) && self.transform == 'QuantileBucket')",
        "buckets is for transform QuantileBucket",
    ),
    (
        "!has(self.separator) || self.type in ['MultiCategorical', 'Vector']",
        "separator is for MultiCategorical and Vector features",
    ),
    ("!has(self.padding) || self.type == 'MultiCategorical'", "padding is for MultiCategorical features"),
    ("!has(self.keep) || self.type == 'MultiCategorical'", "keep is for MultiCategorical features"),
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
    ("!has(self.stored) || self.type == 'History'", "stored is for History features"),
    (
        "!has(self.through) || (!has(self.maxLength) && !has(self.timeGaps) && !has(self.stored))",
        "a History with through uses the events of the other History: leave out maxLength, timeGaps and stored",
    ),
    (
        "!has(self.stored) || !has(self.timeGaps) || has(self.stored.times)",
        "stored.times is required for timeGaps of a stored History",
    ),
)
class Feature(ApiModel):
    """One input of the models."""

    name: ColumnName
    """Name in tables and ablations, and the column unless `column` is given. History and Cross need a new name."""
    type: FeatureType
    """Categorical: one id per row. Numeric: a number. MultiCategorical: several ids per row. History: the user's
    earlier positive events, or those that the row contains. Cross: one id for the combination of several Categorical
    features. Vector: several numbers per row, such as an embedding."""
    column: ColumnName | None = None
    """Column of the feature (default: its name), so that several features can use the same column."""
    columns: NumberedColumns | None = Field(default=None, json_schema_extra=NUMBERED_COLUMNS_SCHEMA)
    """MultiCategorical: columns with one id each, in place of `column`: names, or ranges such as "tag_{0..9}"."""
    transform: Literal["Standardize", "LogBucket", "QuantileBucket", "AsIs"] | None = None
    """Numeric: Standardize (default) to zero mean and unit variance; LogBucket: floor(log(x)^2) as an id;
    QuantileBucket: equal-mass buckets as ids; AsIs: unchanged. Vector: Standardize (default) each number, or AsIs."""
    buckets: int | None = Field(default=None, ge=2, le=4096)
    """QuantileBucket: number of equal-mass buckets (default 32)."""
    separator: Separator | None = None
    """MultiCategorical and Vector: separator of the ids or numbers in text (default a space). Whitespace around it is
    ignored. Lists in brackets, such as "[4, 0, 2]", need no separator."""
    padding: PaddingValue | None = None
    """MultiCategorical: the value that fills lists up to a fixed length, such as "0"; it gets no id."""
    keep: Literal["First", "Latest"] | None = None
    """MultiCategorical: which ids of a list longer than maxLength are kept: those at its beginning (First, the default)
    or at its end (Latest)."""
    width: int | None = Field(default=None, ge=1, le=4096)
    """Vector: how many numbers a vector has."""
    pooling: Literal["Mean", "Sum", "Max"] | None = None
    """MultiCategorical: how the embeddings of the ids are pooled (default Mean); zeros where there is no id."""
    of: ColumnName | None = None
    """History: the Categorical feature whose earlier values it collects; both share vocabulary and embedding."""
    through: ColumnName | None = None
    """History: another History whose events it shares. The values of `of` are looked up in a table built from train,
    such as item -> category, instead of being stored per event; train must have a single value of `of` per item."""
    time_gaps: bool | None = None
    """History: whether an embedding of the time since the event is added to each event, bucketed by powers of two of
    the time column's unit."""
    stored: StoredEvents | None = None
    """History: reads the events from columns of the row; user and time are then not required. Values of `of` are
    counted in the rows of train and in these lists, so that an item that is only in histories has an id."""
    cross: Annotated[FrozenList[ColumnName], Field(min_length=2, max_length=4), Distinct] | None = Field(
        default=None, json_schema_extra=LIST_SET_SCHEMA
    )
    """Cross: the Categorical features whose values it combines."""
    max_length: int | None = Field(default=None, ge=1, le=1000)
    """Maximum number of ids: of a History the latest are kept (default 50), of a MultiCategorical those that `keep`
    names (default 16)."""
    min_frequency: int | None = Field(default=None, ge=1, le=1_000_000)
    """Overrides preprocessing.minFrequency for this feature."""
    hash_buckets: int | None = Field(default=None, ge=2, le=100_000_000)
    """Feature hashing for an open vocabulary: ids are hashes modulo this number, nothing is fitted, and values that are
    not in train share ids with others instead of one out-of-vocabulary id."""
    pretrained: Pretrained | None = None
    """Categorical: pretrained vectors that replace its embeddings."""

    @property
    def source_column(self) -> str:
        """The column that the feature reads."""
        return self.column or self.name

    @property
    def source_columns(self) -> tuple[str, ...]:
        """Every column that the feature reads; none for Cross and for a History of logged clicks."""
        if self.stored is not None:
            times = () if self.stored.times is None else (self.stored.times,)
            return (*self.stored.source_columns(self.name), *times)
        if self.type in ("History", "Cross"):
            return ()
        return (self.source_column,) if self.columns is None else expand_columns(self.columns)

    @model_validator(mode="after")
    def _fields_match_type(self) -> Self:
        if (self.type == "History") != (self.of is not None):
            raise ValueError(
                "of is required for History and only for it: it names the feature whose earlier values are collected"
            )
        if (self.type == "Cross") != (self.cross is not None):
            raise ValueError("cross is required for Cross and only for it: it names the features that are combined")
        for field, types in TYPES_BY_FIELD.items():
            if getattr(self, field) is not None and self.type not in types:
                raise ValueError(
                    f"{type(self).model_fields[field].alias} is for {_join_words(types)} features, not {self.type}"
                )
        if (self.type == "Vector") != (self.width is not None):
            raise ValueError("width is required for Vector and only for it: it says how many numbers a vector has")
        if self.columns is not None and (self.column is not None or self.separator is not None):
            raise ValueError("columns have one id each: leave out column and separator")
        if self.type == "Vector" and self.transform not in (None, "Standardize", "AsIs"):
            raise ValueError(f"a Vector has the transform Standardize or AsIs, not {self.transform}")
        if self.buckets is not None and self.transform != "QuantileBucket":
            raise ValueError("buckets is for transform QuantileBucket")
        if self.hash_buckets is not None and (self.min_frequency is not None or self.pretrained is not None):
            raise ValueError("hashBuckets needs no vocabulary: leave out minFrequency and pretrained")
        if self.through is not None and (self.max_length or self.time_gaps is not None or self.stored):
            raise ValueError(
                "a History with through uses the events of the other History: leave out maxLength, timeGaps and stored"
            )
        if self.stored is not None and self.time_gaps is not None and self.stored.times is None:
            raise ValueError("stored.times is required for timeGaps of a stored History")
        return self


def _join_words(types: tuple[str, ...]) -> str:
    *others, last = types
    return f"{', '.join(others)} and {last}" if others else last
