"""Self-attention over the fields of a row (Song et al., AutoInt, CIKM 2019, equations 5 to 8).

e'_m = ReLU(concat over heads h of sum over k of a^h_{mk} V^h e_k + W e_m)
a^h_m = softmax over k of <Q^h e_m, K^h e_k>
"""

import math

import torch
from torch import Tensor, nn

from ctrlab_api.architectures.attention_models import FieldAttentionParameters
from ctrlab_trainer.models.components.dropout import Dropout


class FieldAttentionLayer(nn.Module):
    """A layer from [B, F, width] to [B, F, attention_dim]; without `residual` the term W e_m is omitted."""

    def __init__(self, width: int, config: FieldAttentionParameters, *, residual: bool) -> None:
        super().__init__()
        out = config.attention_dim
        self.heads = config.heads
        self.query = nn.Linear(width, out, bias=False)
        self.key = nn.Linear(width, out, bias=False)
        self.value = nn.Linear(width, out, bias=False)
        # A field of the same width is added without a projection.
        self.residual = nn.Linear(width, out, bias=False) if residual and width != out else None
        self.adds_itself = residual and width == out
        self.norm = nn.LayerNorm(out) if config.attention_layer_norm else None
        self.dropout = Dropout(config.attention_dropout)
        self.scale = 1 / math.sqrt(out // config.heads) if config.attention_scale else 1.0

    def forward(self, fields: Tensor) -> Tensor:
        """Return [B, F, attention_dim] for [B, F, width]."""
        query, key, value = (self._split(layer(fields)) for layer in (self.query, self.key, self.value))
        weights = torch.softmax(torch.matmul(query, key.transpose(2, 3)) * self.scale, dim=3)
        x: Tensor = torch.matmul(self.dropout(weights), value).transpose(1, 2).flatten(start_dim=2)
        if self.residual is not None:
            x = x + self.residual(fields)
        elif self.adds_itself:
            x = x + fields
        if self.norm is not None:
            x = self.norm(x)
        return torch.relu(x)

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)


class FieldAttentionLogit(nn.Module):
    """Layers of self-attention over F fields, and an output unit over all of them."""

    def __init__(self, fields: int, config: FieldAttentionParameters, *, residual: bool) -> None:
        super().__init__()
        widths = [config.embedding_dim] + [config.attention_dim] * (config.attention_layers - 1)
        self.layers = nn.Sequential(*(FieldAttentionLayer(width, config, residual=residual) for width in widths))
        self.output = nn.Linear(fields * config.attention_dim, 1)

    def forward(self, fields: Tensor) -> Tensor:
        """Return [B] logits for [B, F, D]."""
        logit: Tensor = self.output(self.layers(fields).flatten(start_dim=1))
        return logit.squeeze(-1)
