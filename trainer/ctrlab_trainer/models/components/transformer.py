"""Transformer blocks over a history (Vaswani et al., 2017, in the form of the behavior-sequence transformer).

Attention is written as matrix products and a softmax: on a GPU the fused kernels have no deterministic backward pass,
and their dropout would not use the run's random stream.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ctrlab_trainer.models.components.dropout import Dropout


class TransformerBlock(nn.Module):
    """Self-attention and a feed-forward layer (LeakyReLU), each followed by dropout, residual and layer norm."""

    def __init__(self, width: int, heads: int, feedforward: int, dropout: float) -> None:
        super().__init__()
        self.attention = SelfAttention(width, heads, dropout)
        self.attention_norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, feedforward)
        self.contract = nn.Linear(feedforward, width)
        self.feedforward_norm = nn.LayerNorm(width)
        self.dropout = nn.ModuleList(Dropout(dropout) for _ in range(3))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return [B, L, D] for [B, L, D]; keys where mask [B, L] is False are not seen."""
        return self._rest(x, self.attention(x, mask))

    def first_only(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return [B, D], the same output at position 0, without computing the other positions."""
        return self._rest(x[:, 0], self.attention.first_only(x, mask))

    def _rest(self, x: Tensor, attended: Tensor) -> Tensor:
        x = self.attention_norm(x + self.dropout[0](attended))
        hidden = self.dropout[1](F.leaky_relu(self.expand(x)))
        y: Tensor = self.feedforward_norm(x + self.dropout[2](self.contract(hidden)))
        return y


class SelfAttention(nn.Module):
    """Multi-head scaled dot-product self-attention of a sequence."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)
        self.dropout = Dropout(dropout)
        self.scale = 1 / math.sqrt(width // heads)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return [B, L, D] for [B, L, D]; a row without any key attends to nothing and gives the output bias."""
        query, key, value = (self._split(layer(x)) for layer in (self.query, self.key, self.value))
        scores = torch.matmul(query, key.transpose(2, 3)) * self.scale
        weights = self.dropout(_softmax(scores, mask[:, None, None]))
        y: Tensor = self.output(torch.matmul(weights, value).transpose(1, 2).flatten(start_dim=2))
        return y

    def first_only(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return [B, D], the output at position 0.

        With a single query the projections can be applied to it: q·(K x + k) ranks keys as (Kᵀ q)·x, and the weighted
        sum of V x + v is V applied to the weighted sum of x, so that no product of size D² is computed per event.
        """
        rows, _, width = x.shape
        query = self.query(x[:, 0]).view(rows, self.heads, -1)
        key = self.key.weight.view(self.heads, -1, width)
        scores = torch.bmm(torch.einsum("bhd,hdw->bhw", query, key), x.transpose(1, 2)) * self.scale
        weights = self.dropout(_softmax(scores, mask[:, None]))
        mixed = torch.bmm(weights, x)
        value = self.value.weight.view(self.heads, -1, width)
        bias = self.value.bias.view(self.heads, -1) * weights.sum(dim=2, keepdim=True)
        y: Tensor = self.output((torch.einsum("bhw,hdw->bhd", mixed, value) + bias).flatten(start_dim=1))
        return y

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)


def _softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Return the softmax over the last axis where mask is True; all zeros if it is True nowhere."""
    filled = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    return torch.softmax(filled, dim=-1) * mask
