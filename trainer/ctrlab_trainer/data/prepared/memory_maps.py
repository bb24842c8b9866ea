"""Arrays that are mapped from files and do not stay in memory: given back after a look, or read past the mapping.

The system keeps the pages of a mapped file until something else needs the memory, and counts them as the process's. A
page that is not there is read when it is touched, with its neighbours for up to the disk's read-ahead (8 MiB on some),
which is thrown away where the neighbours are not asked for. Blocks from anywhere in a file are therefore read as such.
"""

import mmap
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData


def release_pages(array: NDArray[np.generic]) -> None:
    """Gives the pages of a mapped array back; they come from the file again when they are looked at."""
    if isinstance(array.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        array.base.madvise(mmap.MADV_DONTNEED)


def read_rows(array: NDArray[Any], blocks: Sequence[range], into: NDArray[Any]) -> None:
    """Writes blocks of rows one after another into an array of as many rows; from the file, if `array` is mapped from
    all of one. InvalidData if the file has become shorter."""
    if isinstance(array, np.memmap) and isinstance(array.base, mmap.mmap) and array.flags.c_contiguous and array.size:
        _read_from_file(array, blocks, into)
        return
    place = 0
    for block in blocks:
        into[place : place + len(block)] = array[block.start : block.stop]
        place += len(block)


def _read_from_file(array: "np.memmap[Any, Any]", blocks: Sequence[range], into: NDArray[Any]) -> None:
    row, unread = array.strides[0], into.reshape(-1).view(np.uint8).data
    with open(str(array.filename), "rb", buffering=0) as file:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        for block in blocks:
            file.seek(array.offset + block.start * row)
            end = len(unread) - len(block) * row
            while len(unread) > end:
                read = file.readinto(unread[: len(unread) - end])
                if not read:
                    raise InvalidData.at(str(array.filename), f"ends before row {block.stop}, which it had when opened")
                unread = unread[read:]
