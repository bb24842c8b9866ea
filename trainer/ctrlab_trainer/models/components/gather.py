"""Rows of a table by id, with a backward pass that is fast on a CPU.

torch's own backward of an embedding visits one row after another, which for a table of single weights takes most of a
step. Adding all rows at once gives the same bits, forty times faster at width 1 and three times at width 10: each row
of the table still adds its gradients in the order of the batch.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ctrlab_trainer.data.encoded import PADDING


def gather(weight: Tensor, ids: Tensor) -> Tensor:
    """[..., width] of [rows, width] by [...] ids; the row of padding gets no gradient."""
    if weight.is_cuda or torch._C._functorch.is_batchedtensor(weight):
        return F.embedding(ids, weight, padding_idx=PADDING)
    found: Tensor = _Gather.apply(weight, ids)  # type: ignore[no-untyped-call]
    return found


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, weight: Tensor, ids: Tensor) -> Tensor:
        context.save_for_backward(ids)
        context.shape = weight.shape
        return F.embedding(ids, weight)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (ids,) = context.saved_tensors
        rows, width = context.shape
        places = ids.reshape(-1)
        if width == 1:
            found = gradient.new_zeros(rows).index_add_(0, places, gradient.reshape(-1))[:, None]
        else:
            spread = places.long()[:, None].expand(-1, width)
            found = gradient.new_zeros(rows, width).scatter_add_(0, spread, gradient.reshape(-1, width))
        found[PADDING].zero_()
        return found, None
