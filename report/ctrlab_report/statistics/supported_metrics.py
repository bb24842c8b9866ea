"""The metrics whose sampling error the engine can estimate; their names and directions come from `ctrlab_api.metrics`.

`ctrlab_metrics` computes metric values for tuning and final runs. The engine computes them again, in `influence`,
because a standard error needs each row's contribution to the metric and not only its value, and because one sort per
run has to serve both. `scored_metrics.metric_disagreements` compares the values of both implementations in every
report. ECE is missing here: no sampling error is known for it.
"""

from enum import StrEnum
from typing import Final

from ctrlab_api.metrics import METRIC_DIRECTIONS


class Metric(StrEnum):
    """Names as in the experiment's `spec.analysis.metrics`; each is a key of `METRIC_DIRECTIONS`."""

    AUC = "auc"
    GAUC = "gauc"
    AUC_BY_GROUP = "auc_by_group"
    LOGLOSS = "logloss"
    BRIER = "brier"
    NE = "ne"
    PCOC = "pcoc"

    @property
    def higher_is_better(self) -> bool | None:
        """Direction of improvement; None for PCOC, which is best at 1, so a difference of two PCOC has none."""
        return _HIGHER_IS_BETTER[self]


WITHIN: Final = (Metric.GAUC, Metric.AUC_BY_GROUP)
"""Metrics that average the AUC within users or groups."""

_HIGHER_IS_BETTER: Final[dict[str, bool | None]] = {
    name: {"maximize": True, "minimize": False, "none": None}[direction]
    for name, direction in METRIC_DIRECTIONS.items()
}
