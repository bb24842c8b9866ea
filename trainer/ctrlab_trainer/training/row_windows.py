"""Rows that stay in their files but for the window that is worked on, and the next one, which is read meanwhile.

A batch needs rows that lie anywhere in a window. Read through the mapped files they would come page by page, when they
are touched; here a thread reads whole blocks ahead, so that training waits for no disk that is faster than itself.
Logs of events stay in memory: a row's history lies anywhere in them, and an event is smaller than a row.
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
    """Rows of a split, wherever they are."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    @property
    def device(self) -> torch.device:
        """Where batches are."""

    def in_order(self, windows: Iterable[Window], size: int) -> Iterator[Tensor]:
        """[<= size] indices for `batch`, each good until the next; windows of all rows."""

    def in_turn(self, size: int) -> Iterator[Tensor]:
        """The same, of the rows as they stand in the files."""

    def batch(self, index: Tensor) -> Batch:
        """The rows of such an index."""


def open_rows(split: EncodedSplit, schema: EncodedSchema, order: RowOrdering, device: str) -> Rows:
    """All rows on the device, or windows of them where they are taken in blocks and the device has no own memory."""
    if order.taken == "blocks" and device == "cpu":
        return WindowedRows(split, schema, order)
    return DeviceData(split, schema, device)


def rows_in_file_order(split: EncodedSplit, schema: EncodedSchema, device: str) -> Rows:
    """Rows that are taken as they stand in the files: in memory, or in windows where there is too little of it."""
    return open_rows(split, schema, RowOrdering.of("auto", split, device), device)


class WindowedRows:
    """`Rows` on a CPU of which a window is in memory."""

    def __init__(self, split: EncodedSplit, schema: EncodedSchema, order: RowOrdering) -> None:
        self.rows = split.rows
        self.device = torch.device("cpu")
        self._split, self._order = split, order
        self._files = row_arrays(split)
        self._none = DeviceData(with_rows(split, [file[:0] for file in self._files]), schema, "cpu")
        self._held = self._none

    def batch(self, index: Tensor) -> Batch:
        """The rows at these places of the window."""
        return self._held.batch(index)

    def in_turn(self, size: int) -> Iterator[Tensor]:
        """[<= size] places in the window, which moves on with the batches."""
        return self.in_order(self._order.in_turn(), size)

    def in_order(self, windows: Iterable[Window], size: int) -> Iterator[Tensor]:
        """The same, in another order. Batches are those of all rows at once: rows that are left over in one window go
        to the beginning of the next."""
        stretches = _stretches(windows, [end for _, end in batch_bounds(self.rows, size)])
        most = min(self.rows, self._order.window + size)
        rooms = itertools.cycle([_room(self._files, most), _room(self._files, most)])
        rest: Arrays = [file[:0] for file in self._files]
        with ThreadPoolExecutor(max_workers=1) as reader:

            def start() -> Future[tuple[_Stretch, Arrays]] | None:
                stretch = next(stretches, None)
                return None if stretch is None else reader.submit(self._read, stretch, next(rooms))

            coming = start()
            while coming is not None:
                stretch, arrays = coming.result()
                for array, left in zip(arrays, rest, strict=True):
                    array[: stretch.left] = left
                self._held = self._none.holding(with_rows(self._split, arrays))
                coming = start()
                order = torch.cat([torch.arange(stretch.left), stretch.left + stretch.window.order])
                begin = 0
                for end in stretch.ends:
                    yield order[begin:end]
                    begin = end
                rest = [array[order[begin:].numpy()] for array in arrays]
        self._held = self._none

    def _read(self, stretch: "_Stretch", room: Arrays) -> tuple["_Stretch", Arrays]:
        arrays = [array[: stretch.left + len(stretch.window.order)] for array in room]
        for file, array in zip(self._files, arrays, strict=True):
            read_rows(file, stretch.window.blocks, array[stretch.left :])
        return stretch, arrays


@dataclass(frozen=True)
class _Stretch:
    """A window, after the rows that the one before it has left over."""

    window: Window
    left: int
    ends: list[int]
    """Of its batches."""


def _stretches(windows: Iterable[Window], ends: list[int]) -> Iterator[_Stretch]:
    """`ends` are those of the batches of all rows."""
    taken, seen = 0, 0
    for window in windows:
        left, first = seen - taken, bisect_right(ends, taken)
        seen += len(window.order)
        whole = ends[first : bisect_right(ends, seen)]
        yield _Stretch(window, left, [end - taken for end in whole])
        taken = whole[-1] if whole else taken


def _room(files: Arrays, rows: int) -> Arrays:
    """Arrays for so many rows, which leave the process when they are not needed, as freed memory would not."""

    def array(shape: tuple[int, ...], of: np.dtype[Any]) -> NDArray[Any]:
        numbers = math.prod(shape)
        memory = mmap.mmap(-1, max(1, numbers * of.itemsize), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        return np.frombuffer(memory, of, numbers).reshape(shape)

    return [array((rows, *file.shape[1:]), file.dtype) for file in files]
