"""Compressed interaction network (Lian et al., xDeepFM, KDD 2018, equations 6 to 8).

    X^k[h] = sum over i, j of W^k[h, i, j] (X^{k-1}[i] ∘ X^0[j]) + b^k[h]        output: sum over D of every X^k[h]

The products never leave the layer that makes them, and each layer contracts them in the order that needs less memory:
H_{k-1} F numbers per row and dimension when the products are formed first, F H_k when the weights are applied first. In
the first layer both factors are X^0, so that products (i, j) and (j, i) are equal: their weights are added and only
F (F + 1) / 2 products formed.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class CIN(nn.Module):
    """Layers of `units` feature maps over F fields; output [B, sum of units]."""

    def __init__(self, fields: int, units: Sequence[int]) -> None:
        super().__init__()
        maps = [fields, *units]
        layers = zip(maps, units, strict=False)
        self.weights = nn.ParameterList(nn.Parameter(torch.zeros(out, before * fields)) for before, out in layers)
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(out)) for out in units)
        self.width = sum(units)
        first, second = torch.triu_indices(fields, fields).unbind()
        self.register_buffer("_first", first, persistent=False)
        self.register_buffer("_second", second, persistent=False)

    def forward(self, fields: Tensor) -> Tensor:
        """[B, sum of units] of [B, F, D]."""
        x0 = fields.transpose(1, 2).contiguous()
        x = _symmetric(x0, self.weights[0], self.biases[0], self._first, self._second)  # type: ignore[arg-type]
        pooled = [x.sum(dim=1)]
        for weight, bias in zip(list(self.weights)[1:], list(self.biases)[1:], strict=True):
            products_first = x.shape[2] <= weight.shape[0]
            x = _products_first(x, x0, weight, bias) if products_first else _weights_first(x, x0, weight, bias)
            pooled.append(x.sum(dim=1))
        return torch.cat(pooled, dim=1)


def _symmetric(x0: Tensor, weight: Tensor, bias: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """[B, D, H'] of [B, D, F] for the layer whose two factors are equal."""
    fields = x0.shape[2]
    square = weight.view(-1, fields, fields)
    both = square + square.transpose(1, 2)
    folded = torch.where(first == second, square[:, first, second], both[:, first, second])
    return F.linear(x0[:, :, first] * x0[:, :, second], folded, bias)


def _products_first(x: Tensor, x0: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """[B, D, H'] of [B, D, H] and [B, D, F] by way of [B, D, H F]."""
    return F.linear((x[:, :, :, None] * x0[:, :, None, :]).flatten(start_dim=2), weight, bias)


def _weights_first(x: Tensor, x0: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The same by way of [B, D, H' F]."""
    maps, fields = x.shape[2], x0.shape[2]
    by_map = weight.view(-1, maps, fields).transpose(1, 2).reshape(-1, maps)
    applied = F.linear(x, by_map).view(*x.shape[:2], -1, fields)
    return (applied * x0[:, :, None, :]).sum(dim=3) + bias
