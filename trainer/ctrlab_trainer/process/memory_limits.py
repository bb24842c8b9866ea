"""Memory that this process may use, and the free part of it: of the machine, or of its container if that has less.

A container is a control group (cgroup). A limit applies to a group and all its descendants, so every ancestor of the
process's group is read, in both cgroup versions. The usage of a group includes the page cache of files that were read;
the kernel reclaims these pages when memory is needed, so they count as free here, as they do for the machine.
"""

from collections.abc import Iterator
from pathlib import Path

import psutil

PROCESS_CGROUPS = Path("/proc/self/cgroup")
"""The groups of this process, one per line: number, controllers and path."""
CGROUP_ROOT = Path("/sys/fs/cgroup")
LIMIT_FILES = ("memory.max", "memory.limit_in_bytes")
USAGE_FILES = ("memory.current", "memory.usage_in_bytes")
"""Files of a group in cgroup versions 2 and 1."""
PAGE_CACHE_FIELDS = ("inactive_file", "active_file")
"""Fields of `memory.stat`; in version 1 prefixed with `total_` to include descendants."""


def total_bytes() -> int:
    """Return the bytes that this process may use."""
    return min([psutil.virtual_memory().total, *(limit for _, limit in _limited_groups())])


def free_bytes() -> int:
    """Return the bytes that it may still allocate; negative if a limit was lowered below the usage."""
    available = psutil.virtual_memory().available
    return min([available, *(limit - _used_bytes(group) for group, limit in _limited_groups())])


def _limited_groups() -> Iterator[tuple[Path, int]]:
    """Yield the groups of the process that have a limit, with their limits."""
    for group in _groups():
        for name in LIMIT_FILES:
            limit = (group / name).read_text().strip() if (group / name).is_file() else ""
            if limit.isdigit():
                yield group, int(limit)


def _groups() -> Iterator[Path]:
    """Yield the group of the process and its ancestors.

    A container may mount its group as the root, so that the listed path does not exist there.
    """
    lines = PROCESS_CGROUPS.read_text().splitlines() if PROCESS_CGROUPS.is_file() else []
    for _, controllers, path in (line.split(":", 2) for line in lines):
        if controllers in ("", "memory"):
            root, relative = CGROUP_ROOT / controllers, Path(path.lstrip("/"))
            yield from (root / group for group in (relative, *relative.parents))


def _used_bytes(group: Path) -> int:
    """Return the usage of a group without its page cache."""
    used = next(int((group / name).read_text()) for name in USAGE_FILES if (group / name).is_file())
    fields = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    return used - sum(int(fields.get(f"total_{name}", fields.get(name, 0))) for name in PAGE_CACHE_FIELDS)
