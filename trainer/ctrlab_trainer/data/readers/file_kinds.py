"""Kinds of files by their first bytes: what is read, and what a message names.

A file name says little about the content, so that compression is recognised by the first bytes, and a file in another
format is named in the message for what it is.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ctrlab_api.errors import InvalidData

START_BYTES: Final = 4096
"""Number of bytes at the start of a file that its kind is recognised by."""

COMPRESSIONS: Final = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bz2",
    b"\x04\x22\x4d\x18": "lz4",
    b"\xfd7zXZ\x00": "xz",
}
"""First bytes of a file -> name of a compression that is read."""


@dataclass(frozen=True)
class FileKind:
    """A kind of file that is not text in lines."""

    start: bytes
    name: str
    remedy: str
    offset: int = 0
    """Position of `start` in the file."""


_EXTRACT: Final = "extract it; files compressed with gzip, zstd, bzip2, xz or lz4 are read as they are"
_EXPORT: Final = "export the table as parquet or csv"

KINDS: Final = (
    FileKind(b"PAR1", "a parquet file", "set format: parquet"),
    FileKind(b"PARE", "an encrypted parquet file", "write it without encryption"),
    FileKind(b"PK\x03\x04", "a zip archive", _EXTRACT),
    FileKind(b"PK\x05\x06", "an empty zip archive", _EXTRACT),
    FileKind(b"7z\xbc\xaf\x27\x1c", "a 7z archive", _EXTRACT),
    FileKind(b"Rar!\x1a\x07", "a rar archive", _EXTRACT),
    FileKind(b"ustar", "a tar archive", _EXTRACT, offset=257),
    FileKind(b"\x1f\x9d", "a file compressed with compress (.Z)", _EXTRACT),
    FileKind(b"\xff\x06\x00\x00sNaPpY", "a file compressed with snappy", _EXTRACT),
    FileKind(b"ARROW1\x00", "an Arrow (feather) file", "write it as parquet: table.to_parquet(...)"),
    FileKind(b"FEA1", "a feather file", "write it as parquet: table.to_parquet(...)"),
    FileKind(b"ORC", "an ORC file", "write it as parquet"),
    FileKind(b"Obj\x01", "an Avro file", "write it as parquet"),
    FileKind(b"\x89HDF\r\n\x1a\n", "an HDF5 file", "write the table as parquet"),
    FileKind(b"\x93NUMPY", "a numpy file", "write the array as parquet with column names"),
    FileKind(b"SQLite format 3\x00", "an SQLite database", _EXPORT),
    FileKind(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel or other Office file", _EXPORT),
    FileKind(b"%PDF-", "a PDF file", _EXPORT),
    FileKind(b"version https://git-lfs", "a pointer of Git LFS", "fetch the file itself: git lfs pull"),
)


def compression(start: bytes) -> str | None:
    """Return the compression of a file with these first bytes."""
    return next((name for magic, name in COMPRESSIONS.items() if start.startswith(magic)), None)


def require_text(file: str, start: bytes) -> None:
    """Raise InvalidData for a file whose first bytes, decompressed, are not text in an encoding that is read."""
    for kind in KINDS:
        if start[kind.offset :].startswith(kind.start):
            name, remedy = kind.name, kind.remedy
            if kind.name == "a zip archive" and re.search(rb"\[Content_Types\]|xl/", start):
                name, remedy = "an Excel file", _EXPORT
            raise InvalidData.at(file, f"is {name}; {remedy}")
    if re.match(rb"\x80[\x02-\x05][\x00-\xff]", start) and b"\x00" in start:
        raise InvalidData.at(file, "is a Python pickle; write the table as parquet: table.to_parquet(...)")
    if re.match(rb"(\xef\xbb\xbf)?\s*<(!doctype html|html|\?xml)", start, re.IGNORECASE):
        raise InvalidData.at(
            file, "is an HTML or XML page, such as the error page of a failed download; fetch the file again"
        )
    encoding = _other_encoding(start)
    if encoding:
        raise InvalidData.at(
            file,
            f"is {encoding} text; convert it to UTF-8: iconv -f {encoding} -t UTF-8 {Path(file).name} > utf8-file",
        )


def require_parquet(path: Path) -> None:
    """Raise InvalidData for a file that does not start as a parquet file; OSError if it cannot be read."""
    with path.open("rb") as stream:
        start = stream.read(START_BYTES)
    if start.startswith(b"PAR1"):
        return
    if not start:
        raise InvalidData.at(path.name, "is empty; expected a parquet file")
    packed = compression(start)
    if packed:
        raise InvalidData.at(
            path.name, f"is compressed with {packed} as a whole; decompress it: parquet compresses its columns itself"
        )
    require_text(path.name, start)
    if b"\x00" in start:
        raise InvalidData.at(path.name, "is not a parquet file; write it again, or set the format that it has")
    first_line = re.split(rb"[\r\n]", start[:80])[0].decode(errors="replace")
    raise InvalidData.at(
        path.name, f"is not a parquet file: it starts with the text {first_line!r}; set format: csv, tsv or jsonl"
    )


def _other_encoding(start: bytes) -> str | None:
    """Return the name of a Unicode encoding that is not UTF-8, by its byte-order mark or its NUL bytes."""
    for mark, encoding in (
        (b"\xff\xfe\x00\x00", "UTF-32LE"),
        (b"\x00\x00\xfe\xff", "UTF-32BE"),
        (b"\xff\xfe", "UTF-16"),
        (b"\xfe\xff", "UTF-16"),
    ):
        if start.startswith(mark):
            return encoding
    if b"\x00" not in start:
        return None
    nul = [start[position::4].count(0) / max(len(start[position::4]), 1) for position in range(4)]
    for pattern, encoding in (
        ((0, 1, 1, 1), "UTF-32LE"),
        ((1, 1, 1, 0), "UTF-32BE"),
        ((0, 1, 0, 1), "UTF-16LE"),
        ((1, 0, 1, 0), "UTF-16BE"),
    ):
        if all((share > 0.6) == bool(expected) for share, expected in zip(nul, pattern, strict=True)):
            return encoding
    return None
