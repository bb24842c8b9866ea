"""AUC of scores on a device, computed from ranks without copying the scores to the host.

Twice the Mann-Whitney statistic is an integer, so the result equals that of `ctrlab_metrics` in every bit.
"""

import torch
from torch import Tensor


def auc(labels: Tensor, scores: Tensor) -> float | None:
    """Return the AUC of [rows] labels 0 or 1 and finite scores, counting ties half; None with only one class."""
    ascending, order = torch.sort(scores)
    positives = labels[order].to(torch.int64)
    negatives = torch.cumsum(1 - positives, dim=0)
    negatives_before = torch.cat([negatives.new_zeros(1), negatives])
    lower = negatives_before[torch.searchsorted(ascending, ascending)]
    lower_or_equal = negatives_before[torch.searchsorted(ascending, ascending, right=True)]
    twice, count = torch.stack([(positives * (lower + lower_or_equal)).sum(), positives.sum()]).tolist()
    pairs = count * (len(labels) - count)
    return twice / (2 * pairs) if pairs else None
