"""Location of the files of `spec.dataset.source` on this machine: the tables, their formats and their digests.

Files are located without parsing, so a prepared data set is recognized by its digests before any row is read.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote_to_bytes

from ctrlab_api.canonical_json import canonical_json
from ctrlab_api.errors import InvalidData
from ctrlab_api.records.prepared_data import FileDigest
from ctrlab_api.resources.data_sources import SideTable, Source
from ctrlab_api.resources.source_uris import Format, format_required
from ctrlab_trainer.data.sources.builtin_datasets import BUILTIN_DATASETS, SYNTHETIC, builtin_folder
from ctrlab_trainer.data.sources.field_syntax import CSV, TABS, FieldSyntax, declared_syntax
from ctrlab_trainer.data.sources.file_digests import file_sha256
from ctrlab_trainer.data.sources.https_downloads import download_https
from ctrlab_trainer.data.sources.local_paths import absent_source, file_uri_path, files_below, source_path
from ctrlab_trainer.data.sources.mounted_volumes import mounted_path
from ctrlab_trainer.data.sources.s3_downloads import download_s3
from ctrlab_trainer.data.sources.synthetic_clicks import GENERATOR_VERSION, SyntheticOptions

METADATA_SUFFIXES: Final = frozenset({".json", ".yaml", ".yml", ".pkl", ".pickle"})
"""Suffixes of files that programs write beside parquet files to describe them; they are no part of a table."""


@dataclass(frozen=True)
class TableFiles:
    """One table: its files in order, and their format."""

    files: tuple[Path, ...]
    format: Format
    header: bool = True
    columns: tuple[str, ...] | None = None
    on: str | None = None
    """Join column of a side table; None for its first column."""
    folder: Path | None = None
    """The folder that contains all files, if the source is a folder."""
    declared_syntax: FieldSyntax | None = None
    """Characters of csv files; None for the default ones."""

    @property
    def syntax(self) -> FieldSyntax:
        """Characters of text files with fields."""
        return self.declared_syntax or (CSV if self.format == "csv" else TABS)

    @property
    def name(self) -> str:
        """Name for messages."""
        return printable(self.files[0].name if self.folder is None or len(self.files) == 1 else self.folder.name)

    def file_name(self, index: int) -> str:
        """Return the name of one file for messages and splits by files: its path below the folder."""
        path = self.files[index]
        return printable(path.name if self.folder is None else path.relative_to(self.folder).as_posix())

    def partition(self, index: int) -> dict[str, str]:
        """Return the columns in the folders of one file (`date=2024-01-31/part-0.parquet`), as in Hive."""
        folders = self.file_name(index).split("/")[:-1]
        pairs = [folder.partition("=") for folder in folders]
        return {name: _partition_value(value) for name, sign, value in pairs if name and sign}


MISSING_PARTITION: Final = "__HIVE_DEFAULT_PARTITION__"
"""Value in the name of a folder for rows without a value, as Hive and Spark write it."""


def _partition_value(text: str) -> str:
    """Return the value in the name of a partition's folder; the empty text, which is missing, for Hive's marker."""
    return "" if text == MISSING_PARTITION else unquote_to_bytes(text).decode("utf-8", "backslashreplace")


def printable(name: str) -> str:
    """Return a file name as text that JSON can hold; bytes that are not UTF-8 become `\\xNN`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class LocatedSource:
    """Files of a source, or options of the generator."""

    main: TableFiles | SyntheticOptions
    sides: tuple[TableFiles, ...] = ()

    @property
    def name(self) -> str:
        """Name of the main table for messages."""
        return self.main.name if isinstance(self.main, TableFiles) else f"builtin://{SYNTHETIC}"

    def digests(self) -> tuple[FileDigest, ...]:
        """Return the digest of every file; for a generator, the digest of its options."""
        if isinstance(self.main, SyntheticOptions):
            content = canonical_json({"version": GENERATOR_VERSION, **self.main.as_json()})
            name = f"builtin://{SYNTHETIC}"
            main = [FileDigest(name=name, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())]
        else:
            main = table_digests(self.main)
        return tuple(main + [digest for side in self.sides for digest in table_digests(side)])


def locate(source: Source) -> LocatedSource:
    """Find the files of a source; InvalidData with field and remedy if one is absent or unreadable."""
    scheme, _, rest = source.uri.partition("://")
    sides = tuple(
        table_files(side, f"spec.dataset.source.tables[{index}]") for index, side in enumerate(source.tables or ())
    )
    if scheme == "builtin":
        return _builtin(rest, source, sides)
    if source.options:
        raise InvalidData.at(
            "spec.dataset.source.options", f"options are for builtin://{SYNTHETIC}, not for {source.uri}"
        )
    if source.format == "recbole":
        atomic = _recbole(_path(source, "spec.dataset.source"), "spec.dataset.source.uri")
        return LocatedSource(atomic[0], (*atomic[1:], *sides))
    return LocatedSource(table_files(source, "spec.dataset.source"), sides)


