"""Activation functions by name, including Dice, whose rectification point follows the data."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ctrlab_api.architectures.base_architecture import Activation


class Dice(nn.Module):
    """Data-adaptive activation (Zhou et al., Deep Interest Network, KDD 2018, equation 3).

    Dice(x) = p x + (1 - p) alpha x with p = sigmoid((x - E[x]) / sqrt(Var[x] + eps)); alpha is learned, and in
    evaluation the moments are running averages. Moments are computed over all axes except the last, where `mask` is
    True: padding has no effect.
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
        """Return [..., width] for [..., width]; mask is [...]."""
        flat = x.flatten(end_dim=-2)
        if self.training and mask is not None:
            mean, variance = self._moments(flat, mask.flatten()[:, None].to(x.dtype))
            normal = ((flat - mean) * torch.rsqrt(variance + self.eps)).view(x.shape)
        else:
            # A single row has no variance, so it is normalized by the running averages.
            training = self.training and len(flat) > 1
            normal = F.batch_norm(
                flat, self.moving, self.spread, training=training, momentum=self.momentum, eps=self.eps
            ).view(x.shape)
        return x * torch.lerp(self.alpha, torch.ones_like(self.alpha), torch.sigmoid(normal))

    def _moments(self, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        count = weight.sum()
        share = weight / count.clamp(min=1)
        mean = (x * share).sum(dim=0)
        variance = ((x - mean).square() * share).sum(dim=0)
        with torch.no_grad():
            self.moving.copy_(torch.lerp(self.moving, mean, self.momentum))
            unbiased = variance * count / (count - 1).clamp(min=1)
            self.spread.copy_(torch.lerp(self.spread, unbiased, self.momentum))
        return mean, variance


def make_activation(name: Activation, width: int) -> nn.Module:
    """Return a new activation for vectors of this width."""
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
