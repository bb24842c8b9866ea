"""Click probabilities of many rows, in large batches, without gradients."""

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ctrlab_trainer.batches import Batch, DeviceData

ROWS = {"cpu": 8192, "cuda": 65536}
"""Rows of a batch: on a CPU what its cache holds. Fixed, because the size can change the last bit of a score."""


def score(model: nn.Module, data: DeviceData) -> NDArray[np.float32]:
    """[rows] float32 probabilities in row order; not finite where the model has diverged."""
    scores: NDArray[np.float32] = probabilities(model, data).cpu().numpy()
    return scores


def probabilities(model: nn.Module, data: DeviceData) -> Tensor:
    """The same, where the data are."""
    order = torch.arange(data.rows, device=data.device)
    return score_batches(model, data.batches(order, ROWS[data.device.type]))


def score_batches(model: nn.Module, batches: Iterable[Batch]) -> Tensor:
    """[rows] probabilities of all rows of the batches, on their device."""
    model.eval()
    with torch.inference_mode():
        return torch.cat([torch.sigmoid(model(batch).float()) for batch in batches])
