"""Bilinear products of pairs of fields, and field weights (Huang, Zhang, Zhang, FiBiNET, RecSys 2019).

p_ij = (v_i W) ∘ v_j for i < j, with one W for all pairs, one for each left field, or one for each pair
"""

from typing import Literal

import torch
from torch import Tensor, nn


class BilinearProducts(nn.Module):
    """[B, F (F - 1) / 2, D] products of [B, F, D] fields; without `weighted`, plain products without matrices."""

    def __init__(self, fields: int, width: int, kind: Literal["all", "each", "interaction"], *, weighted: bool) -> None:
        super().__init__()
        left, right = torch.triu_indices(fields, fields, offset=1).unbind()
        self.register_buffer("_left", left, persistent=False)
        self.register_buffer("_right", right, persistent=False)
        self.kind = kind
        count = {"all": 1, "each": fields, "interaction": len(left)}[kind]
        self.matrices = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(count if weighted else 0))

    def forward(self, fields: Tensor) -> Tensor:
        """Return [B, pairs, D] for [B, F, D]."""
        left, right = fields.index_select(1, self._left), fields.index_select(1, self._right)  # type: ignore[arg-type]
        if not len(self.matrices):
            return left * right
        if self.kind == "all":
            projected: Tensor = self.matrices[0](fields)
            return projected.index_select(1, self._left) * right  # type: ignore[arg-type]
        weight = torch.stack([matrix.weight for matrix in self.matrices])  # type: ignore[misc]
        if self.kind == "each":
            return torch.einsum("bfd,fed->bfe", fields, weight).index_select(1, self._left) * right  # type: ignore[arg-type]
        return torch.einsum("bpd,ped->bpe", left, weight) * right


class FieldWeights(nn.Module):
    """Squeeze and excitation: each field is multiplied by a weight computed from the means of all fields."""

    def __init__(self, fields: int, reduction: int) -> None:
        super().__init__()
        narrow = max(1, fields // reduction)
        self.squeeze = nn.Linear(fields, narrow, bias=False)
        self.excite = nn.Linear(narrow, fields, bias=False)

    def forward(self, fields: Tensor) -> Tensor:
        """Return [B, F, D] for [B, F, D]."""
        weights = torch.relu(self.excite(torch.relu(self.squeeze(fields.mean(dim=2)))))
        return fields * weights[:, :, None]
