"""Text files: line ends, quotes, encodings, compressions and spellings are read, or named in a message."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.missing_values import DEFAULT_MISSING
from ctrlab_api.resources.source_uris import Format
from ctrlab_trainer.data.readers.source_reading import SourceReader
from ctrlab_trainer.data.sources.source_locations import LocatedSource, TableFiles

BLOCK = "ctrlab_trainer.data.readers.{}.BLOCK_BYTES"


def read(path: Path, file_format: Format, numeric: tuple[str, ...] = (), columns: str = "xy") -> list[list[Any]]:
    """Return the rows of the columns x and y."""
    required = {name: f"field {name}" for name in columns}
    table = SourceReader.of(LocatedSource(TableFiles((path,), file_format)), required, DEFAULT_MISSING).rows(numeric)
    return [list(row) for row in zip(*(table.data[name].to_pylist() for name in columns), strict=True)]


READ: tuple[tuple[str, Format, bytes, list[list[Any]]], ...] = (
    ("CR", "csv", b"x,y\r1,a\r2,b\r", [["1", "a"], ["2", "b"]]),
    ("CRLF", "csv", b"x,y\r\n1,a\r\n2,b", [["1", "a"], ["2", "b"]]),
    ("mixed line ends", "csv", b"x,y\n1,a\r\n2,b\r3,c\n", [["1", "a"], ["2", "b"], ["3", "c"]]),
    ("blank lines", "csv", b"x,y\n\n1,a\n\n\n2,b\n\n", [["1", "a"], ["2", "b"]]),
    ("byte-order mark", "csv", b"\xef\xbb\xbfx,y\n1,a\n", [["1", "a"]]),
    ("quoted line break", "csv", b'x,y\n1,"a\r\nb"\n2,"c\n"\n', [["1", "a\r\nb"], ["2", "c\n"]]),
    ("quoted header", "csv", b'"x","y"\n1,a\n', [["1", "a"]]),
    ("line break in the header", "csv", b'x,"no\nte",y\n1,n,a\n', [["1", "a"]]),
    ("quote in the middle", "csv", b'x,y\n1,5" disk\n2,"say ""a"""\n', [["1", '5" disk'], ["2", 'say "a"']]),
    ("empty columns", "csv", b"x,y,,\n1,a,,\n", [["1", "a"]]),
    ("spelling", "csv", b"x,y\n007, a\n7.0,True\n", [["007", " a"], ["7.0", "True"]]),
    ("gzip", "csv", gzip.compress(b"x,y\n1,a\n") + gzip.compress(b"2,b\n"), [["1", "a"], ["2", "b"]]),
    ("bzip2", "csv", bz2.compress(b"x,y\n1,a\n") + bz2.compress(b"2,b\n"), [["1", "a"], ["2", "b"]]),
    ("xz", "csv", lzma.compress(b"x,y\n1,a\n"), [["1", "a"]]),
    ("CR in jsonl", "jsonl", b'{"x":"1","y":"a"}\r{"x":"2","y":"b"}\r', [["1", "a"], ["2", "b"]]),
    ("blank lines in jsonl", "jsonl", b'\n{"x":1,"y":2}\n\n{"x":3,"y":4}\n', [["1", "2"], ["3", "4"]]),
    ("dates in jsonl", "jsonl", b'{"x":"2024-01-05","y":["2024-01-05"]}\n', [["2024-01-05", ["2024-01-05"]]]),
    ("large ids", "jsonl", b'{"x":9223372036854775808,"y":18446744073709551616}\n', [[str(2**63), str(2**64)]]),
    ("large", "jsonl", b"""{"x":9007199254740993}\n{"x":1.5,"y":1e3}\n""", [[f"{2**53 + 1}", None], ["1.5", "1000"]]),
    ("two types", "jsonl", b'{"x":7,"y":true}\n{"x":"007","y":"yes"}\n', [["7", "true"], ["007", "yes"]]),
    ("NaN", "jsonl", b'{"x":NaN,"y":1}\n{"y":2}\n', [[None, "1"], [None, "2"]]),
)  # fmt: skip


@pytest.mark.parametrize(("name", "file_format", "content", "rows"), READ, ids=[case[0] for case in READ])
def test_rows_are_read_as_they_are_written(
    tmp_path: Path, name: str, file_format: Format, content: bytes, rows: list[list[Any]]
) -> None:
    (tmp_path / "rows").write_bytes(content)
    assert read(tmp_path / "rows", file_format) == rows


def zip_file() -> bytes:
    with zipfile.ZipFile(buffer := io.BytesIO(), "w") as archive:
        archive.writestr("rows.csv", "x,y\n1,a\n")
    return buffer.getvalue()


def tar_file() -> bytes:
    with tarfile.open(fileobj=(buffer := io.BytesIO()), mode="w") as archive:
        archive.addfile(tarfile.TarInfo("rows.csv"))
    return buffer.getvalue()


def parquet_file() -> bytes:
    pyarrow.parquet.write_table(pa.table({"x": [1]}), buffer := io.BytesIO())
    return buffer.getvalue()


