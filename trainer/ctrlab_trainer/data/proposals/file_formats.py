"""The format of a data file or folder, from its name and its first bytes."""

import csv
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.readers.byte_streams import STREAM_ERRORS, open_decompressed
from ctrlab_trainer.data.readers.delimited_files import csv_options
from ctrlab_trainer.data.sources.field_syntax import CSV, TABS, FieldSyntax

SAMPLE_BYTES: Final = 1 << 16
SPLIT_FILE: Final = re.compile(r"^(train|valid|validation|val|dev|test)", re.IGNORECASE)
LIBSVM_LINE: Final = re.compile(r"^[-+]?[0-9.]+(\s+[0-9]+:[-+.0-9eE]+)+\s*(#.*)?$")
NUMBER: Final = re.compile(r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$")

DECIMAL_COMMA: Final = re.compile(r"^[-+]?[0-9]+,[0-9]+$")
LIST: Final = re.compile(r"^[-+0-9]+(,[-+0-9]+){2,}$")
OTHER_SYNTAXES: Final = tuple(replace(CSV, separator=separator) for separator in ";|^")
"""Characters of csv files that declare their separator."""


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
    syntax = _guess_syntax(lines)
    if syntax is not None:
        source: dict[str, Any] = {"format": "tsv" if syntax == TABS else "csv"}
        if syntax not in (TABS, CSV):
            options = {"separator": syntax.separator, "quote": syntax.quote, "decimal": syntax.decimal}
            source |= {name: value for name, value in options.items() if value != getattr(CSV, name)}
        return {**source, **_header(lines, syntax)}
    counts = {len(line.split()) for line in lines[:50]}
    if min(counts) > 1 and len(counts) > 1 and all(NUMBER.match(token) for token in first.split()):
        return {"format": "sequences"}
    other = next((candidate for candidate in ("::", "~", "\x01") if candidate in first), None)
    hint = f"; its first line seems to use {other!r}" if other else ""
    raise InvalidData.at(
        path.name,
        "has no columns that are separated by commas, tabs, semicolons, vertical bars or carets"
        f"{hint}; convert it to csv, tsv, parquet or jsonl. The first line is "
        f"{json.dumps(first[:60], ensure_ascii=False)}",
    )


def _guess_syntax(lines: Sequence[str]) -> FieldSyntax | None:
    """Return the separator and decimal character of lines, None if no common separator is in the first one.

    Of several separators in the first line, one that splits all lines into as many fields is meant. A line of values
    such as `7;0,5` has decimal commas.
    """
    present = [syntax for syntax in (TABS, CSV, *OTHER_SYNTAXES) if syntax.separator in lines[0]]
    regular = [syntax for syntax in present if len({len(fields) for fields in _rows(lines, syntax)}) == 1]
    candidates = regular or present[:1]
    if not candidates:
        return None
    syntax = candidates[0]
    for other in candidates:
        if other != CSV and _has_decimal_commas(_rows(lines, other)):
            return replace(other, decimal=",")
    return syntax


def _has_decimal_commas(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether fields are numbers such as 0,5, and none is a number such as 0.5 or a list such as 1,2,3."""
    fields = [field.strip() for row in rows for field in row]
    commas = any(DECIMAL_COMMA.match(field) for field in fields)
    return commas and not any(NUMBER.match(field) if "." in field else LIST.match(field) for field in fields)


def _rows(lines: Sequence[str], syntax: FieldSyntax) -> list[list[str]]:
    """Return the fields of the first lines; a quoted line break makes two of one row."""
    return list(csv.reader(lines[:50], **csv_options(syntax)))


def _header(lines: Sequence[str], syntax: FieldSyntax) -> dict[str, Any]:
    """Return `header` and `columns` for a file whose first line has values instead of names."""
    fields = _rows(lines[:1], syntax)[0]
    values = [field.strip().replace(",", ".") if syntax.decimal == "," else field.strip() for field in fields]
    if any(value == "" or NUMBER.match(value) for value in values) or len(set(fields)) < len(fields):
        return {"header": False, "columns": [f"column_{number}" for number in range(1, len(fields) + 1)]}
    return {}
