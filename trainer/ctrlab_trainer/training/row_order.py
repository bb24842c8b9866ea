"""The order of rows in an epoch: a permutation of all rows, or of blocks of neighboring rows.

A permutation of all rows is best for learning, but needs all of them in memory: from a file, each row would read a
page. Data that do not fit are read in blocks of neighboring rows. The blocks are permuted, as many of them as fit into
a window are read together, and the rows of the window are permuted. Sizes of blocks and windows are constants, in bytes
of the split's rows: the order follows from data and seed on every machine.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ctrlab_api.architectures.base_architecture import RowOrder
from ctrlab_api.records.runs import RowPermutation
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit, row_arrays, split_arrays
from ctrlab_trainer.process import memory_limits

BLOCK_BYTES = 2**18
"""Size of a block of neighboring rows, which a disk reads at nearly its full speed."""
WINDOW_BLOCKS = 2**8
"""Blocks that are in memory together: 64 MiB."""
MAX_MEMORY_SHARE = 0.5
"""Larger data, as a share of the memory, are read in blocks unless the specification says otherwise."""


@dataclass(frozen=True)
class Window:
    """Rows that are in memory together."""

    blocks: tuple[range, ...]
    """Neighboring rows, in the order in which they are read."""
    order: Tensor
    """[rows of all blocks] int64, positions within the window in the order in which the rows are used."""

    def row_numbers(self) -> Tensor:
        """Return [rows of all blocks] int64 row numbers in the order in which the rows are used."""
        if self.blocks[0] == range(len(self.order)):
            return self.order
        device = self.order.device
        numbers = [torch.arange(block.start, block.stop, device=device) for block in self.blocks]
        return torch.cat(numbers)[self.order]


@dataclass(frozen=True)
class RowOrdering:
    """The way in which the rows of one split are ordered."""

    permutation: RowPermutation
    rows: int
    block_rows: int
    """Rows of a block; the last one has fewer."""

    @classmethod
    def choose(cls, requested: RowOrder, split: EncodedSplit, device: str) -> "RowOrdering":
        """Return the ordering that the specification requests.

        `auto` depends on the memory, and a GPU holds all rows.
        """
        too_large = device == "cpu" and split_bytes(split) > MAX_MEMORY_SHARE * memory_limits.total_bytes()
        permutation: RowPermutation = ("blocks" if too_large else "rows") if requested == "auto" else requested
        row_bytes = sum(array.nbytes for array in row_arrays(split))
        return cls(permutation, split.rows, max(1, BLOCK_BYTES * split.rows // max(1, row_bytes)))

    @property
    def window_rows(self) -> int:
        """Rows of a window of blocks; the last one has fewer."""
        return self.block_rows * WINDOW_BLOCKS

    def windows(self, generator: torch.Generator) -> Iterator[Window]:
        """Yield every row once, permuted on the generator's device."""
        if self.permutation == "rows":
            yield Window((range(self.rows),), _permutation(self.rows, generator))
            return
        blocks = self._blocks()
        shuffled = [blocks[index] for index in _permutation(len(blocks), generator).tolist()]
        for window in _group_blocks(shuffled):
            yield Window(window, _permutation(sum(map(len, window)), generator))

    def sequential_windows(self) -> Iterator[Window]:
        """Yield every row once, in the order of the files."""
        for window in _group_blocks(self._blocks()):
            yield Window(window, torch.arange(sum(map(len, window))))

    def _blocks(self) -> list[range]:
        size = self.block_rows
        return [range(start, min(start + size, self.rows)) for start in range(0, self.rows, size)]


def joined_order(windows: Iterable[Window]) -> Tensor:
    """Return the [rows] int64 row numbers of all windows, in the order in which the rows are used."""
    parts = [window.row_numbers() for window in windows]
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def split_bytes(split: EncodedSplit) -> int:
    """Return the size of all arrays of a split, event logs included."""
    return sum(array.nbytes for array in split_arrays(split).values())


def _group_blocks(blocks: list[range]) -> Iterator[tuple[range, ...]]:
    for first in range(0, len(blocks), WINDOW_BLOCKS):
        yield tuple(blocks[first : first + WINDOW_BLOCKS])


def _permutation(size: int, generator: torch.Generator) -> Tensor:
    return torch.randperm(size, generator=generator, device=generator.device)
