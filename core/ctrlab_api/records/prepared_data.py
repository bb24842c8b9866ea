"""`prepared.json`: the prepared data set of an experiment, described without opening its test rows."""

from typing import Literal

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
    warnings: tuple[str, ...] = ()
    """Warnings for readers, such as the share of test users that do not occur in train."""
