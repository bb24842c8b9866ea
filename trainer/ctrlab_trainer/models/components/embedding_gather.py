"""Rows of a table by id, with a backward pass that is fast on a CPU.

torch's own backward of an embedding visits one row after another, and its `scatter_add_` sorts the places first. Single
weights are added all at once instead, and vectors by a product with a sparse matrix of ones. Both give the same bits,
forty and nine times faster: each row of the table still adds its gradients in the order of the batch.
"""

from typing import Any

import numpy as np
import torch
from scipy.sparse import csc_array
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from ctrlab_trainer.data.prepared.encoded_schema import PADDING


def gather(weight: Tensor, ids: Tensor, *, sparse: bool = False) -> Tensor:
    """[..., width] of [rows, width] by [...] ids; the row of padding gets no gradient.

    With `sparse` the gradient is a sparse tensor, of one model alone.
    """
    if torch._C._functorch.is_batchedtensor(weight):
        stacked: Tensor = _OfSeveral.apply(weight, ids)  # type: ignore[no-untyped-call]
        return stacked
    if weight.is_cuda or sparse:
        return F.embedding(ids, weight, padding_idx=PADDING, sparse=sparse)
    found: Tensor = _Gather.apply(weight, ids, len(weight))  # type: ignore[no-untyped-call]
    return found


class _Gather(torch.autograd.Function):
    """From one table, or several one below the other with `rows` each."""

    @staticmethod
    def forward(context: Any, weight: Tensor, ids: Tensor, rows: int) -> Tensor:
        context.save_for_backward(ids)
        context.shape, context.rows = weight.shape, rows
        return F.embedding(ids, weight)

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (ids,) = context.saved_tensors
        rows, width = context.shape
        places = ids.reshape(-1)
        if gradient.is_cuda:
            found = sum_by_sorting(gradient, places, rows)
        elif width == 1:
            found = gradient.new_zeros(rows).index_add_(0, places, gradient.reshape(-1))[:, None]
        else:
            found = sum_by_index(gradient.reshape(-1, width), places[:, None], rows)
        found.view(-1, context.rows, width)[:, PADDING].zero_()
        return found, None, None


def sum_by_index(gradient: Tensor, places: Tensor, rows: int) -> Tensor:
    """[rows, width] sums of [N, width] gradients, each added at every place of its row of [N, K], in this order; on a
    CPU. The places are below `rows`, which is not looked at."""
    count, several = places.shape
    ones = torch.ones(places.numel(), dtype=gradient.dtype).numpy()
    ends = np.arange(0, places.numel() + 1, several, dtype=np.int32)
    spread = csc_array((ones, places.reshape(-1).numpy(), ends), shape=(rows, count))
    return torch.from_numpy(spread @ gradient.numpy())


def sum_by_sorting(gradient: Tensor, places: Tensor, rows: int) -> Tensor:
    """[rows, width] sums of [..., width] gradients by place; of a GPU's ways the one without atomic additions."""
    found: Tensor = torch.ops.aten.embedding_dense_backward(
        gradient.reshape(len(places), -1), places, rows, padding_idx=-1, scale_grad_by_freq=False
    )
    return found


class _OfSeveral(torch.autograd.Function):
    """The rule of `vmap` for the tables of several models: one gather from all of them, one below the other."""

    @staticmethod
    def forward(weight: Tensor, ids: Tensor) -> Tensor:
        raise NotImplementedError("only inside vmap")

    @staticmethod
    def setup_context(context: Any, inputs: Any, output: Any) -> None:
        raise NotImplementedError("only inside vmap")

    @staticmethod
    def vmap(info: Any, places: tuple[int | None, ...], weight: Tensor, ids: Tensor) -> tuple[Tensor, int]:
        assert places == (0, 0)
        models, rows, width = weight.shape
        first = torch.arange(models, device=ids.device).view(-1, *[1] * (ids.ndim - 1)) * rows
        found: Tensor = _Gather.apply(weight.reshape(-1, width), ids + first, rows)  # type: ignore[no-untyped-call]
        return found, 0
