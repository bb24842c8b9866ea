"""Dropout with a mask of random bytes, from a stream of its own.

On a CPU, drawing a Bernoulli number for each element is a quarter of a training step of a small model; a random byte
compared with a threshold costs a third of that. The probability is rounded to 1/256 and the kept values are scaled by
the rounded probability, so that the expectation is exact.
"""

import torch
from torch import Tensor, nn

LEVELS = 256


class Dropout(nn.Module):
    """Zeroes each element with probability `round(p * 256) / 256` while training."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.threshold = round(p * LEVELS)
        """Bytes below it drop their element."""
        self._generator: torch.Generator | None = None

    def seed(self, seed: int, device: torch.device) -> None:
        """Begins the layer's stream; without it the device's default generator is used."""
        self._generator = torch.Generator(device).manual_seed(seed)

    def forward(self, x: Tensor) -> Tensor:
        """x with elements dropped, or x itself while evaluating."""
        if not self.training or self.threshold == 0:
            return x
        words = torch.empty((x.numel() + 7) // 8, dtype=torch.int64, device=x.device)
        # From the smallest int64 without an upper bound: all 64 bits are drawn.
        words.random_(-(2**63), None, generator=self._generator)
        kept = words.view(torch.uint8)[: x.numel()].view(x.shape) >= self.threshold
        return x * torch.where(kept, LEVELS / (LEVELS - self.threshold), 0.0)
