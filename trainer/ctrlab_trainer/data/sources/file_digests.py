"""sha256 of source files, remembered between runs for files that have not changed since.

A file that was written in the last seconds is read again: its time could not tell a change that follows at once.
"""

import hashlib
import json
import time
from pathlib import Path
from typing import Final

from ctrlab_api.errors import InvalidData
from ctrlab_store.atomic_files import write_atomically
from ctrlab_trainer.data.sources.builtin_datasets import cache_folder

SETTLED_SECONDS: Final = 3


def file_sha256(path: Path) -> str:
    """64 hexadecimal digits; InvalidData for a file that cannot be read."""
    try:
        state = path.stat()
        seen = {
            "path": str(path.resolve()),
            "bytes": state.st_size,
            "inode": state.st_ino,
            "modified": state.st_mtime_ns,
            "changed": state.st_ctime_ns,
        }
        note = _folder() / f"{hashlib.sha256(str(seen['path']).encode()).hexdigest()[:32]}.json"
        known = _note(note)
        if known is not None and {name: known.get(name) for name in seen} == seen:
            return str(known["sha256"])
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InvalidData.at(str(path), f"cannot be read: {error.strerror}") from error
    if time.time_ns() - max(state.st_mtime_ns, state.st_ctime_ns) > SETTLED_SECONDS * 1_000_000_000:
        _remember(note, json.dumps({**seen, "sha256": found}))
    return found


def _folder() -> Path:
    return cache_folder().parent / "digests"


def _note(path: Path) -> dict[str, object] | None:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _remember(path: Path, content: str) -> None:
    """A cache that cannot be written only costs time."""
    try:
        write_atomically(path, content.encode())
    except OSError:
        return
