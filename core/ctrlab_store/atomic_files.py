"""Files that appear whole or not at all: written under a temporary name next to the target, then renamed."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

TEMPORARY_PREFIX = ".writing-"
"""Prefix of the names of unfinished files and folders; no listing of the store shows them."""


def write_atomically(path: Path, content: bytes) -> None:
    """Create or replace a file; readers see the old content or the new one, never a part."""
    with staged_file(path) as (file, temporary):
        file.write(content)
        file.flush()
        os.replace(temporary, path)


@contextmanager
def staged_file(path: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """Yield a new file next to `path`, open for writing, and its temporary path; the file is removed at the end.

    To keep the file, the caller renames it. Its mode is that of any new file (`umask`); missing folders are created.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            temporary.chmod(0o666 & ~read_umask())
            yield file, temporary
    finally:
        temporary.unlink(missing_ok=True)


def flush_to_disk(file: IO[bytes]) -> None:
    """Make the content of an open file survive a power failure."""
    file.flush()
    os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Make new names in a folder survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_umask() -> int:
    """Return the umask of the process, which can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
