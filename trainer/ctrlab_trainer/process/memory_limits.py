"""How much memory this process may use, and how much of it is free: of the machine, or of its container where that has
less.

A container is a control group. Limits hold for a group and all that are in it, so each group above the process's own is
asked, by both versions of control groups. What a group uses counts the pages of files that were read; they are given
back when something else needs the room, so they count as free here, as the machine counts them.
"""

from collections.abc import Iterator
from pathlib import Path

import psutil

OWN = Path("/proc/self/cgroup")
"""The groups of this process, one a line: number, controllers and path."""
GROUPS = Path("/sys/fs/cgroup")
LIMITS = ("memory.max", "memory.limit_in_bytes")
USES = ("memory.current", "memory.usage_in_bytes")
"""Files of a group, by the two versions."""
FILE_PAGES = ("inactive_file", "active_file")
"""In `memory.stat`: with the groups within."""


def total() -> int:
    """Bytes that this process may use."""
    return min([psutil.virtual_memory().total, *(limit for _, limit in _limited())])


def free() -> int:
    """Bytes that it may still take; negative for a group that is over a limit that was lowered."""
    return min([psutil.virtual_memory().available, *(limit - _held(group) for group, limit in _limited())])


def _limited() -> Iterator[tuple[Path, int]]:
    """Groups that the process is in, with their limits."""
    for group in _groups():
        for name in LIMITS:
            limit = (group / name).read_text().strip() if (group / name).is_file() else ""
            if limit.isdigit():
                yield group, int(limit)


def _groups() -> Iterator[Path]:
    """From its own to the root; a container may show its group as the root, under a path that is not there."""
    lines = OWN.read_text().splitlines() if OWN.is_file() else []
    for _, controllers, path in (line.split(":", 2) for line in lines):
        if controllers in ("", "memory"):
            root, own = GROUPS / controllers, Path(path.lstrip("/"))
            yield from (root / group for group in (own, *own.parents))


def _held(group: Path) -> int:
    """Bytes that are not pages of files."""
    used = next(int((group / name).read_text()) for name in USES if (group / name).is_file())
    found = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    return used - sum(int(found.get(f"total_{name}", found.get(name, 0))) for name in FILE_PAGES)