REFUSED: tuple[tuple[str, Format, bytes, str], ...] = (
    ("UTF-16", "csv", "x,y\n1,a\n".encode("utf-16"), "rows: is UTF-16 text; convert it to UTF-8"),
    ("UTF-16 without mark", "csv", "x,y\n1,a\n".encode("utf-16-le"), "rows: is UTF-16LE text"),
    ("UTF-16BE without mark", "jsonl", '{"x": 1}\n'.encode("utf-16-be"), "rows: is UTF-16BE text"),
    ("UTF-32", "csv", "x,y\n1,a\n".encode("utf-32-le"), "rows: is UTF-32LE text"),
    ("Latin-1", "csv", b"x,y\n1,a\n2,\xfc\n", "rows, line 3: byte 3 of the line is 0xfc, which is not UTF-8"),
    ("Latin-1 header", "csv", b"x,\xfc\n1,a\n", "rows, line 1: byte 3 of the line is 0xfc"),
    ("Latin-1 jsonl", "jsonl", b'{"x":1}\n{"x":"\xfc"}\n', "rows, line 2: byte 7 of the line is 0xfc"),
    ("NUL", "csv", b"x,y\n1,a\n2,\x00\n", "rows, line 3: contains a NUL byte"),
    ("zip", "csv", zip_file(), "rows: is a zip archive; extract it"),
    ("tar", "csv", tar_file(), "rows: is a tar archive; extract it"),
    ("tar in gzip", "jsonl", gzip.compress(tar_file()), "rows: is a tar archive; extract it"),
    ("7z", "libsvm", b"7z\xbc\xaf\x27\x1c\x00\x04", "rows: is a 7z archive"),
    ("parquet", "csv", parquet_file(), "rows: is a parquet file; set format: parquet"),
    ("an error page", "csv", b"<!DOCTYPE html>\n<html>", "rows: is an HTML or XML page"),
    ("one byte", "csv", b"x", "has no column 'y'; known: x"),
    ("empty gzip", "csv", gzip.compress(b""), "rows: is empty"),
    ("truncated xz", "csv", lzma.compress(b"x,y\n" + b"1,a\n" * 99)[:-20], "the compressed stream"),
    ("damaged bzip2", "jsonl", bz2.compress(b'{"x": 1}\n' * 99)[:40], "the compressed stream"),
    ("open quote", "csv", b'x,y\n1,a\n2,"b\n3,c\n', "rows: the quote that begins in line 3 is never closed"),
    ("ragged line", "csv", b'x,y\n1,"a\nb"\n2\n', "rows: line 4: expected 2 columns, got 1"),
    ("separator at the end", "csv", b"x,y\n1,a,\n", "line 2: expected 2 columns, got 3: does the line end with a sep"),
    (
        "semicolons",
        "csv",
        b"x;y\n1;a\n",
        'known: x;y; its header is separated by semicolons, but csv is separated by commas: set separator: ";"',
    ),
    ("bars in tsv", "tsv", b"x|y\n1|a\n", 'but tsv is separated by tabs: set format: csv and separator: "|"'),
    ("commas in tsv", "tsv", b"x,y\n1,a\n", "its header is separated by commas, but tsv is separated by tabs: set"),
    ("mixed members", "jsonl", b'{"x":[1],"y":1}\n{"x":2,"y":1}\n', "rows, line 2, column x: found a single value"),
    ("surrogate", "jsonl", b'{"x":"\\ud83d","y":1}\n', "rows, line 1, column x: has '\\ud83d', half of a character"),
    ("nested", "jsonl", b'{"x":{"a":1},"y":1}\n', "rows, line 1, column x: found an object"),
    ("too deep", "jsonl", b'{"x":' + b"[" * 100_000, "rows, line 1: is n"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "file_format", "content", "message"), REFUSED, ids=[case[0] for case in REFUSED])
def test_other_files_are_named_for_what_they_are(
    tmp_path: Path, name: str, file_format: Format, content: bytes, message: str
) -> None:
    (tmp_path / "rows").write_bytes(content)
    with pytest.raises(InvalidData) as raised:
        read(tmp_path / "rows", file_format)
    assert message in str(raised.value)


@pytest.mark.parametrize("size", [40, 64, 100])
def test_quoted_line_breaks_are_read_in_files_larger_than_a_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    for module in ("delimited_files", "byte_streams"):
        monkeypatch.setattr(BLOCK.format(module), size)
    text = "".join(f'"a{index}\r\nb",{index}\r\n' for index in range(50))
    (tmp_path / "rows").write_bytes(f"x,y\r\n{text}".encode())
    assert read(tmp_path / "rows", "csv", ("y",)) == [[f"a{index}\r\nb", float(index)] for index in range(50)]


def test_a_list_that_begins_in_a_later_block_is_a_list_in_all_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BLOCK.format("byte_streams"), 64)
    (tmp_path / "rows").write_text('{"x": null, "y": 1}\n' * 9 + '{"x": ["a"], "y": 1}\n')
    assert read(tmp_path / "rows", "jsonl") == [[None, "1"]] * 9 + [[["a"], "1"]]
