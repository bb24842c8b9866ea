"""Updates of tables too large to be touched in every step: only the rows of a batch move.

A dense step of Adam reads and writes four numbers for each number of a table, whatever a batch holds. A row-wise one
touches the rows that the batch has drawn. For SGD and Adagrad that is the same rule. Adam becomes lazy (torch's
SparseAdam): the moments of a row decay when it is drawn, and not in between. The penalty of embeddings falls on drawn
rows alone. Both change results, so a specification has to ask for it, and the record says that it was done.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

RULES: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.SparseAdam,
    "adamw": torch.optim.SparseAdam,
    "sgd": torch.optim.SGD,
    "adagrad": torch.optim.Adagrad,
}
"""By the name of the dense rule; weight decay, in which adamw differs, spares tables."""


class RowWiseOptimizer:
    """The optimiser of such tables, whose gradients are sparse."""

    def __init__(self, tables: Sequence[nn.Parameter], optimizer: str, learning_rate: float) -> None:
        # Torch warns once that it does not look for indices out of range, unless it is told so.
        torch.sparse.check_sparse_tensor_invariants.disable()  # type: ignore[no-untyped-call]
        self._tables = tables
        self._optimizer = RULES[optimizer](tables, lr=learning_rate)

    def zero_grad(self) -> None:
        """Forgets the gradient."""
        self._optimizer.zero_grad(set_to_none=True)

    def gradients(self, penalty: float) -> list[Tensor]:
        """[rows drawn, width] of each table, with `penalty` times the rows themselves; changes in place count."""
        found = []
        for table in self._tables:
            if table.grad is not None:
                table.grad = table.grad.coalesce()
                values = table.grad._values()
                if penalty:
                    values.add_(table.detach().index_select(0, table.grad._indices()[0]), alpha=penalty)
                found.append(values)
        return found

    def step(self) -> None:
        """Moves the drawn rows."""
        self._optimizer.step()

    @property
    def groups(self) -> list[dict[str, Any]]:
        """As torch's optimisers have them; their learning rates are set from outside."""
        return self._optimizer.param_groups
