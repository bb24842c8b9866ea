"""Tuning of the C library's memory allocator on Linux.

glibc returns each freed array of a few megabytes to the system, and the next array of the same size is zeroed and
mapped again page by page, which takes a tenth of a training step on a CPU. Every step needs the same arrays, so the
process keeps them.
"""

import ctypes

from ctrlab_api.schema_types import MAX_INT32

TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4
"""Parameters of glibc's mallopt(3)."""


def keep_freed_memory() -> None:
    """Keep freed memory in the process, up to its peak; without effect for other C libraries."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(MMAP_MAX, 0)
    mallopt(TRIM_THRESHOLD, MAX_INT32)
    mallopt(TOP_PAD, 2**28)
