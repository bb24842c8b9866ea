"""Rows that stay in their files except for the current window and the next one, which is read ahead.

A batch needs rows from random positions of a window. Through memory-mapped files they would be read page by page, when
they are touched; here a thread reads whole blocks ahead, so that training waits for no disk that is faster than itself.
Event logs stay in memory: the history of a row can be anywhere in them, and an event is smaller than a row.
"""

import itertools
import math
import mmap
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit, row_arrays, with_rows
from ctrlab_trainer.data.prepared.memory_maps import read_rows
from ctrlab_trainer.training.batches import Batch, DeviceData, batch_bounds
from ctrlab_trainer.training.row_order import RowOrdering, Window

Arrays = list[NDArray[Any]]


class Rows(Protocol):
    """The rows of a split, in memory or in files."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    @property
    def device(self) -> torch.device:
        """Device of the batches."""

    def index_batches(self, windows: Iterable[Window], size: int) -> Iterator[Tensor]:
        """Yield [<= size] indices for `batch`, each valid until the next; the windows contain all rows."""

    def sequential_batches(self, size: int) -> Iterator[Tensor]:
        """Yield the same for the rows in the order of the files."""

    def batch(self, index: Tensor) -> Batch:
        """Return the rows of such an index."""


def open_rows(split: EncodedSplit, schema: EncodedSchema, ordering: RowOrdering, device: str) -> Rows:
    """Return all rows on the device; windows of them if they are read in blocks and the device is the CPU."""
    if ordering.permutation == "blocks" and device == "cpu":
        return WindowedRows(split, schema, ordering)
    return DeviceData(split, schema, device)


def rows_in_file_order(split: EncodedSplit, schema: EncodedSchema, device: str) -> Rows:
    """Return rows that are used in the order of the files: in memory, or in windows if there is too little of it."""
    return open_rows(split, schema, RowOrdering.choose("auto", split, device), device)


class WindowedRows:
    """`Rows` on a CPU, of which one window is in memory."""

    def __init__(self, split: EncodedSplit, schema: EncodedSchema, ordering: RowOrdering) -> None:
        self.rows = split.rows
        self.device = torch.device("cpu")
        self._split, self._ordering = split, ordering
        self._files = row_arrays(split)
        self._empty = DeviceData(with_rows(split, [file[:0] for file in self._files]), schema, "cpu")
        self._window = self._empty

    def batch(self, index: Tensor) -> Batch:
        """Return the rows at these positions of the window."""
        return self._window.batch(index)

    def sequential_batches(self, size: int) -> Iterator[Tensor]:
        """Yield [<= size] positions in the window, which advances with the batches; rows in the order of the files."""
        return self.index_batches(self._ordering.sequential_windows(), size)

    def index_batches(self, windows: Iterable[Window], size: int) -> Iterator[Tensor]:
        """Yield [<= size] positions in the window, which advances with the batches.

        The batches are those of all rows at once: rows that are left over in one window are moved to the beginning of
        the next.
        """
        segments = _segments(windows, [end for _, end in batch_bounds(self.rows, size)])
        max_rows = min(self.rows, self._ordering.window_rows + size)
        buffers = itertools.cycle([_allocate(self._files, max_rows), _allocate(self._files, max_rows)])
        left_over: Arrays = [file[:0] for file in self._files]
        with ThreadPoolExecutor(max_workers=1) as reader:

            def read_next() -> Future[tuple[_Segment, Arrays]] | None:
                segment = next(segments, None)
                return None if segment is None else reader.submit(self._read, segment, next(buffers))

            pending = read_next()
            while pending is not None:
                segment, arrays = pending.result()
                for array, rows in zip(arrays, left_over, strict=True):
                    array[: segment.left_over] = rows
                self._window = self._empty.with_split(with_rows(self._split, arrays))
                pending = read_next()
                order = torch.cat([torch.arange(segment.left_over), segment.left_over + segment.window.order])
                begin = 0
                for end in segment.batch_ends:
                    yield order[begin:end]
                    begin = end
                left_over = [array[order[begin:].numpy()] for array in arrays]
        self._window = self._empty

    def _read(self, segment: "_Segment", buffer: Arrays) -> tuple["_Segment", Arrays]:
        arrays = [array[: segment.left_over + len(segment.window.order)] for array in buffer]
        for file, array in zip(self._files, arrays, strict=True):
            read_rows(file, segment.window.blocks, array[segment.left_over :])
        return segment, arrays


@dataclass(frozen=True)
class _Segment:
    """A window after the rows that the previous one left over."""

    window: Window
    left_over: int
    batch_ends: list[int]
    """Ends of its batches."""


def _segments(windows: Iterable[Window], batch_ends: list[int]) -> Iterator[_Segment]:
    """Yield the segments of the windows; `batch_ends` are those of the batches of all rows."""
    used, seen = 0, 0
    for window in windows:
        left_over, first = seen - used, bisect_right(batch_ends, used)
        seen += len(window.order)
        complete = batch_ends[first : bisect_right(batch_ends, seen)]
        yield _Segment(window, left_over, [end - used for end in complete])
        used = complete[-1] if complete else used


def _allocate(files: Arrays, rows: int) -> Arrays:
    """Return arrays for this number of rows; unlike freed heap memory, their memory leaves the process when unused."""

    def array(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        count = math.prod(shape)
        memory = mmap.mmap(-1, max(1, count * dtype.itemsize), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        return np.frombuffer(memory, dtype, count).reshape(shape)

    return [array((rows, *file.shape[1:]), file.dtype) for file in files]
