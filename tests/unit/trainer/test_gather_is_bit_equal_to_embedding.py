"""The fast gather equals torch's embedding in every bit of values and gradients."""

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
    results = []
    for function in (gather, lambda table, rows: F.embedding(rows, table, padding_idx=PADDING)):
        leaf = weight.clone().requires_grad_()
        with deterministic() as determinism:
            values = function(leaf, ids)
            values.backward(upstream)  # type: ignore[no-untyped-call]
        assert determinism.achieved
        assert leaf.grad is not None
        results.append((values.detach(), leaf.grad))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])
    assert not results[0][1][PADDING].any()


@pytest.mark.parametrize("width", [1, 10])
def test_sums_of_the_gpu_path_equal_those_of_the_cpu_path(width: int) -> None:
    torch.manual_seed(1)
    indices = torch.randint(0, 40, (500,), dtype=torch.int32)
    gradient = torch.randn(100, 5, width)
    index = indices.long()[:, None].expand(-1, width)
    expected = torch.zeros(50, width).scatter_add_(0, index, gradient.reshape(-1, width))
    assert torch.equal(sum_by_sorting(gradient, indices, 50), expected)
