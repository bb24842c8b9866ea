"""Compressed interaction network (Lian et al., xDeepFM, KDD 2018, equations 6 to 8).

    X^k[h] = sum over i, j of W^k[h, i, j] (X^{k-1}[i] ∘ X^0[j]) + b^k[h]        output: sum over D of every X^k[h]

The products stay within their layer, and each layer contracts them in the order that needs less memory:
H_{k-1} F numbers per row and dimension when the products are formed first, F H_k when the weights are applied first. In
the first layer both factors are X^0, so products (i, j) and (j, i) are equal: their weights are added and only
F (F + 1) / 2 products are formed. Internally, a field is one long row of N = B D numbers, so that every product runs
over contiguous memory and every contraction is one GEMM.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


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
        """Return [B, sum of units] for [B, F, D]."""
        rows, _, width = fields.shape
        x0 = fields.transpose(0, 1).reshape(fields.shape[1], rows * width)
        x = _symmetric(x0, self.weights[0], self.biases[0], self._first, self._second)  # type: ignore[arg-type]
        pooled = [x.view(-1, rows, width).sum(dim=2)]
        for weight, bias in zip(list(self.weights)[1:], list(self.biases)[1:], strict=True):
            products_first = len(x) <= len(weight)
            x = _products_first(x, x0, weight, bias) if products_first else _weights_first(x, x0, weight, bias)
            pooled.append(x.view(-1, rows, width).sum(dim=2))
        return torch.cat(pooled).t()


def _symmetric(x0: Tensor, weight: Tensor, bias: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Return [H', N] for [F, N] for the layer with two equal factors."""
    fields = len(x0)
    square = weight.view(-1, fields, fields)
    both = square + square.transpose(1, 2)
    folded = torch.where(first == second, square[:, first, second], both[:, first, second])
    return torch.addmm(bias[:, None], folded, x0.index_select(0, first) * x0.index_select(0, second))


def _products_first(x: Tensor, x0: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return [H', N] for [H, N] and [F, N] through [H F, N]."""
    return torch.addmm(bias[:, None], weight, (x[:, None] * x0).flatten(end_dim=1))


def _weights_first(x: Tensor, x0: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return the same through [H' F, N]."""
    maps, fields = len(x), len(x0)
    by_map = weight.view(-1, maps, fields).transpose(1, 2).reshape(-1, maps)
    applied = torch.mm(by_map, x).view(-1, fields, x.shape[1])
    return (applied * x0).sum(dim=1) + bias[:, None]
