"""Pre-trained vectors as embeddings."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ctrlab_trainer.data.prepared.encoded_schema import PADDING
from ctrlab_trainer.models.components.model_inputs import VectorInput


class PretrainedVectors(nn.Module):
    """The embedding of id i is W p_i, where p_i is its vector and W is learned; an id without a vector has a row of the
    table.

    The vectors are parameters if they are trained. Otherwise they are not part of a checkpoint, because the prepared
    data contain them.
    """

    def __init__(self, vector_input: VectorInput, width: int) -> None:
        super().__init__()
        vectors = np.array(vector_input.vectors, np.float32)
        has_vector = ~np.isnan(vectors[:, 0])
        vectors[~has_vector] = 0
        self.offset = vector_input.offset
        self.register_buffer("has_vector", torch.from_numpy(has_vector), persistent=False)
        if vector_input.trained:
            self.vectors = nn.Parameter(torch.from_numpy(vectors))
        else:
            self.register_buffer("vectors", torch.from_numpy(vectors), persistent=False)
        self.project = nn.Linear(vectors.shape[1], width, bias=False)

    def forward(self, ids: Tensor, rows: Tensor) -> Tensor:
        """Return [..., width] for global ids [...] and their rows of the table [..., width]."""
        indices = (ids - self.offset).clamp(min=0)
        has_vector = self.has_vector[indices] & (ids != PADDING)  # type: ignore[index]
        return torch.where(has_vector[..., None], self.project(F.embedding(indices, self.vectors)), rows)


def replace_fields(fields: Tensor, indices: Sequence[int], vectors: Sequence[Tensor]) -> Tensor:
    """Return [B, F, D] fields with other vectors [B, D] at some indices."""
    columns = list(fields.unbind(dim=1))
    for index, vector in zip(indices, vectors, strict=True):
        columns[index] = vector
    return torch.stack(columns, dim=1)
