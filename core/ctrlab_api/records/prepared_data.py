"""`prepared.json`: which encoded data set an experiment uses, and what is known of it without opening test."""

from typing import Literal

from ctrlab_api.schema_types import ApiModel


class FileDigest(ApiModel):
    """One source file."""

    name: str
    bytes: int
    sha256: str


class SplitSummary(ApiModel):
    """Counts of one part, and a digest of which rows it holds."""

    rows: int
    positives: int
    users: int | None = None
    """Distinct users, where a user column is given."""
    row_ids_digest: str
    """Over the sorted source row numbers."""
    files: dict[str, str]
    """sha256 of every encoded file of this part."""
    features: dict[str, str] | None = None
    """sha256 of each feature's encoded values."""


class DataExtension(ApiModel):
    """Of an ablation that adds features: what its data set has beside its experiment's.

    Rows, parts, labels, users and the values of all other features were found bit-equal, by their digests.
    """

    experiment: str
    """namespace/name/uid."""
    dataset_digest: str
    """Of the experiment's data set."""
    added_features: tuple[str, ...]


class PreparedData(ApiModel):
    """Written by the prepare job; equal inputs give equal content."""

    schema_version: Literal[1] = 1
    digest: str
    """Content address: of source bytes, dataset specification and encoder version."""
    encoder_version: str
    sources: tuple[FileDigest, ...]
    train: SplitSummary
    valid: SplitSummary
    test: SplitSummary
    """Counts alone; its rows lie under the sealed prefix, which this record does not name."""
    vocabulary: dict[str, int]
    """Ids of each feature, the out-of-vocabulary id included."""
    vocabulary_digest: str
    embedding_rows: int
    """Rows of the fused embedding table."""
    bayes_optimal: dict[str, float] | None = None
    """AUC of the true click probabilities on train and valid, for generated data that know them; that of test is
    computed from the sealed rows."""
    extends: DataExtension | None = None
    warnings: tuple[str, ...] = ()
    """What a reader should know, such as the share of test users that train never saw."""
