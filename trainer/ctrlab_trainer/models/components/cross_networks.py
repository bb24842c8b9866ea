"""Cross networks: of rank one (Wang et al., DCN, ADKDD 2017), of full rank (Wang et al., DCN V2, WWW 2021), and gated
(Wang et al., GDCN, CIKM 2023)."""

import torch
from torch import Tensor, nn


class VectorCrossNetwork(nn.Module):
    """x_{l+1} = x_0 (w_l · x_l) + b_l + x_l, `layers` times over vectors of `width` (DCN, equation 3)."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, 1, bias=False) for _ in range(layers))
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(width)) for _ in range(layers))
        self.width = width

    def forward(self, x0: Tensor) -> Tensor:
        """Return [B, width] for [B, width]."""
        x = x0
        for layer, bias in zip(self.layers, self.biases, strict=True):
            x = torch.addcmul(x + bias, x0, layer(x))
        return x


class CrossNetwork(nn.Module):
    """x_{l+1} = x_0 ∘ (W_l x_l + b_l) + x_l, `layers` times over vectors of `width` (DCN V2, equation 1)."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.width = width

    def forward(self, x0: Tensor) -> Tensor:
        """Return [B, width] for [B, width]."""
        x = x0
        for layer in self.layers:
            x = x0 * layer(x) + x
        return x


class GatedCrossNetwork(nn.Module):
    """x_{l+1} = x_0 ∘ (W_l x_l + b_l) ∘ sigmoid(G_l x_l) + x_l (GDCN, equation 2)."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.gates = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(layers))
        self.width = width

    def forward(self, x0: Tensor) -> Tensor:
        """Return [B, width] for [B, width]."""
        x = x0
        for layer, gate in zip(self.layers, self.gates, strict=True):
            x = x0 * layer(x) * torch.sigmoid(gate(x)) + x
        return x


class CrossLogit(nn.Module):
    """A cross network and its part of the output unit."""

    def __init__(self, network: CrossNetwork | VectorCrossNetwork | GatedCrossNetwork) -> None:
        super().__init__()
        self.layers = network
        self.output = nn.Linear(network.width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return [B] logits for [B, width]."""
        logit: Tensor = self.output(self.layers(x))
        return logit.squeeze(-1)
