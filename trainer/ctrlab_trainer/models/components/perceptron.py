"""The multi-layer perceptron of every deep architecture."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn

from ctrlab_contract.architectures.base import WithDNN
from ctrlab_trainer.models.components.activations import activation
from ctrlab_trainer.models.components.dropout import Dropout
from ctrlab_trainer.models.components.rectified import rectified, sweeps


class _Layer(NamedTuple):
    linear: nn.Module
    norm: nn.BatchNorm1d | None
    activation: nn.Module
    dropout: Dropout | None


class Perceptron(nn.Module):
    """Hidden layers: linear, batch normalisation if asked for, activation, dropout.

    A linear layer before a normalisation has no bias, which the normalisation would take away again.
    """

    def __init__(self, width: int, config: WithDNN, hidden: Sequence[int] | None = None) -> None:
        super().__init__()
        self._hidden: list[_Layer] = []
        for units in hidden or config.hidden_units:
            layer = _Layer(
                linear=nn.Linear(width, units, bias=not config.batch_norm),
                norm=nn.BatchNorm1d(units) if config.batch_norm else None,
                activation=activation(config.activation, units),
                dropout=Dropout(config.dropout) if config.dropout else None,
            )
            self._hidden.append(layer)
            width = units
        self.layers = nn.Sequential(*(part for layer in self._hidden for part in layer if part is not None))
        self.width = width
        """Of the last hidden layer."""

    def forward(self, x: Tensor) -> Tensor:
        """[B, width] of [B, inputs]."""
        for layer in self._hidden:
            x = layer.linear(x)
            if self.training and isinstance(layer.activation, nn.ReLU) and sweeps(x, layer.norm):
                x = rectified(x, layer.norm, layer.dropout)
                continue
            for part in (layer.norm, layer.activation, layer.dropout):
                x = x if part is None else part(x)
        return x


class PerceptronLogit(nn.Module):
    """A perceptron and one output unit."""

    def __init__(self, width: int, config: WithDNN) -> None:
        super().__init__()
        self.hidden = Perceptron(width, config)
        self.output = nn.Linear(self.hidden.width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[B] logits of [B, inputs]."""
        logit: Tensor = self.output(self.hidden(x))
        return logit.squeeze(-1)
