"""Arrays that are mapped from files, looked at once: what was read need not stay in memory.

The system would keep the pages of a mapped file until something else needs the memory, and count them as the process's.
"""

import mmap

import numpy as np
from numpy.typing import NDArray


def let_go(array: NDArray[np.generic]) -> None:
    """Gives the pages of a mapped array back; they come from the file again when they are looked at."""
    if isinstance(array.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        array.base.madvise(mmap.MADV_DONTNEED)
