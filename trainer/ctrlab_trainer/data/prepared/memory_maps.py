"""Memory-mapped arrays whose pages do not stay in memory: released after use, or read without the mapping.

The system keeps the pages of a mapped file until something else needs the memory, and counts them towards the process.
Touching an absent page also reads its neighbors, up to the read-ahead of the disk (8 MiB on some), which is wasted
unless the neighbors are needed. Blocks from random positions are therefore read from the file directly.
"""

import mmap
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData


def release_pages(array: NDArray[np.generic]) -> None:
    """Release the pages of a mapped array; they are read from the file again on the next access."""
    if isinstance(array.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        array.base.madvise(mmap.MADV_DONTNEED)


def read_rows(array: NDArray[Any], blocks: Sequence[range], into: NDArray[Any]) -> None:
    """Copy blocks of rows one after another into `into`, which has as many rows.

    Reads from the file if `array` maps a whole file. Raises InvalidData if the file has become shorter.
    """
    if isinstance(array, np.memmap) and isinstance(array.base, mmap.mmap) and array.flags.c_contiguous and array.size:
        _read_from_file(array, blocks, into)
        return
    position = 0
    for block in blocks:
        into[position : position + len(block)] = array[block.start : block.stop]
        position += len(block)


def _read_from_file(array: "np.memmap[Any, Any]", blocks: Sequence[range], into: NDArray[Any]) -> None:
    row_bytes, unread = array.strides[0], into.reshape(-1).view(np.uint8).data
    with open(str(array.filename), "rb", buffering=0) as file:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        for block in blocks:
            file.seek(array.offset + block.start * row_bytes)
            end = len(unread) - len(block) * row_bytes
            while len(unread) > end:
                read = file.readinto(unread[: len(unread) - end])
                if not read:
                    raise InvalidData.at(
                        str(array.filename), f"ends before row {block.stop}; it was longer when it was opened"
                    )
                unread = unread[read:]
