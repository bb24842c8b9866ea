"""Products of fields with learned exponents (Cheng, Shen, Huang, AFN, AAAI 2020, equation 6).

y_j = exp(sum over i of w_ij ln |e_i|) = product over i of |e_i| ^ w_ij        element by element of the embeddings
"""

import torch
from torch import Tensor, nn

MIN_MAGNITUDE = 1e-5
"""Smaller magnitudes are raised to this value, because their logarithm is unbounded."""


class LogarithmicLayer(nn.Module):
    """A layer from [B, F, D] to [B, neurons * D]; normalized by field and by neuron unless `normalized` is False."""

    def __init__(self, fields: int, neurons: int, *, normalized: bool) -> None:
        super().__init__()
        self.exponents = nn.Linear(fields, neurons)
        self.norm_logarithms = nn.BatchNorm1d(fields) if normalized else None
        self.norm_products = nn.BatchNorm1d(neurons) if normalized else None

    def forward(self, fields: Tensor) -> Tensor:
        """Return [B, neurons * D] for [B, F, D]."""
        logarithms = fields.abs().clamp(min=MIN_MAGNITUDE).log()
        if self.norm_logarithms is not None:
            logarithms = self.norm_logarithms(logarithms)
        products = torch.exp(self.exponents(logarithms.transpose(1, 2)).transpose(1, 2))
        if self.norm_products is not None:
            products = self.norm_products(products)
        return products.flatten(start_dim=1)
