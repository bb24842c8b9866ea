"""`inspection.json`: what the models will see of a data set, and what looks like a leak."""

from typing import Literal

from ctrlab_api.schema_types import ApiModel

WarningKind = Literal[
    "Reveals", "Duplicates", "TimeOverlap", "NewUsers", "NewValues", "Drift", "Constant", "EmptyHistory"
]


class InspectionWarning(ApiModel):
    """One thing to know before the numbers are used."""

    kind: WarningKind
    message: str


class SplitStatistics(ApiModel):
    """One part of the split."""

    name: Literal["train", "valid", "test"]
    rows: int
    positives: int
    click_rate: float
    users: int | None = None
    empty_histories: float | None = None
    """Share of rows; absent without histories."""


class FeatureStatistics(ApiModel):
    """One feature as the source has it."""

    name: str
    type: str
    distinct: int
    """Different values in all rows."""
    vocabulary: int
    """Ids of its block, out-of-vocabulary included; 1 for a number."""
    missing: float
    """Share of all rows."""
    out_of_vocabulary_valid: float | None = None
    """Share of rows; absent where it does not apply."""
    out_of_vocabulary_test: float | None = None
    auc: float | None = None
    """On validation, of the click rate that train has for the value (numbers in 32 buckets); absent for several ids."""


class TimeBin(ApiModel):
    """Rows of one stretch of time; all bins of a timeline are equally long."""

    begins: str
    """A date, or the number that the time column holds."""
    rows: tuple[int, int, int]
    """Of train, validation and test."""
    positives: tuple[int, int, int]


class Inspection(ApiModel):
    """What `ctrlab data inspect` finds."""

    schema_version: Literal[1] = 1
    name: str
    """Of the experiment."""
    source: str
    rows: int
    """Of the source; drawn negatives come on top."""
    split: str
    parts: tuple[SplitStatistics, ...]
    features: tuple[FeatureStatistics, ...]
    timeline: tuple[TimeBin, ...] = ()
    """Empty without a time column."""
    warnings: tuple[InspectionWarning, ...]
