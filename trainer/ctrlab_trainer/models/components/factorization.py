"""Pairwise products of embeddings (Rendle, ICDM 2010)."""

from torch import Tensor


def pairwise_products(fields: Tensor) -> Tensor:
    """[B] sum over pairs i < j of <v_i, v_j>, of [B, F, D].

    In linear time by half of (sum of v)^2 minus sum of v^2 (Rendle 2010, lemma 3.1).
    """
    total = fields.sum(dim=1)
    return 0.5 * (total.square().sum(dim=1) - fields.square().sum(dim=(1, 2)))
