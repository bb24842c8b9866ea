"""Batch normalization, ReLU and dropout of a hidden layer in one pass, in blocks of rows that fit into a CPU's cache.

    y = k m ∘ max(0, γ ∘ (z - E[z]) / sqrt(Var[z] + ε) + β)        m: the kept elements, k: their scale

As separate operations these read and write main memory a dozen times, which takes longer than half of the layer's GEMM.
Here each block is finished while it is in the cache; k is folded into γ and β, and the backward pass needs no mask,
because y > 0 only where an element is both active and kept. Without normalization γ is 1 and the other terms vanish.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ctrlab_trainer.models.components.dropout import Dropout

BLOCK_NUMBERS = 2**17
"""Numbers of a block: three blocks fit into the second-level cache of current CPU cores."""
MEAN_ESTIMATE_ROWS = 64
"""Rows from which the mean is estimated before it is computed."""


def can_fuse(z: Tensor, norm: nn.BatchNorm1d | None) -> bool:
    """Whether `fused_hidden_layer` applies: float32 on a CPU, not stacked models, and enough rows for a variance."""
    plain = z.device.type == "cpu" and z.dtype == torch.float32 and not torch._C._functorch.is_batchedtensor(z)
    return plain and (norm is None or len(z) > 1)


def fused_hidden_layer(z: Tensor, norm: nn.BatchNorm1d | None, dropout: Dropout | None) -> Tensor:
    """Return [B, units] for the linear layer's [B, units] in training; updates the running averages of `norm`."""
    random_bytes = None if dropout is None else dropout.random_bytes(z.shape, z.device)
    mask = None if dropout is None or random_bytes is None else _Mask(random_bytes, dropout.threshold, dropout.scale)
    if norm is None:
        y: Tensor = _FusedHiddenLayer.apply(z, None, None, None, mask)  # type: ignore[no-untyped-call]
        return y
    with torch.no_grad():
        mean, variance = _mean_and_variance(z)
        _update_running_averages(norm, mean, variance, len(z))
    moments = _Moments(mean, torch.rsqrt(variance + norm.eps))
    y = _FusedHiddenLayer.apply(z, norm.weight, norm.bias, moments, mask)  # type: ignore[no-untyped-call]
    return y


@dataclass(frozen=True)
class _Mask:
    """The dropout mask, as random bytes and a threshold."""

    random_bytes: Tensor
    """[B, units] uint8."""
    threshold: int
    scale: float


@dataclass(frozen=True)
class _Moments:
    """Batch moments, [units] each."""

    mean: Tensor
    precision: Tensor
    """1 / sqrt(Var + eps)."""


class _FusedHiddenLayer(torch.autograd.Function):
    @staticmethod
    def forward(
        context: Any,
        z: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        moments: _Moments | None,
        mask: _Mask | None,
    ) -> Tensor:
        factor = 1.0 if mask is None else mask.scale
        slope = shift = None
        if weight is not None and bias is not None and moments is not None:
            slope = weight * moments.precision * factor
            shift = torch.addcmul(bias * factor, moments.mean, slope, value=-1)
        y, kept = torch.empty_like(z), _block_like(z)
        blocks = list(zip(_blocks(z), _blocks(y), strict=True))
        byte_blocks = [None] * len(blocks) if mask is None else _blocks(mask.random_bytes)
        for (z_block, y_block), byte_block in zip(blocks, byte_blocks, strict=True):
            if slope is None or shift is None:
                torch.mul(z_block, factor, out=y_block)
            else:
                torch.addcmul(shift, z_block, slope, out=y_block)
            y_block.clamp_min_(0)
            if mask is not None and byte_block is not None:
                # Bytes are converted to floats before the comparison: only comparisons of floats are vectorized.
                y_block.mul_(kept[: len(y_block)].copy_(byte_block).ge_(mask.threshold))
        context.save_for_backward(None if moments is None else z, y, weight)
        context.moments, context.factor = moments, factor
        return y

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        z, y, weight = context.saved_tensors
        moments, factor = context.moments, context.factor
        dz = torch.empty_like(y)
        blocks = list(zip(_blocks(dz), _blocks(gradient), _blocks(y), strict=True))
        if moments is None:
            for dz_block, gradient_block, y_block in blocks:
                _active_gradient(gradient_block, y_block, dz_block).mul_(factor)
            return dz, None, None, None, None
        active_sum, weighted_sum = y.new_zeros(y.shape[1]), y.new_zeros(y.shape[1])
        buffer = _block_like(y)
        for (dz_block, gradient_block, y_block), z_block in zip(blocks, _blocks(z), strict=True):
            active = _active_gradient(gradient_block, y_block, dz_block)
            active_sum += active.sum(dim=0)
            weighted_sum += torch.mul(active, z_block, out=buffer[: len(active)]).sum(dim=0)
        bias_gradient = factor * active_sum
        weight_gradient = factor * moments.precision * torch.addcmul(weighted_sum, moments.mean, active_sum, value=-1)
        # dz = a (k g) + b z + c, the derivative of the normalized value with E[z] and Var[z] as functions of z.
        a = weight * moments.precision
        b = -a * moments.precision * weight_gradient / len(y)
        c = -a * bias_gradient / len(y) - b * moments.mean
        a = a * factor
        for (dz_block, _, _), z_block in zip(blocks, _blocks(z), strict=True):
            linear = torch.addcmul(c, z_block, b, out=buffer[: len(z_block)])
            torch.addcmul(linear, dz_block, a, out=dz_block)
        return dz, weight_gradient, bias_gradient, None, None


def _active_gradient(gradient: Tensor, y: Tensor, out: Tensor) -> Tensor:
    """Return the gradient where y is above 0, and 0 elsewhere."""
    active: Tensor = torch.ops.aten.threshold_backward.grad_input(gradient, y, 0, grad_input=out)
    return active


def _mean_and_variance(z: Tensor) -> tuple[Tensor, Tensor]:
    """Return [units] each, in one pass.

    Sums of differences from the estimated mean lose no digits, as sums of squares of the values would.
    """
    estimate = z[:MEAN_ESTIMATE_ROWS].mean(dim=0)
    difference_sum, square_sum = torch.zeros_like(estimate), torch.zeros_like(estimate)
    buffer = _block_like(z)
    for z_block in _blocks(z):
        differences = torch.sub(z_block, estimate, out=buffer[: len(z_block)])
        difference_sum += differences.sum(dim=0)
        square_sum += differences.square_().sum(dim=0)
    offset = difference_sum / len(z)
    return estimate + offset, (square_sum / len(z)).addcmul_(offset, offset, value=-1).clamp_min_(0)


def _update_running_averages(norm: nn.BatchNorm1d, mean: Tensor, variance: Tensor, rows: int) -> None:
    """Update the running averages as torch does."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert norm.num_batches_tracked is not None
    assert norm.momentum is not None
    norm.num_batches_tracked.add_(1)
    norm.running_mean.lerp_(mean, norm.momentum)
    norm.running_var.lerp_(variance * (rows / (rows - 1)), norm.momentum)


def _blocks(x: Tensor) -> tuple[Tensor, ...]:
    """Split x into consecutive [rows, units] blocks."""
    return torch.split(x, _rows_of_block(x))


def _block_like(x: Tensor) -> Tensor:
    return x.new_empty(_rows_of_block(x), x.shape[1])


def _rows_of_block(x: Tensor) -> int:
    return max(1, min(len(x), BLOCK_NUMBERS // x.shape[1]))
