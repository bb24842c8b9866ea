"""From `spec.dataset.source` to files on this machine: which tables there are, how each is written, and its digest.

Nothing is parsed here, so that a prepared data set can be recognised by its digests before a single row is read.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ctrlab_contract.canonical import canonical_json
from ctrlab_contract.dataset import Format, Source
from ctrlab_contract.errors import InvalidData
from ctrlab_contract.records.prepared import FileDigest
from ctrlab_trainer.data.download import downloaded
from ctrlab_trainer.data.known import KNOWN, SYNTHETIC, folder_of
from ctrlab_trainer.data.synthetic import GENERATOR_VERSION, SyntheticOptions

READABLE: tuple[Format, ...] = ("csv", "tsv", "parquet", "recbole")
"""Formats that this version reads."""


@dataclass(frozen=True)
class TableFiles:
    """One table: its parts in order, and how they are written."""

    files: tuple[Path, ...]
    format: Format
    header: bool = True
    columns: tuple[str, ...] | None = None
    on: str | None = None
    """Of a side table: the column that joins it; None where that is its first column."""

    @property
    def name(self) -> str:
        """How messages call it."""
        return self.files[0].name if len(self.files) == 1 else self.files[0].parent.name


@dataclass(frozen=True)
class Located:
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
            main = [_file_digest(path) for path in self.main.files]
        return tuple(main + [_file_digest(path) for side in self.sides for path in side.files])


def locate(source: Source) -> Located:
    """Finds the files of a source; InvalidData names the field and what to do where one is absent or unreadable."""
    scheme, _, rest = source.uri.partition("://")
    sides = tuple(
        _table(side.uri, side.format, f"spec.dataset.source.tables[{index}]", on=side.on)
        for index, side in enumerate(source.tables or ())
    )
    if scheme == "builtin":
        return _builtin(rest, source, sides)
    if source.options:
        raise InvalidData.at(
            "spec.dataset.source.options", f"options are for builtin://{SYNTHETIC}, not for {source.uri}"
        )
    if source.format is None:
        raise InvalidData.at("spec.dataset.source.format", f"required for {source.uri}; one of {', '.join(READABLE)}")
    if source.format == "recbole":
        atomic = _recbole(_path(source.uri, "spec.dataset.source.uri"), "spec.dataset.source.uri")
        return Located(atomic[0], (*atomic[1:], *sides))
    main = _table(source.uri, source.format, "spec.dataset.source", None, header=source.header, columns=source.columns)
    return Located(main, sides)


def _builtin(name: str, source: Source, sides: tuple[TableFiles, ...]) -> Located:
    if name == SYNTHETIC:
        return Located(SyntheticOptions.parse(source.options or {}), sides)
    if name not in KNOWN:
        allowed = ", ".join(f"builtin://{other}" for other in (SYNTHETIC, *KNOWN))
        raise InvalidData.at("spec.dataset.source.uri", f"unknown data set {source.uri}; known: {allowed}")
    for field, given in (("format", source.format), ("columns", source.columns), ("options", source.options)):
        if given is not None:
            raise InvalidData.at(
                f"spec.dataset.source.{field}", f"builtin://{name} brings its own format: leave {field} out"
            )
    known, folder = KNOWN[name], folder_of(name)
    if known.format == "recbole":
        atomic = _recbole(folder / known.path, "spec.dataset.source.uri")
        return Located(atomic[0], (*atomic[1:], *sides))
    main = TableFiles((folder / known.path,), known.format, header=known.columns is None, columns=known.columns)
    brought = tuple(TableFiles((folder / path,), known.format, on=on) for path, on in (known.sides or {}).items())
    return Located(main, (*brought, *sides))


def _table(
    uri: str, format: Format, field: str, on: str | None, header: bool = True, columns: tuple[str, ...] | None = None
) -> TableFiles:
    if format not in READABLE:
        raise InvalidData.at(
            f"{field}.format",
            f"{format} is not read by this version; convert the data to one of {', '.join(READABLE)}",
        )
    files = _files(uri, f"{field}.uri")
    if not header and columns is None and format in ("csv", "tsv"):
        raise InvalidData.at(
            f"{field}.columns", f"{uri} has no header (header: false): give the columns' names in order"
        )
    return TableFiles(files, format, header, columns, on)


def _files(uri: str, field: str) -> tuple[Path, ...]:
    """The file, or the parts of a folder in the order of their names."""
    path = _path(uri, field)
    if path.is_file():
        return (path,)
    if not path.is_dir():
        raise InvalidData.at(field, f"{uri} does not exist: there is no file or folder {path}")
    parts = sorted(part for part in path.rglob("*") if part.is_file() and part.name[0] not in "._")
    if not parts:
        raise InvalidData.at(field, f"the folder {path} holds no files")
    return tuple(parts)


def _path(uri: str, field: str) -> Path:
    parts = urlsplit(uri)
    if parts.scheme == "s3":
        return downloaded(uri, field)
    if parts.scheme != "file":
        raise InvalidData.at(
            field, f"{parts.scheme}:// is not read by this version; allowed are file://, s3:// and builtin://"
        )
    if parts.netloc not in ("", "localhost"):
        raise InvalidData.at(field, f"{uri} is not an absolute path; write file:///folder/file with three slashes")
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


def _file_digest(path: Path) -> FileDigest:
    try:
        with path.open("rb") as file:
            value = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InvalidData.at(str(path), f"cannot be read: {error.strerror}") from error
    return FileDigest(name=path.name, bytes=path.stat().st_size, sha256=value)
