"""Optimizer for tables that are too large to be touched in every step: only the rows of a batch are updated.

A dense Adam step reads and writes four numbers for each number of a table, whatever the batch contains. A row-wise step
touches only the rows of the batch. For SGD and Adagrad the rule is the same. Adam becomes lazy (torch's SparseAdam):
the moments of a row decay only when a batch contains it. The embedding penalty applies to rows of the batch only. Both
change results, so a specification has to request row-wise updates, and the record states them.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

ROW_WISE_OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.SparseAdam,
    "adamw": torch.optim.SparseAdam,
    "sgd": torch.optim.SGD,
    "adagrad": torch.optim.Adagrad,
}
"""Row-wise rule for each dense one; adamw differs from adam in weight decay, which does not apply to tables."""


class RowWiseOptimizer:
    """The optimizer of tables whose gradients are sparse."""

    def __init__(self, tables: Sequence[nn.Parameter], optimizer: str, learning_rate: float) -> None:
        # Torch warns once that it does not check indices of sparse tensors, unless the check is switched off
        # explicitly.
        torch.sparse.check_sparse_tensor_invariants.disable()  # type: ignore[no-untyped-call]
        self._tables = tables
        self._optimizer = ROW_WISE_OPTIMIZERS[optimizer](tables, lr=learning_rate)

    def zero_grad(self) -> None:
        """Clear the gradients."""
        self._optimizer.zero_grad(set_to_none=True)

    def gradients(self, penalty: float) -> list[Tensor]:
        """Return the [rows of the batch, width] gradient of each table, plus `penalty` times the rows themselves.

        Changes of the returned tensors in place change the gradients.
        """
        gradients = []
        for table in self._tables:
            if table.grad is not None:
                table.grad = table.grad.coalesce()
                values = table.grad._values()
                if penalty:
                    values.add_(table.detach().index_select(0, table.grad._indices()[0]), alpha=penalty)
                gradients.append(values)
        return gradients

    def step(self) -> None:
        """Update the rows of the batch."""
        self._optimizer.step()

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Parameter groups as in torch's optimizers; the caller sets their learning rates."""
        return self._optimizer.param_groups
