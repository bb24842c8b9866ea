"""`inspection.json`: statistics of a data set as the models use it, and warnings about possible leaks."""

from typing import Literal

from ctrlab_api.records.prepared_data import ListLengths, MatchCount, RowAccounting, TimeFormat
from ctrlab_api.schema_types import ApiModel

WarningKind = Literal[
    "Reveals",
    "Duplicates",
    "TimeOverlap",
    "NewUsers",
    "SeparatedGroups",
    "NewValues",
    "Drift",
    "Constant",
    "EmptyHistory",
    "FileOrder",
    "UndefinedMetric",
    "Lists",
    "Spelling",
    "Matches",
    "FewClicks",
]


class InspectionWarning(ApiModel):
    """One warning about the data set."""

    kind: WarningKind
    message: str


class SplitStatistics(ApiModel):
    """Statistics of train, validation or test."""

    name: Literal["train", "valid", "test"]
    rows: int
    positives: int
    click_rate: float
    users: int | None = None
    empty_histories: float | None = None
    """Share of rows with an empty history; absent without histories."""


class FeatureStatistics(ApiModel):
    """Statistics of one feature in the source."""

    name: str
    type: str
    distinct: int
    """Number of distinct values in all rows."""
    vocabulary: int
    """Number of ids, out-of-vocabulary included; 1 for a number."""
    missing: float
    """Share of all rows without a value."""
    out_of_vocabulary_valid: float | None = None
    """Share of validation rows with an out-of-vocabulary id; absent where it does not apply."""
    out_of_vocabulary_test: float | None = None
    """Share of test rows with an out-of-vocabulary id; absent where it does not apply."""
    auc: float | None = None
    """Validation AUC of the click rate that each value has in train (numbers in 32 buckets). For a list, the
    highest AUC of the mean over its values and of the presence of the row's own item; absent for vectors and logged
    histories."""


class TimeBin(ApiModel):
    """Row counts of one time interval; all bins of a timeline are equally long."""

    begins: str
    """Start of the interval: a date, or a number as in the time column."""
    rows: tuple[int, int, int]
    """Number of rows in train, validation and test."""
    positives: tuple[int, int, int]
    """Number of positives in train, validation and test."""


class Inspection(ApiModel):
    """The result of `ctrlab data inspect`."""

    schema_version: Literal[1] = 1
    name: str
    """Name of the experiment."""
    source: str
    rows: int
    """Number of rows of the source, without sampled negatives."""
    split: str
    parts: tuple[SplitStatistics, ...]
    features: tuple[FeatureStatistics, ...]
    timeline: tuple[TimeBin, ...] = ()
    """Rows over time; empty without a time column."""
    lists: tuple[ListLengths, ...] | None = None
    """Lengths of the lists of each feature that reads lists; absent without such features."""
    time_format: TimeFormat | None = None
    """Format of the times; absent without a time column."""
    row_counts: RowAccounting | None = None
    """Numbers of rows of the source in each split."""
    matches: tuple[MatchCount, ...] | None = None
    """Partners in side tables and files of vectors; absent where there are none."""
    warnings: tuple[InspectionWarning, ...]
    guesses: tuple[str, ...] = ()
    """Roles of columns that were guessed, with their reasons; empty for the data set of an experiment."""
