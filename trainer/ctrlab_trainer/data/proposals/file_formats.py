"""The format of a data file or folder, from its name and its first bytes."""

import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.readers.byte_streams import STREAM_ERRORS, open_decompressed

SAMPLE_BYTES: Final = 1 << 16
SPLIT_FILE: Final = re.compile(r"^(train|valid|validation|val|dev|test)", re.IGNORECASE)
LIBSVM_LINE: Final = re.compile(r"^[-+]?[0-9.]+(\s+[0-9]+:[-+.0-9eE]+)+\s*(#.*)?$")
NUMBER: Final = re.compile(r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$")


def guess_source(path: Path) -> dict[str, Any]:
    """Return `spec.dataset.source` for a file or folder; InvalidData where its format is not recognized."""
    path = path.expanduser().absolute()
    if not path.exists():
        raise InvalidData.at(str(path), "no such file or folder")
    uri = path.as_uri()
    if path.is_dir():
        files = _data_files(path)
        if any(file.suffix == ".inter" for file in files):
            return {"uri": uri, "format": "recbole"}
        if not files:
            raise InvalidData.at(str(path), "the folder contains no files")
        return {"uri": uri, **_guess_file(files[0])}
    return {"uri": uri, **_guess_file(path)}


def split_files(path: Path) -> dict[str, str] | None:
    """Return the pattern of the files of each split, where the names of the files in a folder name the splits."""
    if not path.is_dir():
        return None
    splits: dict[str, list[str]] = {"train": [], "valid": [], "test": []}
    for file in _data_files(path):
        match = SPLIT_FILE.match(file.name)
        if match is None or file.parent != path:
            return None
        word = match[1].lower()
        splits[word if word in splits else "valid"].append(file.name)
    if not all(splits.values()):
        return None
    return {name: files[0] if len(files) == 1 else f"{_stem(files)}*" for name, files in splits.items()}


def _stem(names: Sequence[str]) -> str:
    match = SPLIT_FILE.match(names[0])
    assert match is not None
    return match[1]


def _data_files(folder: Path) -> list[Path]:
    below = (file for file in folder.rglob("*") if file.is_file())
    return sorted(file for file in below if not any(name[0] in "._" for name in file.relative_to(folder).parts))


def _guess_file(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        if file.read(4) == b"PAR1":
            return {"format": "parquet"}
    try:
        with open_decompressed(path) as stream:
            sample = bytes(stream.read(SAMPLE_BYTES))
        text = sample.decode("utf-8-sig", errors="strict" if len(sample) < SAMPLE_BYTES else "ignore")
    except (*STREAM_ERRORS, UnicodeDecodeError) as error:
        raise InvalidData.at(
            path.name, f"is neither parquet nor UTF-8 text, possibly compressed by gzip or zstd: {error}"
        ) from error
    lines = [line for line in text.splitlines()[: -1 if len(sample) == SAMPLE_BYTES else None] if line.strip()]
    if not lines:
        raise InvalidData.at(path.name, "is empty; expected rows of clicks")
    return _guess_text(path, lines)


def _guess_text(path: Path, lines: Sequence[str]) -> dict[str, Any]:
    first = lines[0]
    if first.lstrip().startswith("{"):
        return {"format": "jsonl"}
    if all(LIBSVM_LINE.match(line) for line in lines[:20]):
        return {"format": "libsvm"}
    for format_, separator in (("tsv", "\t"), ("csv", ",")):
        if separator in first:
            return {"format": format_, **_header(lines, separator, format_)}
    counts = {len(line.split()) for line in lines[:50]}
    if min(counts) > 1 and len(counts) > 1 and all(NUMBER.match(token) for token in first.split()):
        return {"format": "sequences"}
    other = next((candidate for candidate in (";", "|", "::", "^") if candidate in first), None)
    hint = f"; its first line seems to use {other!r}" if other else ""
    raise InvalidData.at(
        path.name,
        f"has no columns that are separated by commas or tabs{hint}; convert it to csv, tsv, parquet or jsonl. The "
        f"first line is {json.dumps(first[:60], ensure_ascii=False)}",
    )


def _header(lines: Sequence[str], separator: str, format_: str) -> dict[str, Any]:
    """Return `header` and `columns` for a file whose first line has values instead of names."""
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if format_ == "csv" else csv.QUOTE_NONE
    fields = next(csv.reader([lines[0]], delimiter=separator, quoting=quoting))
    if any(field.strip() == "" or NUMBER.match(field.strip()) for field in fields) or len(set(fields)) < len(fields):
        return {"header": False, "columns": [f"column_{number}" for number in range(1, len(fields) + 1)]}
    return {}
