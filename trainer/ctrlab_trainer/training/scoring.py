"""Click probabilities of many rows, in large batches, without gradients."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ctrlab_trainer.training.batches import Batch
from ctrlab_trainer.training.row_windows import Rows

SCORING_BATCH_ROWS = {"cpu": 8192, "cuda": 65536}
"""Rows of a batch, which fit into the cache of a CPU. Fixed, because the size can change the last bit of a score."""


def score(model: nn.Module, rows: Rows) -> NDArray[np.float32]:
    """Return [rows] float32 probabilities in row order; not finite if the model has diverged."""
    scores: NDArray[np.float32] = probabilities(model, rows).cpu().numpy()
    return scores


def probabilities(model: nn.Module, rows: Rows) -> Tensor:
    """Return [rows] probabilities in row order, on the device of the rows."""
    model.eval()
    with torch.inference_mode():
        # Allocated once: a small array kept from each batch would fragment the memory that the next batch needs.
        scores, begin = torch.empty(rows.rows, device=rows.device), 0
        for index in rows.sequential_batches(SCORING_BATCH_ROWS[rows.device.type]):
            scores[begin : begin + len(index)] = _score_batch(model, rows.batch(index))
            begin += len(index)
    return scores


def score_batch(model: nn.Module, batch: Batch) -> Tensor:
    """Return [B] probabilities on the device of the batch."""
    model.eval()
    with torch.inference_mode():
        return _score_batch(model, batch)


def _score_batch(model: nn.Module, batch: Batch) -> Tensor:
    return torch.sigmoid(model(batch).float())
