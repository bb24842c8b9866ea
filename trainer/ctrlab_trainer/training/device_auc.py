"""AUC of scores that lie on a device, by ranks, without bringing them to the host.

Twice the Mann-Whitney statistic is an integer: the result is that of `ctrlab_metrics.computing` in every bit.
"""

import torch
from torch import Tensor


def auc(labels: Tensor, scores: Tensor) -> float | None:
    """[rows] labels 0 or 1 and finite scores, ties counted half; None with one class alone."""
    ascending, order = torch.sort(scores)
    clicks = labels[order].to(torch.int64)
    misses = torch.cumsum(1 - clicks, dim=0)
    before = torch.cat([misses.new_zeros(1), misses])
    below = before[torch.searchsorted(ascending, ascending)]
    up_to = before[torch.searchsorted(ascending, ascending, right=True)]
    twice, positives = torch.stack([(clicks * (below + up_to)).sum(), clicks.sum()]).tolist()
    pairs = positives * (len(labels) - positives)
    return twice / (2 * pairs) if pairs else None
