"""Whether a model fits into memory, asked before any of it is allocated.

A table that is too large would not fail when it is made: the system promises memory that it does not have, and kills
the process when the weights are drawn, without a word.
"""

from collections.abc import Callable

import torch
from torch import nn

from ctrlab_trainer.models.components.embedding_tables import row_wise_tables
from ctrlab_trainer.process import memory_limits

COPIES = {"adam": 4, "adamw": 4, "adagrad": 3, "sgd": 2}
"""Numbers kept for each parameter: itself, its gradient, and what the optimiser remembers."""
BYTES = 4


def check_memory(assemble: Callable[[], nn.Module], optimizer: str) -> None:
    """MemoryError, with what is needed and what there is, if the model and its optimiser do not fit here."""
    with torch.device("meta"):
        model = assemble()
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    # The gradient of a table whose updates are row-wise has the rows of a batch alone.
    without_gradient = row_wise_tables(model)
    numbers = sum(size * (COPIES[optimizer] - (name in without_gradient)) for name, size in sizes.items())
    needed, free = numbers * BYTES, memory_limits.free()
    if needed > free:
        largest = max(sizes, key=lambda name: sizes[name])
        raise MemoryError(
            f"the parameters and {optimizer} need {needed / 2**30:,.1f} GiB and {free / 2**30:,.1f} GiB are free; the "
            f"largest is {largest} with {sizes[largest]:,} numbers: raise minFrequency or lower embedding_dim"
        )
