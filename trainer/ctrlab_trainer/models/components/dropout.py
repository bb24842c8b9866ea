"""Dropout with a mask of random bytes, from a stream of its own.

On a CPU, drawing a Bernoulli number for each element is a quarter of a training step of a small model; a random byte
compared with a threshold costs a tenth of that. The probability is rounded to 1/256 and the kept values are scaled by
the rounded probability, so that the expectation is exact.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

LEVELS = 256


class Dropout(nn.Module):
    """Zeroes each element with probability `round(p * 256) / 256` while training."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.threshold = round(p * LEVELS)
        """Bytes below it drop their element."""
        self.scale = LEVELS / (LEVELS - self.threshold)
        """What kept elements are multiplied by."""
        self._generator: torch.Generator | None = None
        self._together: tuple[Dropout, ...] = ()

    def seed(self, seed: int, device: torch.device) -> None:
        """Begins the layer's stream; without it the device's default generator is used."""
        self._generator = torch.Generator(device).manual_seed(seed)

    def record_into(self, graph: torch.cuda.CUDAGraph) -> None:
        """Lets a CUDA graph draw from the layer's stream: every repetition draws new bytes."""
        if self._generator is not None:
            graph.register_generator_state(self._generator)

    def state(self) -> Tensor | None:
        """Where the layer's stream is; None without one of its own."""
        return None if self._generator is None else self._generator.get_state()

    def restore(self, state: Tensor | None) -> None:
        """A new stream that goes on from there; the old one may be bound to a recording that failed."""
        if self._generator is not None and state is not None:
            self._generator = torch.Generator(self._generator.device)
            self._generator.set_state(state)

    def forward(self, x: Tensor) -> Tensor:
        """x with elements dropped, or x itself while evaluating."""
        if not self.training or self.threshold == 0:
            return x
        if torch._C._functorch.is_batchedtensor(x):
            dropped: Tensor = _OfSeveral.apply(x, self)  # type: ignore[no-untyped-call]
            return dropped
        return x * self._mask(x.shape, x.device)

    def together(self, others: "Sequence[Dropout]") -> None:
        """From now on, inside `torch.func.vmap`, the mask of each model comes from the stream of its own layer."""
        self._together = tuple(others)

    def masks(self, shape: torch.Size, device: torch.device) -> Tensor:
        """[models, *shape] masks, one from each stream."""
        return torch.stack([layer._mask(shape, device) for layer in self._together])

    def bytes(self, shape: torch.Size, device: torch.device) -> Tensor | None:
        """The stream's next bytes, one for each element of the shape; None where nothing is dropped."""
        if self.threshold == 0:
            return None
        numbers = shape.numel()
        words = torch.empty((numbers + 7) // 8, dtype=torch.int64, device=device)
        # From the smallest int64 without an upper bound: all 64 bits are drawn.
        words.random_(-(2**63), None, generator=self._generator)
        return words.view(torch.uint8)[:numbers].view(shape)

    def _mask(self, shape: torch.Size, device: torch.device) -> Tensor:
        drawn = self.bytes(shape, device)
        assert drawn is not None
        # As floats, because a CPU's comparison of bytes, and a choice by booleans, are not vectorised.
        return drawn.float().ge_(self.threshold).mul_(self.scale)


def dropouts(model: nn.Module) -> list[Dropout]:
    """The model's layers, in order."""
    return [part for part in model.modules() if isinstance(part, Dropout)]


class _OfSeveral(torch.autograd.Function):
    """The rule of `vmap` for a layer that stands for one layer of each model."""

    @staticmethod
    def forward(x: Tensor, layer: Dropout) -> Tensor:
        raise NotImplementedError("only inside vmap")

    @staticmethod
    def setup_context(context: Any, inputs: Any, output: Any) -> None:
        raise NotImplementedError("only inside vmap")

    @staticmethod
    def vmap(info: Any, places: tuple[int | None, None], x: Tensor, layer: Dropout) -> tuple[Tensor, int]:
        assert places[0] is not None
        stacked = x.movedim(places[0], 0)
        return stacked * layer.masks(stacked.shape[1:], x.device), 0
