"""Activation functions by name, among them Dice, whose turning point follows the data."""

import torch
from torch import Tensor, nn

from ctrlab_contract.architectures.base import Activation


class Dice(nn.Module):
    """Data-adaptive activation (Zhou et al., Deep Interest Network, KDD 2018, equation 3).

    Dice(x) = p x + (1 - p) alpha x with p = sigmoid((x - E[x]) / sqrt(Var[x] + eps)); alpha is learned, and while
    evaluating the moments are running averages. Moments are taken over all axes but the last, where `mask` is True:
    padding has no influence.
    """

    moving: Tensor
    spread: Tensor

    def __init__(self, width: int, eps: float = 1e-8, momentum: float = 0.1) -> None:
        super().__init__()
        self.eps = eps
        self.momentum = momentum
        self.alpha = nn.Parameter(torch.zeros(width))
        self.register_buffer("moving", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """[..., width] of [..., width]; mask is [...]."""
        mean, variance = self._moments(x, mask) if self.training else (self.moving, self.spread)
        p = torch.sigmoid((x - mean) * torch.rsqrt(variance + self.eps))
        return x * (self.alpha + p * (1 - self.alpha))

    def _moments(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        flat = x.flatten(end_dim=-2)
        if mask is None:
            mean = flat.mean(dim=0)
            variance = (flat - mean).square().mean(dim=0)
        else:
            weight = mask.flatten()[:, None].to(x.dtype)
            weight = weight / weight.sum().clamp(min=1)
            mean = (flat * weight).sum(dim=0)
            variance = ((flat - mean).square() * weight).sum(dim=0)
        with torch.no_grad():
            self.moving.lerp_(mean.detach(), self.momentum)
            self.spread.lerp_(variance.detach(), self.momentum)
        return mean, variance


def activation(name: Activation, width: int) -> nn.Module:
    """A new activation for vectors of `width`."""
    match name:
        case "relu":
            return nn.ReLU()
        case "leaky_relu":
            return nn.LeakyReLU(0.01)
        case "prelu":
            return nn.PReLU(width)
        case "dice":
            return Dice(width)
        case "sigmoid":
            return nn.Sigmoid()
        case "tanh":
            return nn.Tanh()
        case "gelu":
            return nn.GELU()
