"""In which order rows are taken: any order of all of them, blocks of neighbouring rows, or one after another.

Any order of all rows is best for learning, and needs all of them in memory: from a file it would read a page for each
row. Data that do not fit are taken in blocks of neighbouring rows. The blocks are permuted, so many of them as fit into
a window are read together, and the rows of the window are permuted among each other. Sizes of blocks and windows are
constants, in bytes of the split's rows: the order follows from data and seed, on every machine.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ctrlab_api.architectures.base_architecture import RowOrder
from ctrlab_api.records.runs import RowPermutation
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit, row_arrays, split_arrays
from ctrlab_trainer.process import memory_limits

BLOCK = 2**18
"""Bytes of neighbouring rows that are read together, which a disk reads at nearly its full speed."""
WINDOW = 2**8
"""Blocks that are in memory together: 64 MiB."""
SHARE = 0.5
"""Of the memory: larger data are read in blocks, unless the specification says otherwise."""


@dataclass(frozen=True)
class Window:
    """Rows that are in memory together."""

    blocks: tuple[range, ...]
    """Neighbouring rows, in the order in which they are read."""
    order: Tensor
    """[rows of all blocks] int64, the places among them in the order in which they are taken."""

    def rows(self) -> Tensor:
        """[rows of all blocks] int64, their numbers in the order in which they are taken."""
        if self.blocks[0] == range(len(self.order)):
            return self.order
        device = self.order.device
        numbers = [torch.arange(block.start, block.stop, device=device) for block in self.blocks]
        return torch.cat(numbers)[self.order]


@dataclass(frozen=True)
class RowOrdering:
    """How the rows of one split are taken."""

    taken: RowPermutation
    rows: int
    block: int
    """Rows of a block; the last one has fewer."""

    @classmethod
    def of(cls, wanted: RowOrder, split: EncodedSplit, device: str) -> "RowOrdering":
        """As the specification wants it, and by the memory where it leaves that open; a GPU holds all rows itself."""
        in_blocks = device == "cpu" and split_bytes(split) > SHARE * memory_limits.total()
        taken: RowPermutation = ("blocks" if in_blocks else "rows") if wanted == "auto" else wanted
        together = sum(array.nbytes for array in row_arrays(split))
        return cls(taken, split.rows, max(1, BLOCK * split.rows // max(1, together)))

    @property
    def window(self) -> int:
        """Rows of a window of blocks; the last one has fewer."""
        return self.block * WINDOW

    def windows(self, chance: torch.Generator) -> Iterator[Window]:
        """Every row once, permuted on the generator's device."""
        if self.taken == "rows":
            yield Window((range(self.rows),), _permutation(self.rows, chance))
            return
        blocks = self._blocks()
        shuffled = [blocks[place] for place in _permutation(len(blocks), chance).tolist()]
        for together in _windows(shuffled):
            yield Window(together, _permutation(sum(map(len, together)), chance))

    def in_turn(self) -> Iterator[Window]:
        """Every row once, as they stand in the files."""
        for together in _windows(self._blocks()):
            yield Window(together, torch.arange(sum(map(len, together))))

    def _blocks(self) -> list[range]:
        return [range(start, min(start + self.block, self.rows)) for start in range(0, self.rows, self.block)]


def joined_order(windows: Iterable[Window]) -> Tensor:
    """[rows] int64: the rows of all windows, in the order in which they are taken."""
    parts = [window.rows() for window in windows]
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def split_bytes(split: EncodedSplit) -> int:
    """Of everything that it holds, logs of events included."""
    return sum(array.nbytes for array in split_arrays(split).values())


def _windows(blocks: list[range]) -> Iterator[tuple[range, ...]]:
    for first in range(0, len(blocks), WINDOW):
        yield tuple(blocks[first : first + WINDOW])


def _permutation(size: int, chance: torch.Generator) -> Tensor:
    return torch.randperm(size, generator=chance, device=chance.device)
