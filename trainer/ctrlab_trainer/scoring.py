"""Click probabilities of many rows, in large batches, without gradients."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ctrlab_trainer.batches import DeviceData

ROWS = {"cpu": 8192, "cuda": 65536}
"""Rows of a batch: on a CPU what its cache holds. Fixed, because the size can change the last bit of a score."""


def score(model: nn.Module, data: DeviceData) -> NDArray[np.float32]:
    """[rows] float32 probabilities in row order; not finite where the model has diverged."""
    model.eval()
    order = torch.arange(data.rows, device=data.device)
    parts: list[Tensor] = []
    with torch.inference_mode():
        for batch in data.batches(order, ROWS[data.device.type]):
            parts.append(torch.sigmoid(model(batch).float()))
    scores: NDArray[np.float32] = torch.cat(parts).cpu().numpy()
    return scores
