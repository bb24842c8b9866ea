"""`spec.dataset.source`: files of rows, and tables joined to them.

Every rule that involves several fields is written twice, side by side: as a pydantic validator for one machine and as
a CEL rule for the schema of a cluster. The tests check both against the same examples.
"""

from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from ctrlab_api.cel import cel_rules
from ctrlab_api.resources.csv_syntax import (
    CSV_SYNTAX_RULES,
    DecimalCharacter,
    FieldSeparator,
    QuoteCharacter,
    check_csv_syntax,
)
from ctrlab_api.resources.source_uris import (
    HAS_FORMAT_RULE,
    Format,
    check_uri,
    cluster_uri_rule,
    format_of,
    format_required,
)
from ctrlab_api.schema_types import (
    LIST_SET_SCHEMA,
    ApiModel,
    ColumnName,
    Distinct,
    FrozenList,
    described_pattern,
)

SIDE_SCHEMES: Final = ("file", "s3", "https", "pvc")
SCHEMES: Final = (*SIDE_SCHEMES, "builtin")

Sha256 = Annotated[
    str,
    StringConstraints(
        pattern=described_pattern(r"^[0-9a-f]{64}$", "a SHA-256: 64 digits 0-9a-f, as sha256sum prints them")
    ),
]


def _require_checksum(uri: str, sha256: str | None) -> None:
    if uri.startswith("https://") != (sha256 is not None):
        raise ValueError("sha256 is required for https:// and only for it: 64 digits 0-9a-f, as sha256sum prints them")


CHECKSUM_RULE = (
    "self.uri.startsWith('https://') == has(self.sha256)",
    "sha256 is required for https:// and only for it: 64 digits 0-9a-f, as sha256sum prints them",
)


@cel_rules(
    CHECKSUM_RULE,
    cluster_uri_rule(SIDE_SCHEMES),
    (HAS_FORMAT_RULE, "format is required unless the extension of uri implies it, as in .csv or .parquet"),
    *CSV_SYNTAX_RULES,
)
class SideTable(ApiModel):
    """A table joined to the rows by one column, such as attributes of users or items."""

    uri: str = Field(min_length=1, max_length=1024)
    """URI or path of the table, as that of the source."""
    format: Format | None = None
    """File format of the table (default: the one that the extension of uri implies)."""
    sha256: Sha256 | None = None
    """Expected SHA-256 of a file at https://."""
    on: ColumnName = Field(alias="joinOn")
    """The column, of the same name in both tables, that joins them; the side table has at most one row per value.
    (Not called `on`, which YAML reads as true.)"""
    separator: FieldSeparator | None = None
    """Character between the fields of csv, as that of the source."""
    quote: QuoteCharacter | None = None
    """Character around quoted fields of csv, as that of the source."""
    decimal: DecimalCharacter | None = None
    """Decimal character of the numbers in csv, as that of the source."""

    @field_validator("uri")
    @classmethod
    def _allowed_uri(cls, uri: str) -> str:
        return check_uri(uri, SIDE_SCHEMES)

    @model_validator(mode="after")
    def _checksum_is_given(self) -> Self:
        _require_checksum(self.uri, self.sha256)
        if self.file_format is None:
            raise ValueError(format_required(self.uri))
        check_csv_syntax(self.file_format, self.separator, self.quote, self.decimal)
        return self

    @property
    def file_format(self) -> Format | None:
        """The format as written, or as the extension implies it."""
        return self.format or format_of(self.uri)


@cel_rules(
    CHECKSUM_RULE,
    cluster_uri_rule(SCHEMES),
    (
        f"self.uri.startsWith('builtin://') || {HAS_FORMAT_RULE}",
        "format is required unless uri is builtin://NAME or its extension implies it, as in .csv or .parquet",
    ),
    ("!has(self.columns) || !self.header", "columns names the columns of a file without header: set header to false"),
    *CSV_SYNTAX_RULES,
)
class Source(ApiModel):
    """Where the rows come from."""

    uri: str = Field(min_length=1, max_length=1024)
    """file:///path, s3://bucket/key, https://host/file, pvc://claim/path, or builtin://NAME for a generator or a data
    set that `ctrlab data fetch` downloads. On one machine also a path, such as data/clicks.csv, relative to the folder
    of the experiment's file. A path or key may be a folder: its files, sorted by name character by character (part-10
    before part-2), form one table. In file:// and pvc://, % and two hexadecimal digits stand for a byte (%20 is a
    space, %25 is %); every other character, and every character of a path, stands for itself."""
    format: Format | None = None
    """Format of the files. Required unless uri is builtin://NAME or ends in .csv, .tsv, .parquet, .pq, .jsonl, .ndjson,
    .svm or .libsvm, each also compressed (.csv.gz): csv, tsv, parquet, jsonl, libsvm, sequences (each line is a user
    followed by items in chronological order), or recbole, a folder of RecBole atomic files (.inter joined with .user
    and .item). gzip and zstd compression is detected."""
    sha256: Sha256 | None = None
    """Expected SHA-256 of a file at https://."""
    header: bool = True
    """Whether the first line of csv and tsv names the columns; RecBole's typed headers (name:type) are supported."""
    columns: Annotated[FrozenList[ColumnName], Field(min_length=1, max_length=512), Distinct] | None = Field(
        default=None, json_schema_extra=LIST_SET_SCHEMA
    )
    """Column names in order, for a file without header."""
    separator: FieldSeparator | None = None
    """Character between the fields of csv, such as ";" or "\\t" (default a comma)."""
    quote: QuoteCharacter | None = None
    """Character around quoted fields of csv, doubled within them (default "); an empty text if no field is quoted and
    the character is an ordinary one."""
    decimal: DecimalCharacter | None = None
    """Decimal character of the numbers in csv: "." (the default) or ",", which needs another separator."""
    options: dict[str, Annotated[str, StringConstraints(max_length=256)]] | None = Field(default=None, max_length=32)
    """Parameters of a builtin generator, such as rows and seed of builtin://synthetic."""
    tables: FrozenList[SideTable] | None = Field(default=None, max_length=8)
    """Tables joined to the rows."""

    @field_validator("uri")
    @classmethod
    def _allowed_uri(cls, uri: str) -> str:
        return check_uri(uri, SCHEMES)

    @property
    def file_format(self) -> Format | None:
        """The format as written, or as the extension implies it; None for a builtin data set."""
        return self.format or format_of(self.uri)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.uri.startswith("builtin://") and self.file_format is None:
            raise ValueError(format_required(self.uri))
        _require_checksum(self.uri, self.sha256)
        if self.columns and self.header:
            raise ValueError("columns names the columns of a file without header: set header to false")
        check_csv_syntax(self.file_format, self.separator, self.quote, self.decimal)
        return self
