"""The block-wise hidden layer gives what torch's own operations give, forwards, backwards and in its averages."""

import copy

import pytest
import torch
from torch import nn

from ctrlab_api.architectures.factorization_models import DNNOnly
from ctrlab_trainer.models.components.dropout import Dropout
from ctrlab_trainer.models.components.fused_hidden_layer import fused_hidden_layer
from ctrlab_trainer.models.components.mlp import MLP

ROWS, UNITS = 700, 300
"""Several blocks, the last one shorter."""


def plain(z: torch.Tensor, norm: nn.BatchNorm1d | None, dropout: Dropout | None) -> torch.Tensor:
    normal = z if norm is None else norm(z)
    active = torch.relu(normal)
    kept: torch.Tensor = active if dropout is None else dropout(active)
    return kept


@pytest.mark.parametrize("p", [0.0, 0.2, 0.5])
@pytest.mark.parametrize("normalised", [True, False])
def test_values_gradients_and_averages_are_torchs(p: float, normalised: bool) -> None:
    torch.manual_seed(1)
    values, upstream = 3 + 2 * torch.randn(ROWS, UNITS), torch.randn(ROWS, UNITS)
    norm = nn.BatchNorm1d(UNITS) if normalised else None
    if norm is not None:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    found = []
    for function in (fused_hidden_layer, plain):
        dropout = Dropout(p) if p else None
        if dropout is not None:
            dropout.seed_stream(7, torch.device("cpu"))
        own = copy.deepcopy(norm)
        z = values.clone().requires_grad_()
        for _ in range(2):
            y = function(z, own, dropout)
            y.backward(upstream)  # type: ignore[no-untyped-call]
        parts = [y.detach(), z.grad]
        if own is not None:
            parts += [own.weight.grad, own.bias.grad, *own.buffers()]
        found.append(parts)
    for ours, reference in zip(*found, strict=True):
        torch.testing.assert_close(ours, reference, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("batch_norm", [True, False])
def test_a_perceptron_is_the_composition_of_its_layers(batch_norm: bool) -> None:
    torch.manual_seed(2)
    perceptron = MLP(20, DNNOnly(hidden_units=(64, 32), dropout=0, batch_norm=batch_norm))
    composed = copy.deepcopy(perceptron.layers)
    x = torch.randn(50, 20)
    for mode in (True, False):
        perceptron.train(mode)
        composed.train(mode)
        torch.testing.assert_close(perceptron(x), composed(x))


def test_no_bias_stands_before_a_normalisation() -> None:
    normalised = MLP(20, DNNOnly(hidden_units=(64, 32), batch_norm=True))
    names = [name for name, _ in normalised.named_parameters()]
    assert [name for name in names if name.endswith("bias")] == ["layers.1.bias", "layers.5.bias"]
