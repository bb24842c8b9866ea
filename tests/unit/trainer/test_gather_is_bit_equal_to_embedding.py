"""The fast gather gives what torch's embedding gives, bit by bit, forwards and backwards."""

import pytest
import torch
from torch.nn import functional as F

from ctrlab_trainer.data.prepared.encoded_schema import PADDING
from ctrlab_trainer.models.components.embedding_gather import gather, sum_by_sorting
from ctrlab_trainer.training.determinism import deterministic


@pytest.mark.parametrize("width", [1, 2, 10, 33])
@pytest.mark.parametrize("shape", [(500,), (200, 7)], ids=str)
def test_values_and_gradients_are_bit_equal(width: int, shape: tuple[int, ...]) -> None:
    torch.manual_seed(1)
    ids = torch.randint(0, 40, shape, dtype=torch.int32)
    weight = torch.randn(50, width)
    upstream = torch.randn(*shape, width)
    found = []
    for function in (gather, lambda table, rows: F.embedding(rows, table, padding_idx=PADDING)):
        leaf = weight.clone().requires_grad_()
        with deterministic() as determinism:
            values = function(leaf, ids)
            values.backward(upstream)  # type: ignore[no-untyped-call]
        assert determinism.achieved
        assert leaf.grad is not None
        found.append((values.detach(), leaf.grad))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])
    assert not found[0][1][PADDING].any()


@pytest.mark.parametrize("width", [1, 10])
def test_the_sums_that_a_gpu_makes_are_those_of_a_cpu(width: int) -> None:
    torch.manual_seed(1)
    places = torch.randint(0, 40, (500,), dtype=torch.int32)
    gradient = torch.randn(100, 5, width)
    spread = places.long()[:, None].expand(-1, width)
    expected = torch.zeros(50, width).scatter_add_(0, spread, gradient.reshape(-1, width))
    assert torch.equal(sum_by_sorting(gradient, places, 50), expected)
