"""Files as streams of UTF-8 text, decompressed, and as blocks of whole lines; errors name the file and the line."""

import lzma
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.readers.file_kinds import START_BYTES, compression, require_text

BLOCK_BYTES: Final = 16 << 20
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class TextStream:
    """A text file, decompressed and without byte-order mark, that Arrow can read from.

    InvalidData for a file in another format or encoding, and for NUL bytes. OSError for a damaged compressed stream.
    """

    def __init__(self, path: Path) -> None:
        self.closed = False
        self._file = path.name
        self._lines = 1
        self._stream = open_decompressed(path)
        start = _read_fully(self._stream, START_BYTES)
        require_text(path.name, start)
        self._pushed_back = start.removeprefix(BYTE_ORDER_MARK)
        self._appended = b""

    def read(self, size: int = BLOCK_BYTES) -> bytes:
        """Read up to `size` bytes, empty at the end; InvalidData for a NUL byte."""
        data = self._next(size)
        while data.endswith(b"\r") and (more := self._next(size)):
            # Arrow drops a line feed at the start of a block behind a carriage return, also within quotes.
            data += more
        if b"\x00" in data:
            line = self._lines + data.count(b"\n", 0, data.index(b"\x00"))
            raise InvalidData.at(
                f"{self._file}, line {line}",
                "contains a NUL byte, which no text has; the file is damaged or binary: write or copy it again",
            )
        self._lines += data.count(b"\n")
        return data

    def _next(self, size: int) -> bytes:
        if self._pushed_back:
            data, self._pushed_back = self._pushed_back[:size], self._pushed_back[size:]
        else:
            data = self._stream.read(size)
        if not data:
            data, self._appended = self._appended, b""
        return bytes(data)

    def append(self, data: bytes) -> None:
        """Let the last reads return these bytes, after those of the file."""
        self._appended = data

    def push_back(self, data: bytes) -> None:
        """Let the next reads return these bytes first; they were read from this stream before."""
        self._lines -= data.count(b"\n")
        self._pushed_back = data + self._pushed_back

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self.closed = True
            self._stream.close()

    def readable(self) -> bool:
        """Return True, as Arrow asks."""
        return True

    def __enter__(self) -> "TextStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def first_line(path: Path) -> str:
    """Return the first line, without its end; InvalidData if it is not UTF-8 text, otherwise as `TextStream`."""
    data = b""
    with TextStream(path) as stream:
        while not re.search(rb"[\r\n]", data) and (block := stream.read(1 << 16)):
            data += block
    line = re.split(rb"[\r\n]", data)[0]
    require_utf8(path.name, line, 1)
    return line.decode()


def line_blocks(path: Path) -> Iterator[bytes]:
    r"""Yield blocks of whole lines of UTF-8 text, which end with \n whatever ends the lines of the file.

    The last line may lack its end. InvalidData for bytes that are not UTF-8, and as `TextStream`.
    """
    first = 1
    with TextStream(path) as stream:
        rest: list[bytes] = []
        while block := stream.read(BLOCK_BYTES):
            if b"\r" in block:
                block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            lines, newline, tail = block.rpartition(b"\n")
            if newline:
                whole = b"".join([*rest, lines, newline])
                require_utf8(path.name, whole, first)
                first += whole.count(b"\n")
                yield whole
                rest = []
            rest.append(tail)
        last = b"".join(rest)
        if last.strip():
            require_utf8(path.name, last, first)
            yield last


def require_utf8(file: str, data: bytes, first_line: int) -> None:
    """Raise InvalidData with the line and the byte of whole lines that are not UTF-8."""
    if data.isascii():
        return
    try:
        data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = first_line + len(re.findall(rb"\r\n|\r|\n", before))
        column = error.start - max(before.rfind(b"\n"), before.rfind(b"\r"))
        raise InvalidData.at(
            f"{file}, line {line}",
            f"byte {column} of the line is 0x{data[error.start]:02x}, which is not UTF-8; the file may be Latin-1 or "
            f"Windows-1252: convert it to UTF-8, for instance with iconv -f WINDOWS-1252 -t UTF-8",
        ) from None


def error_reason(error: Exception) -> str:
    """Return the reason why a file cannot be read, in one line."""
    text = str(error)
    if re.search("[Tt]runcated|ended before the end-of-stream", text):
        return "the compressed stream ends too early: the file is truncated or still being written; copy it again"
    if isinstance(error, lzma.LZMAError) or "ompress" in text or "Lz4" in text or "LZ4" in text:
        return f"the compressed stream is damaged ({(text.splitlines() or [''])[0]}); copy the file again"
    return (text.splitlines() or [type(error).__name__])[0]


STREAM_ERRORS: Final = (OSError, EOFError, lzma.LZMAError, pa.ArrowException)
"""Errors of a file that cannot be read, or whose compressed stream is damaged."""


def open_decompressed(path: Path) -> Any:
    """Open a file for reading bytes, decompressed."""
    with path.open("rb") as file:
        packed = compression(file.read(8))
    if packed == "xz":
        return lzma.open(path)
    file = pa.OSFile(str(path))
    return file if packed is None else pa.CompressedInputStream(file, packed)


def _read_fully(stream: Any, size: int) -> bytes:
    parts: list[bytes] = []
    while size > 0 and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
