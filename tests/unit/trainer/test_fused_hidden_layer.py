"""The fused hidden layer equals torch's operations in values, gradients and running averages."""

import copy

import pytest
import torch
from torch import nn

from ctrlab_api.architectures.factorization_models import DNNOnly
from ctrlab_trainer.models.components.dropout import Dropout
from ctrlab_trainer.models.components.fused_hidden_layer import fused_hidden_layer
from ctrlab_trainer.models.components.mlp import MLP

ROWS, UNITS = 700, 300
"""Several blocks, of which the last is shorter."""


def plain(z: torch.Tensor, norm: nn.BatchNorm1d | None, dropout: Dropout | None) -> torch.Tensor:
    normalized = z if norm is None else norm(z)
    active = torch.relu(normalized)
    y: torch.Tensor = active if dropout is None else dropout(active)
    return y


@pytest.mark.parametrize("p", [0.0, 0.2, 0.5])
@pytest.mark.parametrize("normalized", [True, False])
def test_values_gradients_and_averages_equal_those_of_torch(p: float, normalized: bool) -> None:
    torch.manual_seed(1)
    values, upstream = 3 + 2 * torch.randn(ROWS, UNITS), torch.randn(ROWS, UNITS)
    norm = nn.BatchNorm1d(UNITS) if normalized else None
    if norm is not None:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    results = []
    for function in (fused_hidden_layer, plain):
        dropout = Dropout(p) if p else None
        if dropout is not None:
            dropout.seed_stream(7, torch.device("cpu"))
        norm_copy = copy.deepcopy(norm)
        z = values.clone().requires_grad_()
        for _ in range(2):
            y = function(z, norm_copy, dropout)
            y.backward(upstream)  # type: ignore[no-untyped-call]
        parts = [y.detach(), z.grad]
        if norm_copy is not None:
            parts += [norm_copy.weight.grad, norm_copy.bias.grad, *norm_copy.buffers()]
        results.append(parts)
    for ours, reference in zip(*results, strict=True):
        torch.testing.assert_close(ours, reference, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("batch_norm", [True, False])
def test_an_mlp_equals_the_composition_of_its_layers(batch_norm: bool) -> None:
    torch.manual_seed(2)
    mlp = MLP(20, DNNOnly(hidden_units=(64, 32), dropout=0, batch_norm=batch_norm))
    composed = copy.deepcopy(mlp.layers)
    x = torch.randn(50, 20)
    for mode in (True, False):
        mlp.train(mode)
        composed.train(mode)
        torch.testing.assert_close(mlp(x), composed(x))


def test_a_linear_layer_before_a_normalization_has_no_bias() -> None:
    normalized = MLP(20, DNNOnly(hidden_units=(64, 32), batch_norm=True))
    names = [name for name, _ in normalized.named_parameters()]
    assert [name for name in names if name.endswith("bias")] == ["layers.1.bias", "layers.5.bias"]
