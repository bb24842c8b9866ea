"""From `spec.dataset.source` to files on this machine: which tables there are, how each is written, and its digest.

Nothing is parsed here, so that a prepared data set can be recognised by its digests before a single row is read.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args
from urllib.parse import unquote, urlsplit

from ctrlab_api.canonical_json import canonical_json
from ctrlab_api.errors import InvalidData
from ctrlab_api.records.prepared_data import FileDigest
from ctrlab_api.resources.dataset import Format, SideTable, Source
from ctrlab_trainer.data.sources.builtin_datasets import BUILTIN_DATASETS, SYNTHETIC, builtin_folder
from ctrlab_trainer.data.sources.file_digests import file_sha256
from ctrlab_trainer.data.sources.https_downloads import download_https
from ctrlab_trainer.data.sources.mounted_volumes import mounted_path
from ctrlab_trainer.data.sources.s3_downloads import download_s3
from ctrlab_trainer.data.sources.synthetic_clicks import GENERATOR_VERSION, SyntheticOptions


@dataclass(frozen=True)
class TableFiles:
    """One table: its parts in order, and how they are written."""

    files: tuple[Path, ...]
    format: Format
    header: bool = True
    columns: tuple[str, ...] | None = None
    on: str | None = None
    """Of a side table: the column that joins it; None where that is its first column."""
    folder: Path | None = None
    """The folder that all files lie below, where the source is one."""

    @property
    def name(self) -> str:
        """How messages call it."""
        return self.files[0].name if self.folder is None or len(self.files) == 1 else self.folder.name

    def part_name(self, index: int) -> str:
        """How messages and splits by files call one file: its path below the folder."""
        path = self.files[index]
        return path.name if self.folder is None else path.relative_to(self.folder).as_posix()

    def partition(self, index: int) -> dict[str, str]:
        """Columns that the folders of one file give (`date=2024-01-31/part-0.parquet`), as Hive lays them out."""
        folders = self.part_name(index).split("/")[:-1]
        named = [folder.partition("=") for folder in folders]
        return {name: unquote(value) for name, sign, value in named if name and sign}


@dataclass(frozen=True)
class LocatedSource:
    """Where the rows come from: tables, or the generator."""

    main: TableFiles | SyntheticOptions
    sides: tuple[TableFiles, ...] = ()

    @property
    def name(self) -> str:
        """How messages call the rows."""
        return self.main.name if isinstance(self.main, TableFiles) else f"builtin://{SYNTHETIC}"

    def digests(self) -> tuple[FileDigest, ...]:
        """Of every file; of a generator, its options stand for its bytes."""
        if isinstance(self.main, SyntheticOptions):
            recipe = canonical_json({"version": GENERATOR_VERSION, **self.main.as_json()})
            name = f"builtin://{SYNTHETIC}"
            main = [FileDigest(name=name, bytes=len(recipe), sha256=hashlib.sha256(recipe).hexdigest())]
        else:
            main = file_digests(self.main)
        return tuple(main + [found for side in self.sides for found in file_digests(side)])


def locate(source: Source) -> LocatedSource:
    """Finds the files of a source; InvalidData names the field and what to do where one is absent or unreadable."""
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
        raise InvalidData.at("spec.dataset.source.uri", f"unknown data set {source.uri}; known: {allowed}")
    for field, given in (("format", source.format), ("columns", source.columns), ("options", source.options)):
        if given is not None:
            raise InvalidData.at(
                f"spec.dataset.source.{field}", f"builtin://{name} brings its own format: leave {field} out"
            )
    known, folder = BUILTIN_DATASETS[name], builtin_folder(name)
    if known.format == "recbole":
        atomic = _recbole(folder / known.path, "spec.dataset.source.uri")
        return LocatedSource(atomic[0], (*atomic[1:], *sides))
    main = TableFiles((folder / known.path,), known.format, header=known.columns is None, columns=known.columns)
    brought = tuple(TableFiles((folder / path,), known.format, on=on) for path, on in (known.sides or {}).items())
    return LocatedSource(main, (*brought, *sides))


def table_files(given: Source | SideTable, field: str) -> TableFiles:
    """A table at an address, fetched if need be; InvalidData names the field where there is none."""
    if given.format is None:
        formats = ", ".join(get_args(Format))
        raise InvalidData.at(f"{field}.format", f"required for {given.uri}; one of {formats}")
    header = given.header if isinstance(given, Source) else True
    columns = given.columns if isinstance(given, Source) else None
    on = given.on if isinstance(given, SideTable) else None
    if not header and columns is None and given.format in ("csv", "tsv"):
        raise InvalidData.at(
            f"{field}.columns", f"{given.uri} has no header (header: false): give the columns' names in order"
        )
    path = _path(given, field)
    if path.is_file():
        return TableFiles((path,), given.format, header, columns, on)
    if not path.is_dir():
        raise InvalidData.at(f"{field}.uri", f"{given.uri} does not exist: there is no file or folder {path}")
    below = (part for part in path.rglob("*") if part.is_file())
    parts = sorted(part for part in below if not any(name[0] in "._" for name in part.relative_to(path).parts))
    if not parts:
        raise InvalidData.at(f"{field}.uri", f"the folder {path} holds no files")
    return TableFiles(tuple(parts), given.format, header, columns, on, path)


def _path(given: Source | SideTable, field: str) -> Path:
    """The file or folder on this machine, fetched if need be."""
    parts = urlsplit(given.uri)
    match parts.scheme:
        case "s3":
            return download_s3(given.uri, f"{field}.uri")
        case "https":
            return download_https(given.uri, given.sha256, field)
        case "pvc":
            return mounted_path(parts.netloc, unquote(parts.path), given.uri, f"{field}.uri")
    if parts.netloc not in ("", "localhost"):
        raise InvalidData.at(
            f"{field}.uri", f"{given.uri} is not an absolute path; write file:///folder/file with three slashes"
        )
    return Path(unquote(parts.path))


def _recbole(folder: Path, field: str) -> Sequence[TableFiles]:
    """The interactions first, then .user and .item where they exist, each joined by its first column."""
    if not folder.is_dir():
        raise InvalidData.at(field, f"format recbole needs a folder of atomic files; {folder} is none")
    interactions = sorted(folder.glob("*.inter"))
    if len(interactions) != 1:
        found = ", ".join(path.name for path in interactions) or "none"
        raise InvalidData.at(field, f"{folder} must hold exactly one .inter file; found {found}")
    sides = [interactions[0].with_suffix(suffix) for suffix in (".user", ".item")]
    present = [side for side in sides if side.exists()]
    return [TableFiles((path,), "recbole") for path in (interactions[0], *present)]


def file_digests(table: TableFiles) -> list[FileDigest]:
    """Of each part; folders that give columns belong to its name."""
    return [
        FileDigest(
            name=table.part_name(index) if table.partition(index) else path.name,
            sha256=file_sha256(path),
            bytes=path.stat().st_size,
        )
        for index, path in enumerate(table.files)
    ]
