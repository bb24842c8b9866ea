"""Full-rank cross network (Wang et al., DCN V2, WWW 2021, equation 1)."""

from torch import Tensor, nn


class CrossNetwork(nn.Module):
    """x_{l+1} = x_0 ∘ (W_l x_l + b_l) + x_l, `layers` times over vectors of `width`."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.width = width

    def forward(self, x0: Tensor) -> Tensor:
        """[B, width] of [B, width]."""
        x = x0
        for layer in self.layers:
            x = x0 * layer(x) + x
        return x
