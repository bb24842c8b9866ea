"""The multi-layer perceptron (MLP) of every deep architecture."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn

from ctrlab_api.architectures.base_architecture import WithDNN
from ctrlab_trainer.models.components.activations import make_activation
from ctrlab_trainer.models.components.dropout import Dropout
from ctrlab_trainer.models.components.fused_hidden_layer import can_fuse, fused_hidden_layer


class _Layer(NamedTuple):
    linear: nn.Module
    norm: nn.BatchNorm1d | None
    activation: nn.Module
    dropout: Dropout | None


class MLP(nn.Module):
    """Hidden layers: linear, batch normalization if configured, activation, dropout.

    A linear layer before a normalization has no bias, because the normalization would cancel it.
    """

    def __init__(self, width: int, config: WithDNN, hidden: Sequence[int] | None = None) -> None:
        super().__init__()
        self._hidden: list[_Layer] = []
        for units in hidden or config.hidden_units:
            layer = _Layer(
                linear=nn.Linear(width, units, bias=not config.batch_norm),
                norm=nn.BatchNorm1d(units) if config.batch_norm else None,
                activation=make_activation(config.activation, units),
                dropout=Dropout(config.dropout) if config.dropout else None,
            )
            self._hidden.append(layer)
            width = units
        self.layers = nn.Sequential(*(part for layer in self._hidden for part in layer if part is not None))
        self.width = width
        """Width of the last hidden layer."""

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, width] for [B, inputs]."""
        for layer in self._hidden:
            x = layer.linear(x)
            if self.training and isinstance(layer.activation, nn.ReLU) and can_fuse(x, layer.norm):
                x = fused_hidden_layer(x, layer.norm, layer.dropout)
                continue
            for part in (layer.norm, layer.activation, layer.dropout):
                x = x if part is None else part(x)
        return x


class MLPLogit(nn.Module):
    """An MLP with one output unit."""

    def __init__(self, width: int, config: WithDNN) -> None:
        super().__init__()
        self.hidden = MLP(width, config)
        self.output = nn.Linear(self.hidden.width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return [B] logits for [B, inputs]."""
        logit: Tensor = self.output(self.hidden(x))
        return logit.squeeze(-1)
