"""Files as byte streams, decompressed if their first bytes identify a compression, and as blocks of whole lines."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa

COMPRESSIONS: Final = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
"""First bytes of a file -> Arrow's name of the compression."""

BLOCK_BYTES: Final = 16 << 20


def open_decompressed(path: Path) -> pa.NativeFile:
    """Open a file for reading, decompressed."""
    file = pa.OSFile(str(path))
    start = file.read(4)
    file.seek(0)
    for magic, name in COMPRESSIONS.items():
        if start.startswith(magic):
            return pa.CompressedInputStream(file, name)
    return file


def first_line(path: Path) -> str:
    """Return the first line without byte-order mark."""
    with open_decompressed(path) as stream:
        return io.BufferedReader(stream).readline().decode("utf-8-sig")


def line_blocks(path: Path) -> Iterator[bytes]:
    """Yield blocks of whole lines; the last line may lack its line break."""
    with open_decompressed(path) as stream:
        rest = b""
        while block := stream.read(BLOCK_BYTES):
            lines, newline, tail = (rest + block).rpartition(b"\n")
            if newline:
                yield lines + newline
            rest = tail
        if rest.strip():
            yield rest


def error_reason(error: Exception) -> str:
    """Return the reason why a file cannot be read, in one line."""
    text = str(error)
    if "runcated compressed stream" in text or "Truncated" in text:
        return "the compressed stream ends too early: the file is truncated or still being written; copy it again"
    match = re.search(r"Row #(\d+): (Expected .*?): ", text)
    if match:
        return f"line {match[1]}: {match[2].lower()} of the line"
    return text.splitlines()[0]
