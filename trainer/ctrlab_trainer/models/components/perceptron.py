"""The multi-layer perceptron of every deep architecture."""

from collections.abc import Sequence

from torch import Tensor, nn

from ctrlab_contract.architectures.base import WithDNN
from ctrlab_trainer.models.components.activations import activation
from ctrlab_trainer.models.components.dropout import Dropout


class Perceptron(nn.Module):
    """Hidden layers: linear, batch normalisation if asked for, activation, dropout."""

    def __init__(self, width: int, config: WithDNN, hidden: Sequence[int] | None = None) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for units in hidden or config.hidden_units:
            layers.append(nn.Linear(width, units))
            if config.batch_norm:
                layers.append(nn.BatchNorm1d(units))
            layers.append(activation(config.activation, units))
            if config.dropout:
                layers.append(Dropout(config.dropout))
            width = units
        self.layers = nn.Sequential(*layers)
        self.width = width
        """Of the last hidden layer."""

    def forward(self, x: Tensor) -> Tensor:
        """[B, width] of [B, inputs]."""
        y: Tensor = self.layers(x)
        return y


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
