"""Dropout with a mask of random bytes, from a separate random stream for each layer.

On a CPU, drawing a Bernoulli variate for each element takes a quarter of a training step of a small model; comparing a
random byte with a threshold takes a tenth of that. The probability is rounded to 1/256 and the kept values are scaled
by the rounded probability, so that the expectation is exact.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

LEVELS = 256


class Dropout(nn.Module):
    """Zeroes each element with probability `round(p * 256) / 256` in training."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.threshold = round(p * LEVELS)
        """Bytes below this value drop their element."""
        self.scale = LEVELS / (LEVELS - self.threshold)
        """Factor of the kept elements."""
        self._generator: torch.Generator | None = None
        self._stacked: tuple[Dropout, ...] = ()

    def seed_stream(self, seed: int, device: torch.device) -> None:
        """Start the layer's random stream; without it the device's default generator is used."""
        self._generator = torch.Generator(device).manual_seed(seed)

    def register_stream(self, graph: torch.cuda.CUDAGraph) -> None:
        """Let a CUDA graph draw from the layer's stream: every replay draws new bytes."""
        if self._generator is not None:
            graph.register_generator_state(self._generator)

    def stream_state(self) -> Tensor | None:
        """Return the state of the layer's stream; None if it has none."""
        return None if self._generator is None else self._generator.get_state()

    def restore_stream(self, state: Tensor | None) -> None:
        """Replace the stream by a new one in this state; the old one may be bound to a recording that failed."""
        if self._generator is not None and state is not None:
            self._generator = torch.Generator(self._generator.device)
            self._generator.set_state(state)

    def forward(self, x: Tensor) -> Tensor:
        """Return x with elements dropped, or x itself in evaluation."""
        if not self.training or self.threshold == 0:
            return x
        if torch._C._functorch.is_batchedtensor(x):
            dropped: Tensor = _StackedDropout.apply(x, self)  # type: ignore[no-untyped-call]
            return dropped
        return x * self._mask(x.shape, x.device)

    def stack(self, layers: "Sequence[Dropout]") -> None:
        """Draw each model's mask, inside `torch.func.vmap`, from the stream of that model's layer."""
        self._stacked = tuple(layers)

    def masks(self, shape: torch.Size, device: torch.device) -> Tensor:
        """Return [models, *shape] masks, one from each stream."""
        return torch.stack([layer._mask(shape, device) for layer in self._stacked])

    def random_bytes(self, shape: torch.Size, device: torch.device) -> Tensor | None:
        """Return the stream's next bytes, one for each element of the shape; None if nothing is dropped."""
        if self.threshold == 0:
            return None
        numbers = shape.numel()
        words = torch.empty((numbers + 7) // 8, dtype=torch.int64, device=device)
        # From the smallest int64 without an upper bound, so that all 64 bits are random.
        words.random_(-(2**63), None, generator=self._generator)
        return words.view(torch.uint8)[:numbers].view(shape)

    def _mask(self, shape: torch.Size, device: torch.device) -> Tensor:
        drawn = self.random_bytes(shape, device)
        assert drawn is not None
        # As floats, because comparing bytes and selecting by booleans are not vectorized on a CPU.
        return drawn.float().ge_(self.threshold).mul_(self.scale)


def dropout_layers(model: nn.Module) -> list[Dropout]:
    """Return the dropout layers of a model, in order."""
    return [module for module in model.modules() if isinstance(module, Dropout)]


class _StackedDropout(torch.autograd.Function):
    """The `vmap` rule of a layer that represents one layer of each model."""

    @staticmethod
    def forward(x: Tensor, layer: Dropout) -> Tensor:
        raise NotImplementedError("only inside vmap")

    @staticmethod
    def setup_context(context: Any, inputs: Any, output: Any) -> None:
        raise NotImplementedError("only inside vmap")

    @staticmethod
    def vmap(info: Any, batch_dims: tuple[int | None, None], x: Tensor, layer: Dropout) -> tuple[Tensor, int]:
        assert batch_dims[0] is not None
        stacked = x.movedim(batch_dims[0], 0)
        return stacked * layer.masks(stacked.shape[1:], x.device), 0
