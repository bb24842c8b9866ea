"""Check that a model fits into memory, before any of it is allocated.

Allocating a table that is too large does not fail: the system promises memory that it does not have, and kills the
process without a message when the weights are initialized.
"""

from collections.abc import Callable

import torch
from torch import nn

from ctrlab_trainer.models.components.embedding_tables import row_wise_tables
from ctrlab_trainer.process import memory_limits

NUMBERS_PER_PARAMETER = {"adam": 4, "adamw": 4, "adagrad": 3, "sgd": 2}
"""Numbers stored for each parameter: itself, its gradient and the state of the optimizer."""
BYTES_PER_NUMBER = 4


def check_memory(assemble: Callable[[], nn.Module], optimizer: str) -> None:
    """Raise MemoryError, with needed and free bytes, if the model and its optimizer do not fit."""
    with torch.device("meta"):
        model = assemble()
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    # The gradient of a row-wise updated table contains only the rows of a batch.
    sparse_gradients = row_wise_tables(model)
    numbers = sum(
        size * (NUMBERS_PER_PARAMETER[optimizer] - (name in sparse_gradients)) for name, size in sizes.items()
    )
    needed, free = numbers * BYTES_PER_NUMBER, memory_limits.free_bytes()
    if needed > free:
        largest = max(sizes, key=lambda name: sizes[name])
        raise MemoryError(
            f"the parameters and {optimizer} need {needed / 2**30:,.1f} GiB and {free / 2**30:,.1f} GiB are free; the "
            f"largest is {largest} with {sizes[largest]:,} numbers: raise minFrequency or lower embedding_dim"
        )
