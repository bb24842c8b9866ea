"""Gates before two streams, and the bilinear product that fuses them (Mao et al., FinalMLP, AAAI 2023)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class FieldGate(nn.Module):
    """x ∘ 2 sigmoid(MLP(context)), where the context is learned and equal for all rows (equation 6)."""

    def __init__(self, width: int, context: int, hidden: Sequence[int]) -> None:
        super().__init__()
        self.context = nn.Parameter(torch.zeros(1, context))
        widths = [context, *hidden]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, hidden, strict=False))
        self.output = nn.Linear(widths[-1], width)

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, width] for [B, width]."""
        context: Tensor = self.context
        for layer in self.layers:
            context = torch.relu(layer(context))
        return x * (2 * torch.sigmoid(self.output(context)))


class BilinearFusion(nn.Module):
    """w_1·x + w_2·y + b + sum over heads h of x_h' W_h y_h (equation 11).

    Without `bilinear` the last term is omitted.
    """

    def __init__(self, first: int, second: int, heads: int, *, bilinear: bool) -> None:
        super().__init__()
        self.heads = heads
        self.first = nn.Linear(first, 1)
        self.second = nn.Linear(second, 1, bias=False)
        self.matrices = nn.ModuleList(
            nn.Linear(second // heads, first // heads, bias=False) for _ in range(heads if bilinear else 0)
        )

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return [B] logits for [B, first] and [B, second]."""
        logit: Tensor = (self.first(x) + self.second(y)).squeeze(-1)
        for left, right, matrix in zip(
            x.chunk(self.heads, dim=1), y.chunk(self.heads, dim=1), self.matrices, strict=False
        ):
            logit = logit + (left * matrix(right)).sum(dim=1)
        return logit
