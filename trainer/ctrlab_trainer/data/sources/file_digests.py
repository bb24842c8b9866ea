"""SHA-256 of source files, cached between runs for files that have not changed.

The digest of a file that was written seconds ago is not cached: its time stamp might not reveal another change.
"""

import hashlib
import json
import time
from pathlib import Path
from typing import Final

from ctrlab_api.errors import InvalidData
from ctrlab_store.atomic_files import write_atomically
from ctrlab_store.local_cache import cache_folder

SETTLED_SECONDS: Final = 3
"""Minimum age of a file's last change for its digest to be cached."""


def file_sha256(path: Path) -> str:
    """Return 64 hexadecimal digits; InvalidData for a file that cannot be read."""
    try:
        state = path.stat()
        identity = {
            "path": str(path.resolve()),
            "bytes": state.st_size,
            "inode": state.st_ino,
            "modified": state.st_mtime_ns,
            "changed": state.st_ctime_ns,
        }
        entry = _folder() / f"{hashlib.sha256(str(identity['path']).encode()).hexdigest()[:32]}.json"
        cached = _read_entry(entry)
        if cached is not None and {name: cached.get(name) for name in identity} == identity:
            return str(cached["sha256"])
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InvalidData.at(str(path), f"cannot be read: {error.strerror}") from error
    if time.time_ns() - max(state.st_mtime_ns, state.st_ctime_ns) > SETTLED_SECONDS * 1_000_000_000:
        _write_entry(entry, json.dumps({**identity, "sha256": sha256}))
    return sha256


def _folder() -> Path:
    return cache_folder() / "digests"


def _read_entry(path: Path) -> dict[str, object] | None:
    try:
        entry = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return entry if isinstance(entry, dict) else None


def _write_entry(path: Path, content: str) -> None:
    """Write a cache entry; ignore a cache that cannot be written, which only costs time."""
    try:
        write_atomically(path, content.encode())
    except OSError:
        return
