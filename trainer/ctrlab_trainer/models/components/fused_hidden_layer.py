"""Batch normalisation, ReLU and dropout of a hidden layer, swept over a CPU's cache in blocks of rows.

    y = k m ∘ max(0, γ ∘ (z - E[z]) / sqrt(Var[z] + ε) + β)        m: the kept elements, k: their scale

As single operations these read and write main memory a dozen times, which takes longer than half of the layer's matrix
products. Here each block is finished while it is in the cache; k is folded into γ and β, and the backward pass needs
no mask, because y > 0 where an element is both active and kept. Without normalisation γ is 1 and the rest falls away.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ctrlab_trainer.models.components.dropout import Dropout

BLOCK = 2**17
"""Numbers of a block: three of them fit into the second-level cache of today's cores."""
ROWS_FOR_A_GUESS = 64
"""Of the mean."""


def can_fuse(z: Tensor, norm: nn.BatchNorm1d | None) -> bool:
    """Whether `rectified` applies: float32 in a CPU's memory, one model alone, and rows enough for a variance."""
    plain = z.device.type == "cpu" and z.dtype == torch.float32 and not torch._C._functorch.is_batchedtensor(z)
    return plain and (norm is None or len(z) > 1)


def fused_hidden_layer(z: Tensor, norm: nn.BatchNorm1d | None, dropout: Dropout | None) -> Tensor:
    """[B, units] of the linear layer's [B, units] while training; running averages of `norm` move as torch's do."""
    drawn = None if dropout is None else dropout.bytes(z.shape, z.device)
    noise = None if dropout is None or drawn is None else _Noise(drawn, dropout.threshold, dropout.scale)
    if norm is None:
        y: Tensor = _Rectified.apply(z, None, None, None, noise)  # type: ignore[no-untyped-call]
        return y
    with torch.no_grad():
        mean, variance = _mean_and_variance(z)
        _move_averages(norm, mean, variance, len(z))
    moments = _Moments(mean, torch.rsqrt(variance + norm.eps))
    y = _Rectified.apply(z, norm.weight, norm.bias, moments, noise)  # type: ignore[no-untyped-call]
    return y


@dataclass(frozen=True)
class _Noise:
    drawn: Tensor
    """[B, units] bytes."""
    threshold: int
    scale: float


@dataclass(frozen=True)
class _Moments:
    """[units] each."""

    mean: Tensor
    precision: Tensor
    """1 / sqrt(Var + eps)."""


class _Rectified(torch.autograd.Function):
    @staticmethod
    def forward(
        context: Any,
        z: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        moments: _Moments | None,
        noise: _Noise | None,
    ) -> Tensor:
        factor = 1.0 if noise is None else noise.scale
        slope = shift = None
        if weight is not None and bias is not None and moments is not None:
            slope = weight * moments.precision * factor
            shift = torch.addcmul(bias * factor, moments.mean, slope, value=-1)
        y, kept = torch.empty_like(z), _block_like(z)
        blocks = list(zip(_blocks(z), _blocks(y), strict=True))
        drawn = [None] * len(blocks) if noise is None else _blocks(noise.drawn)
        for (of_z, of_y), of_drawn in zip(blocks, drawn, strict=True):
            if slope is None or shift is None:
                torch.mul(of_z, factor, out=of_y)
            else:
                torch.addcmul(shift, of_z, slope, out=of_y)
            of_y.clamp_min_(0)
            if noise is not None and of_drawn is not None:
                # Bytes become floats before they are compared: only comparisons between floats are vectorised.
                of_y.mul_(kept[: len(of_y)].copy_(of_drawn).ge_(noise.threshold))
        context.save_for_backward(None if moments is None else z, y, weight)
        context.moments, context.factor = moments, factor
        return y

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        z, y, weight = context.saved_tensors
        moments, factor = context.moments, context.factor
        found = torch.empty_like(y)
        blocks = list(zip(_blocks(found), _blocks(gradient), _blocks(y), strict=True))
        if moments is None:
            for of_found, of_gradient, of_y in blocks:
                _active(of_gradient, of_y, of_found).mul_(factor)
            return found, None, None, None, None
        summed, weighted = y.new_zeros(y.shape[1]), y.new_zeros(y.shape[1])
        other = _block_like(y)
        for (of_found, of_gradient, of_y), of_z in zip(blocks, _blocks(z), strict=True):
            active = _active(of_gradient, of_y, of_found)
            summed += active.sum(dim=0)
            weighted += torch.mul(active, of_z, out=other[: len(active)]).sum(dim=0)
        to_bias = factor * summed
        to_weight = factor * moments.precision * torch.addcmul(weighted, moments.mean, summed, value=-1)
        # dz = a (k g) + b z + c, the derivative of the normalised value with E[z] and Var[z] as functions of z.
        a = weight * moments.precision
        b = -a * moments.precision * to_weight / len(y)
        c = -a * to_bias / len(y) - b * moments.mean
        a = a * factor
        for (of_found, _, _), of_z in zip(blocks, _blocks(z), strict=True):
            rest = torch.addcmul(c, of_z, b, out=other[: len(of_z)])
            torch.addcmul(rest, of_found, a, out=of_found)
        return found, to_weight, to_bias, None, None


def _active(gradient: Tensor, y: Tensor, into: Tensor) -> Tensor:
    """The gradient where y is above 0."""
    found: Tensor = torch.ops.aten.threshold_backward.grad_input(gradient, y, 0, grad_input=into)
    return found


def _mean_and_variance(z: Tensor) -> tuple[Tensor, Tensor]:
    """[units] each, in one pass: differences from the mean of a few rows lose no digits as squares of the values do."""
    about = z[:ROWS_FOR_A_GUESS].mean(dim=0)
    summed, squared = torch.zeros_like(about), torch.zeros_like(about)
    apart = _block_like(z)
    for of_z in _blocks(z):
        of_block = torch.sub(of_z, about, out=apart[: len(of_z)])
        summed += of_block.sum(dim=0)
        squared += of_block.square_().sum(dim=0)
    offset = summed / len(z)
    return about + offset, (squared / len(z)).addcmul_(offset, offset, value=-1).clamp_min_(0)


def _move_averages(norm: nn.BatchNorm1d, mean: Tensor, variance: Tensor, rows: int) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert norm.num_batches_tracked is not None
    assert norm.momentum is not None
    norm.num_batches_tracked.add_(1)
    norm.running_mean.lerp_(mean, norm.momentum)
    norm.running_var.lerp_(variance * (rows / (rows - 1)), norm.momentum)


def _blocks(x: Tensor) -> tuple[Tensor, ...]:
    """[rows, units] after another."""
    return torch.split(x, _rows_of_block(x))


def _block_like(x: Tensor) -> Tensor:
    return x.new_empty(_rows_of_block(x), x.shape[1])


def _rows_of_block(x: Tensor) -> int:
    return max(1, min(len(x), BLOCK // x.shape[1]))
