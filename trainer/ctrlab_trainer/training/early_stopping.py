"""Which epoch was the best by validation, and when to stop waiting for a better one."""

from dataclasses import dataclass
from typing import Literal

SMALLEST_IMPROVEMENT = 1e-6
"""A value must be better by more than this to count, so that rounding does not keep a run alive."""


@dataclass
class EarlyStopping:
    """Judges one epoch after another."""

    direction: Literal["maximize", "minimize"]
    patience: int
    best_epoch: int | None = None
    best_value: float | None = None
    waited: int = 0
    """Epochs since the best one."""

    def improves(self, epoch: int, value: float | None) -> bool:
        """Whether this epoch is the best so far; an undefined value never is."""
        if value is not None and self._is_better(value):
            self.best_epoch, self.best_value, self.waited = epoch, value, 0
            return True
        self.waited += 1
        return False

    @property
    def exhausted(self) -> bool:
        """Whether patience has ended."""
        return self.waited >= self.patience

    def _is_better(self, value: float) -> bool:
        if self.best_value is None:
            return True
        gain = value - self.best_value if self.direction == "maximize" else self.best_value - value
        return gain > SMALLEST_IMPROVEMENT
