"""Pre-trained vectors in place of learned embeddings."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ctrlab_trainer.data.prepared.encoded_schema import PADDING
from ctrlab_trainer.models.components.model_inputs import VectorInput


class PretrainedVectors(nn.Module):
    """The embedding of id i is W p_i, where p_i is its vector and W is learned; without a vector it is its own row.

    The vectors are parameters if they are trained. Otherwise they are no part of a checkpoint: they stand in the data.
    """

    def __init__(self, given: VectorInput, width: int) -> None:
        super().__init__()
        vectors = np.array(given.vectors, np.float32)
        known = ~np.isnan(vectors[:, 0])
        vectors[~known] = 0
        self.offset = given.offset
        self.register_buffer("known", torch.from_numpy(known), persistent=False)
        if given.trained:
            self.vectors = nn.Parameter(torch.from_numpy(vectors))
        else:
            self.register_buffer("vectors", torch.from_numpy(vectors), persistent=False)
        self.project = nn.Linear(vectors.shape[1], width, bias=False)

    def forward(self, ids: Tensor, own: Tensor) -> Tensor:
        """[..., width] of the global ids [...] and their own rows of the table [..., width]."""
        place = (ids - self.offset).clamp(min=0)
        known = self.known[place] & (ids != PADDING)  # type: ignore[index]
        return torch.where(known[..., None], self.project(F.embedding(place, self.vectors)), own)


def replace_fields(fields: Tensor, places: Sequence[int], others: Sequence[Tensor]) -> Tensor:
    """[B, F, D] fields with other vectors [B, D] at some places."""
    columns = list(fields.unbind(dim=1))
    for place, other in zip(places, others, strict=True):
        columns[place] = other
    return torch.stack(columns, dim=1)
