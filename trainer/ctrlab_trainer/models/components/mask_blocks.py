"""Blocks whose input is multiplied by a mask computed from the row (Wang, She, Zhang, MaskNet, DLP-KDD 2021)."""

import torch
from torch import Tensor, nn


class MaskBlock(nn.Module):
    """ReLU(LN(W (x ∘ mask(embeddings)))) with mask = M2 ReLU(M1 embeddings + m1) + m2; without a mask only x."""

    def __init__(self, width: int, embeddings: int, hidden: int, out: int, *, masked: bool) -> None:
        super().__init__()
        self.mask = (
            nn.Sequential(nn.Linear(embeddings, hidden), nn.ReLU(), nn.Linear(hidden, width)) if masked else None
        )
        self.hidden = nn.Linear(width, out, bias=False)
        self.norm = nn.LayerNorm(out)

    def forward(self, x: Tensor, embeddings: Tensor) -> Tensor:
        """Return [B, out] for [B, width] and [B, embeddings]."""
        if self.mask is not None:
            x = x * self.mask(embeddings)
        return torch.relu(self.norm(self.hidden(x)))
