"""In which order an epoch takes the training rows.

Any order of all rows is best for learning, and reads a mapped file at random: fast while it is in memory, hundreds of
times slower where it is not. Data that do not fit are therefore read in blocks of neighbouring rows: the blocks are
permuted, and the rows of a buffer of blocks among each other, so that every page is read once in an epoch. Which order
was taken is part of a run's record.
"""

from pathlib import Path

import psutil
import torch
from torch import Tensor

from ctrlab_contract.architectures.base import RowOrder
from ctrlab_contract.records.run import RowsTaken
from ctrlab_trainer.data.encoded import EncodedSplit, arrays

BLOCK = 2**12
"""Neighbouring rows that are read together."""
BUFFER = 2**8
"""Blocks whose rows are permuted among each other."""
SHARE = 0.5
"""Of the memory: larger data are read in blocks, unless the specification says otherwise."""
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Of a container, by the two versions of control groups."""


def order_of(wanted: RowOrder, rows: EncodedSplit, device: str) -> RowsTaken:
    """`rows` or `blocks`, where the specification leaves it open; a GPU holds all rows itself."""
    if wanted != "auto":
        return wanted
    needed = sum(array.nbytes for array in arrays(rows).values())
    return "blocks" if device == "cpu" and needed > SHARE * memory() else "rows"


def permutation(rows: int, order: RowsTaken, chance: torch.Generator) -> Tensor:
    """[rows] int64 on the generator's device: every row once."""
    if order == "rows":
        return torch.randperm(rows, generator=chance, device=chance.device)
    blocks = torch.randperm(-(-rows // BLOCK), generator=chance, device=chance.device)
    within = torch.arange(BLOCK, device=chance.device)
    parts = []
    for buffer in torch.split(blocks, BUFFER):
        index = (buffer[:, None] * BLOCK + within).flatten()
        index = index[index < rows]
        parts.append(index[torch.randperm(len(index), generator=chance, device=chance.device)])
    return torch.cat(parts)


def memory() -> int:
    """Bytes that this process may use: of the machine, or of its container."""
    given = [limit.read_text().strip() for limit in LIMITS if limit.exists()]
    return min([psutil.virtual_memory().total, *(int(limit) for limit in given if limit.isdigit())])
