"""Early stopping: the best epoch by the validation metric, and when to stop waiting for a better one."""

from dataclasses import dataclass
from typing import Literal

MIN_IMPROVEMENT = 1e-6
"""Smaller improvements do not count, so that rounding does not prolong a training."""


@dataclass
class EarlyStopping:
    """Tracks the best epoch."""

    direction: Literal["maximize", "minimize"]
    patience: int
    """Epochs without improvement before the training stops."""
    best_epoch: int | None = None
    best_value: float | None = None
    epochs_without_improvement: int = 0

    def improves(self, epoch: int, value: float | None) -> bool:
        """Add an epoch and return whether it is the best so far; an undefined value never is."""
        if value is not None and self._is_better(value):
            self.best_epoch, self.best_value, self.epochs_without_improvement = epoch, value, 0
            return True
        self.epochs_without_improvement += 1
        return False

    @property
    def exhausted(self) -> bool:
        """Whether patience is exhausted."""
        return self.epochs_without_improvement >= self.patience

    def _is_better(self, value: float) -> bool:
        if self.best_value is None:
            return True
        gain = value - self.best_value if self.direction == "maximize" else self.best_value - value
        return gain > MIN_IMPROVEMENT
