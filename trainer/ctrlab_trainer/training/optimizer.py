"""One optimizer step: embedding penalty, gradient clipping and update; and the learning rate between epochs."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ctrlab_api.architectures import Architecture
from ctrlab_trainer.models import tables
from ctrlab_trainer.models.components.embedding_tables import row_wise_tables
from ctrlab_trainer.training.row_wise_updates import RowWiseOptimizer
from ctrlab_trainer.training.step_execution import CAPTURABLE_OPTIMIZERS

MIN_LEARNING_RATE = 1e-6
"""Lowest rate of the plateau schedule."""

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "adagrad": torch.optim.Adagrad,
}


def optimizer_arguments(optimizer: str, learning_rate: float, device: torch.device) -> dict[str, Any]:
    """Return the arguments of a torch optimizer.

    On a GPU the learning rate is a tensor on the device, so that a CUDA graph can contain the step.
    """
    if device.type == "cuda" and optimizer in CAPTURABLE_OPTIMIZERS:
        rate = torch.tensor(learning_rate, dtype=torch.float32, device=device)
        return {"lr": rate, "fused": True, "capturable": True}
    return {"lr": learning_rate, "fused": True}


class ModelOptimizer:
    """The optimizer of one training.

    `weight_decay` applies to matrices outside the tables; biases, norms and slopes have none. The tables have the
    penalty `embedding_l2` / 2 * ||E||^2 instead, whose gradient `embedding_l2` * E is added directly: its value is not
    needed, and a penalty in the loss would cost two more passes over the table in each step. Tables above the size that
    the specification sets have a separate, row-wise optimizer.
    """

    def __init__(self, model: nn.Module, config: Architecture) -> None:
        self._config = config
        row_wise = list(row_wise_tables(model).values())
        self._row_wise = RowWiseOptimizer(row_wise, config.optimizer, config.learning_rate) if row_wise else None
        row_wise_ids = {id(table) for table in row_wise}
        self._tables = [table for table in tables(model) if id(table) not in row_wise_ids]
        self._parameters = [parameter for parameter in model.parameters() if id(parameter) not in row_wise_ids]
        table_ids = {id(table) for table in self._tables}
        decayed = [p for p in self._parameters if p.ndim >= 2 and id(p) not in table_ids]
        not_decayed = [p for p in self._parameters if p.ndim < 2 or id(p) in table_ids]
        groups = [
            {"params": decayed, "weight_decay": config.weight_decay},
            {"params": not_decayed, "weight_decay": 0.0},
        ]
        self._optimizer = OPTIMIZERS[config.optimizer](
            [group for group in groups if group["params"]],
            **optimizer_arguments(config.optimizer, config.learning_rate, self._parameters[0].device),
        )
        self.learning_rate = config.learning_rate
        """Learning rate of the next step."""

    def zero_grad(self) -> None:
        """Clear the gradients."""
        self._optimizer.zero_grad(set_to_none=True)
        if self._row_wise is not None:
            self._row_wise.zero_grad()

    def step(self) -> None:
        """Update the parameters from the gradients of the data loss; never waits for the device."""
        if self._config.embedding_l2:
            with torch.no_grad():
                for table in self._tables:
                    if table.grad is not None:
                        table.grad.add_(table, alpha=self._config.embedding_l2)
        if self._row_wise is None:
            nn.utils.clip_grad_norm_(self._parameters, self._config.clip_norm)
        else:
            dense = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
            row_wise = self._row_wise.gradients(self._config.embedding_l2)
            _clip_gradients([*dense, *row_wise], self._config.clip_norm)
            self._row_wise.step()
        self._optimizer.step()

    def end_epoch(self, epoch: int, improved: bool) -> None:
        """Set the learning rate of the next epoch; `epoch` is the one that has ended, counted from 1."""
        config = self._config
        if config.schedule == "plateau" and not improved:
            self.learning_rate = max(self.learning_rate * 0.1, min(MIN_LEARNING_RATE, config.learning_rate))
        elif config.schedule == "cosine":
            self.learning_rate = config.learning_rate * 0.5 * (1 + math.cos(math.pi * epoch / config.epochs))
        for group in [*self._optimizer.param_groups, *(self._row_wise.param_groups if self._row_wise else ())]:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(self.learning_rate)
            else:
                group["lr"] = self.learning_rate


def _clip_gradients(gradients: list[Tensor], max_norm: float) -> None:
    """Clip like `clip_grad_norm_`, but for gradients whose parameters may have sparse ones."""
    factor = (max_norm / (nn.utils.get_total_norm(gradients) + 1e-6)).clamp(max=1)
    for gradient in gradients:
        gradient.mul_(factor)
