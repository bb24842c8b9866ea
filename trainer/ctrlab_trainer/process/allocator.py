"""How the C library of a Linux machine gives memory to a training process.

glibc returns each freed array of a few megabytes to the system, and the next one of the same size is cleared and mapped
again page by page: a tenth of a training step on a CPU. Every step needs the same arrays, so the process keeps them.
"""

import ctypes

TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4
"""Parameters of glibc's mallopt(3)."""


def keep_freed_memory() -> None:
    """From now on freed memory stays in the process, up to its peak; without effect where the C library is another."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(MMAP_MAX, 0)
    mallopt(TRIM_THRESHOLD, 2**31 - 1)
    mallopt(TOP_PAD, 2**28)
