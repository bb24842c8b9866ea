"""Fusion of branch vectors: attention, gate, concatenation or sum."""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn


class Fusion(nn.Module):
    """Projects each branch to `width` and combines them; a single branch is only projected, whatever the kind.

    With z_b the projected branches:
    attention: sum of a_b z_b, a = softmax over branches of v·tanh(W z_b + w)   (Bahdanau et al., ICLR 2015)
    gate:      sum of sigmoid(G_b [z_1, ..., z_n] + g_b) ∘ z_b                (a gate for each number of each branch)
    concat:    [z_1, ..., z_n]
    sum:       z_1 + ... + z_n
    """

    def __init__(
        self, branches: Mapping[str, int], width: int, kind: Literal["attention", "gate", "concat", "sum"]
    ) -> None:
        super().__init__()
        self.project = nn.ModuleDict({name: nn.Linear(branch, width) for name, branch in branches.items()})
        self.kind = kind if len(branches) > 1 else "sum"
        if self.kind == "attention":
            self.query = nn.Linear(width, width)
            self.score = nn.Linear(width, 1, bias=False)
        if self.kind == "gate":
            self.gate = nn.ModuleDict({name: nn.Linear(width * len(branches), width) for name in branches})
        self.width = width * (len(branches) if self.kind == "concat" else 1)

    def forward(self, branches: Mapping[str, Tensor]) -> Tensor:
        """Return [B, width] for [B, branch width] each."""
        projected = [layer(branches[name]) for name, layer in self.project.items()]
        match self.kind:
            case "attention":
                z = torch.stack(projected, dim=1)
                weights = torch.softmax(self.score(torch.tanh(self.query(z))), dim=1)
                return (weights * z).sum(dim=1)
            case "gate":
                z = torch.cat(projected, dim=1)
                gates = [torch.sigmoid(gate(z)) for gate in self.gate.values()]
                return (torch.stack(gates) * torch.stack(projected)).sum(dim=0)
            case "concat":
                return torch.cat(projected, dim=1)
            case "sum":
                return torch.stack(projected).sum(dim=0)
