"""Pairwise products of embeddings (Rendle, ICDM 2010)."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from ctrlab_trainer.models.components.embedding_gather import sum_by_index
from ctrlab_trainer.models.components.embedding_tables import FieldEmbedding
from ctrlab_trainer.training.batches import Batch


def embedding_products(embedding: FieldEmbedding, batch: Batch) -> Tensor:
    """Return the [B] sum over pairs of fields of a batch, without storing the vectors if each is a row of the table."""
    table, inputs = embedding.table, embedding.inputs
    only_rows = batch.ids.shape[1] == inputs.categorical and not inputs.vectors
    stacked = torch._C._functorch.is_batchedtensor(table.weight)
    if only_rows and not (table.weight.is_cuda or table.row_wise or stacked):
        row_products: Tensor = _ProductsOfRows.apply(table.weight, batch.ids)  # type: ignore[no-untyped-call]
        return row_products
    return pairwise_products(embedding(batch).fields)


def pairwise_products(fields: Tensor) -> Tensor:
    """Return the [B] sum over pairs i < j of <v_i, v_j> for [B, F, D].

    It takes linear time: half of (sum of v)^2 minus sum of v^2 (Rendle 2010, lemma 3.1).
    """
    products: Tensor
    products, _ = _PairwiseProducts.apply(fields)  # type: ignore[no-untyped-call]
    return products


class _PairwiseProducts(torch.autograd.Function):
    """Pairwise products with an explicit gradient for v_i, sum of v - v_i: autograd takes three times as long."""

    generate_vmap_rule = True

    @staticmethod
    def forward(fields: Tensor) -> tuple[Tensor, Tensor]:
        total = fields.sum(dim=1)
        return 0.5 * (total.square().sum(dim=1) - fields.square().sum(dim=(1, 2))), total

    @staticmethod
    def setup_context(context: Any, inputs: tuple[Tensor], output: tuple[Tensor, Tensor]) -> None:
        context.mark_non_differentiable(output[1])
        context.save_for_backward(inputs[0], output[1])

    @staticmethod
    def backward(context: Any, gradient: Tensor, _: Tensor) -> Tensor:
        fields, total = context.saved_tensors
        others: Tensor = total[:, None] - fields
        return others * gradient[:, None, None]


class _ProductsOfRows(torch.autograd.Function):
    """Pairwise products of the rows of a [rows, D] table, selected by [B, F] ids.

    The gradient of a row is the sum of g * (total - row) over its examples, and the row is the same in all of them, so
    it is enough to sum g * total and g by row.
    """

    @staticmethod
    def forward(context: Any, weight: Tensor, ids: Tensor) -> Tensor:
        total = F.embedding_bag(ids, weight, mode="sum")
        squares = F.embedding_bag(ids, weight.square().sum(dim=1, keepdim=True), mode="sum")
        context.save_for_backward(weight, ids, total)
        return 0.5 * (total.square().sum(dim=1) - squares[:, 0])

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        weight, ids, total = context.saved_tensors
        column = gradient[:, None]
        sums = sum_by_index(torch.cat([column * total, column], dim=1), ids, len(weight))
        return sums[:, :-1].addcmul(weight, sums[:, -1:], value=-1), None