def _builtin(name: str, source: Source, sides: tuple[TableFiles, ...]) -> LocatedSource:
    if name == SYNTHETIC:
        return LocatedSource(SyntheticOptions.parse(source.options or {}), sides)
    if name not in BUILTIN_DATASETS:
        allowed = ", ".join(f"builtin://{other}" for other in (SYNTHETIC, *BUILTIN_DATASETS))
        raise InvalidData.at("spec.dataset.source.uri", f"unknown data set {source.uri}; allowed: {allowed}")
    for field in ("format", "columns", "options", "separator", "quote", "decimal"):
        if getattr(source, field) is not None:
            raise InvalidData.at(
                f"spec.dataset.source.{field}", f"builtin://{name} has a fixed format: leave {field} out"
            )
    builtin, folder = BUILTIN_DATASETS[name], builtin_folder(name)
    if builtin.format == "recbole":
        atomic = _recbole(folder / builtin.path, "spec.dataset.source.uri")
        return LocatedSource(atomic[0], (*atomic[1:], *sides))
    main = TableFiles((folder / builtin.path,), builtin.format, header=builtin.columns is None, columns=builtin.columns)
    builtin_sides = tuple(
        TableFiles((folder / path,), builtin.format, on=on) for path, on in (builtin.sides or {}).items()
    )
    return LocatedSource(main, (*builtin_sides, *sides))


def table_files(table: Source | SideTable, field: str) -> TableFiles:
    """Return the files of a table, downloaded if needed; InvalidData with the field if there is no such table."""
    file_format = table.file_format
    if file_format is None:
        raise InvalidData.at(f"{field}.format", format_required(table.uri))
    header = table.header if isinstance(table, Source) else True
    columns = table.columns if isinstance(table, Source) else None
    on = table.on if isinstance(table, SideTable) else None
    if not header and columns is None and file_format in ("csv", "tsv"):
        raise InvalidData.at(
            f"{field}.columns",
            f"required for {table.uri}, which has no header (header: false): the column names in order",
        )
    path, syntax = _path(table, field), declared_syntax(table)
    if path.is_file():
        return TableFiles((path,), file_format, header, columns, on, declared_syntax=syntax)
    if not path.is_dir():
        raise absent_source(path, table.uri, f"{field}.uri")
    files = files_below(path, f"{field}.uri")
    if file_format == "parquet":
        files = [file for file in files if file.suffix not in METADATA_SUFFIXES]
    if not files:
        raise InvalidData.at(f"{field}.uri", f"the folder {path} contains no files")
    return TableFiles(tuple(files), file_format, header, columns, on, path, syntax)


def _path(table: Source | SideTable, field: str) -> Path:
    """Return the file or folder on this machine, downloaded if needed."""
    scheme, separator, rest = table.uri.partition("://")
    if not separator:
        return source_path(table.uri, f"{field}.uri")
    match scheme:
        case "s3":
            return download_s3(table.uri, f"{field}.uri")
        case "https":
            return download_https(table.uri, table.sha256, field)
        case "pvc":
            claim, _, path = rest.partition("/")
            return mounted_path(claim, path, table.uri, f"{field}.uri")
    return file_uri_path(table.uri, f"{field}.uri")


def _recbole(folder: Path, field: str) -> Sequence[TableFiles]:
    """Return the interactions first, then .user and .item if they exist, each joined by its first column."""
    if not folder.is_dir():
        raise InvalidData.at(field, f"format recbole needs a folder of atomic files; {folder} is not a folder")
    interactions = sorted(folder.glob("*.inter"))
    if len(interactions) != 1:
        names = ", ".join(path.name for path in interactions) or "none"
        raise InvalidData.at(field, f"{folder} must contain exactly one .inter file; found {names}")
    sides = [interactions[0].with_suffix(suffix) for suffix in (".user", ".item")]
    present = [side for side in sides if side.exists()]
    return [TableFiles((path,), "recbole") for path in (interactions[0], *present)]


def table_digests(table: TableFiles) -> list[FileDigest]:
    """Return the digest of each file; folders that define columns are part of its name."""
    return [
        FileDigest(
            name=table.file_name(index) if table.partition(index) else printable(path.name),
            sha256=file_sha256(path),
            bytes=path.stat().st_size,
        )
        for index, path in enumerate(table.files)
    ]
