"""`prepared.json`: the prepared data set of an experiment, described without opening its test rows."""

from typing import Literal

from pydantic import Field

from ctrlab_api.schema_types import ApiModel


class FileDigest(ApiModel):
    """Size and digest of one source file."""

    name: str
    bytes: int
    sha256: str


class SplitSummary(ApiModel):
    """Counts and digests of train, validation or test."""

    rows: int
    positives: int
    users: int | None = None
    """Number of distinct users, where the plan names a user column."""
    users_with_both_classes: int | None = None
    """Number of users with a click and a non-click, which gauc needs; for test, 2 stands for any larger number."""
    groups: int | None = None
    """Number of distinct groups, where the plan names a group column."""
    groups_with_both_classes: int | None = None
    """Number of groups with a click and a non-click, which auc_by_group needs; for test, 2 stands for any larger
    number."""
    row_ids_digest: str
    """Digest over the sorted row numbers of the source."""
    files: dict[str, str]
    """SHA-256 of every encoded file of this split, by file name."""
    features: dict[str, str] | None = None
    """SHA-256 of the encoded values of each feature, by feature name."""


class ListLengths(ApiModel):
    """The lists of one feature in all rows of the source."""

    feature: str
    rows: int
    longest: int
    """Number of ids of the longest list."""
    max_length: int
    """Number of ids that are kept of a list."""
    truncated: int
    """Lists with more ids, which lose some."""
    kept: Literal["First", "Latest"]
    """End of these lists that is kept."""
    missing: int
    """Elements that are missing and left out."""
    padding: int
    """Elements that are the padding value and left out."""


class DataExtension(ApiModel):
    """The features that an ablation adds to the data set of its experiment.

    The digests showed that rows, splits, labels, users and the values of all other features are bit-equal.
    """

    experiment: str
    """namespace/name/uid of the experiment."""
    dataset_digest: str
    """Digest of the experiment's data set."""
    added_features: tuple[str, ...]


class TimeFormat(ApiModel):
    """Format in which the times of the rows were read."""

    reading: str
    """The format, such as "text, %d/%m/%Y %H:%M:%S" or "numbers, milliseconds since 1970"."""
    timezone: str | None = None
    """UTC for times with an offset, else the declared time zone; absent for numbers and for times read as UTC."""
    earliest: str
    """The earliest time of all rows: in UTC, or a number if the unit is not known."""
    latest: str
    """The latest time of all rows."""


class MatchCount(ApiModel):
    """Numbers of rows and values that have a partner in a side table or in a file of vectors."""

    table: str
    """Name of the table or file."""
    column: str
    """The column of the rows that is looked up."""
    rows: int
    """Number of rows that were looked up; for vectors the rows of train."""
    missing_rows: int
    """Number of these without a value in the column; they have no partner."""
    matched_rows: int
    """Number of these with a partner."""
    values: int
    """Number of distinct values of the table or file."""
    matched_values: int
    """Number of these that occur in the rows."""

    @property
    def statement(self) -> str:
        """The counts in one line: `items.csv by item_id: 55 of 60 rows (91.7%), 8 of 10 values matched`."""
        share = f" ({self.matched_rows / self.rows:.1%})" if self.rows else ""
        missing = f"; {self.missing_rows} rows without a value" if self.missing_rows else ""
        return (
            f"{self.table} by {self.column}: {self.matched_rows} of {self.rows} rows{share}, {self.matched_values} of "
            f"{self.values} values matched{missing}"
        )


class SplitRowCounts(ApiModel):
    """Rows of one split."""

    read: int
    """Rows of the source in this split."""
    sampled: int
    """Negatives sampled for this split."""
    encoded: int
    """Encoded rows: `read` + `sampled`."""
    duplicated: int
    """Rows of the source that equal an earlier row of the split in user, time and all features; they are encoded."""


class RowAccounting(ApiModel):
    """Numbers of rows of the source; `read` = rows of all splits + `dropped`."""

    read: int
    """Rows of the source."""
    dropped: dict[str, int] = Field(default_factory=dict)
    """Rows in no split, by reason."""
    train: SplitRowCounts
    valid: SplitRowCounts
    test: SplitRowCounts


class PreparedData(ApiModel):
    """Record of the prepare phase; equal inputs give equal content."""

    schema_version: Literal[1] = 1
    digest: str
    """Content address: digest of source bytes, data set specification and encoder version."""
    encoder_version: str
    sources: tuple[FileDigest, ...]
    train: SplitSummary
    valid: SplitSummary
    test: SplitSummary
    """Counts only; the test rows are under the sealed prefix, which this record does not name."""
    vocabulary: dict[str, int]
    """Number of ids of each feature, the out-of-vocabulary id included."""
    vocabulary_digest: str
    embedding_rows: int
    """Number of rows of the fused embedding table."""
    bayes_optimal: dict[str, float] | None = None
    """AUC of the true click probabilities on train and valid, for generated data; the AUC on test is computed from the
    sealed rows."""
    extends: DataExtension | None = None
    """Absent unless an ablation adds features."""
    lists: tuple[ListLengths, ...] | None = None
    """Lengths of the lists of each feature that reads lists; absent without such features."""
    time_format: TimeFormat | None = None
    """Format of the times; absent without a time column, and in records of version 0.1.0."""
    matches: tuple[MatchCount, ...] | None = None
    """Partners in side tables and files of vectors; absent where there are none, and in records of version 0.1.0."""
    rows: RowAccounting | None = None
    """Numbers of rows of the source in each split; absent in records of version 0.1.0."""
    warnings: tuple[str, ...] = ()
    """Warnings for readers, such as the share of test users that do not occur in train."""
