"""Click probabilities of many rows, in large batches, without gradients."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ctrlab_trainer.training.batches import Batch
from ctrlab_trainer.training.row_windows import Rows

SCORING_BATCH_ROWS = {"cpu": 8192, "cuda": 65536}
"""Rows of a batch: on a CPU what its cache holds. Fixed, because the size can change the last bit of a score."""


def score(model: nn.Module, data: Rows) -> NDArray[np.float32]:
    """[rows] float32 probabilities in row order; not finite where the model has diverged."""
    scores: NDArray[np.float32] = probabilities(model, data).cpu().numpy()
    return scores


def probabilities(model: nn.Module, data: Rows) -> Tensor:
    """The same, where the data are."""
    model.eval()
    with torch.inference_mode():
        # Made at once: a small array kept from each batch would cut up the memory that the next batch needs.
        found, begin = torch.empty(data.rows, device=data.device), 0
        for index in data.in_turn(SCORING_BATCH_ROWS[data.device.type]):
            found[begin : begin + len(index)] = _of_batch(model, data.batch(index))
            begin += len(index)
    return found


def score_batch(model: nn.Module, batch: Batch) -> Tensor:
    """[B] probabilities, where the batch is."""
    model.eval()
    with torch.inference_mode():
        return _of_batch(model, batch)


def _of_batch(model: nn.Module, batch: Batch) -> Tensor:
    return torch.sigmoid(model(batch).float())
