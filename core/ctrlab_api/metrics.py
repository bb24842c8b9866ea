"""The one table of metrics: their names, definitions and directions. `ctrlab_metrics` computes them."""

from typing import Final, Literal

MetricName = Literal["auc", "logloss", "gauc", "auc_by_group", "ne", "pcoc", "ece", "brier"]

Direction = Literal["maximize", "minimize"]
"""The direction in which a metric improves."""

SCORE_EPSILON: Final = 2.0**-23
"""Scores are clipped to [SCORE_EPSILON, 1 - SCORE_EPSILON] before logarithms: the resolution of float32 at 1."""

ECE_BINS: Final = 15
"""Bins of the expected calibration error."""

METRIC_DEFINITIONS: Final[dict[MetricName, str]] = {
    "auc": "Area under the ROC curve: share of (click, non-click) pairs in which the click has the higher score, "
    "ties counted half.",
    "logloss": "Mean binary cross-entropy in nats, scores clipped to [2^-23, 1 - 2^-23] "
    f"(2^-23 = {SCORE_EPSILON:.3g}).",
    "gauc": "AUC within each user, averaged over users weighted by their number of rows; users with only clicks or no "
    "click are skipped.",
    "auc_by_group": "AUC within each group (impression, session or query; spec.dataset.group), averaged over groups "
    "weighted by their number of rows; groups with only clicks or no click are skipped.",
    "ne": "Normalized entropy: log loss divided by the entropy of the click rate of the evaluated rows.",
    "pcoc": "Predicted click over click: mean score divided by click rate; 1 is calibrated.",
    "ece": f"Expected calibration error over {ECE_BINS} bins of equal mass by score (equal scores share a bin): mean "
    "of |mean score - click rate| over the bins, weighted by their rows.",
    "brier": "Mean squared difference between score and label.",
}
"""Definitions as records and reports print them beside the values."""

METRIC_DIRECTIONS: Final[dict[MetricName, Direction | Literal["none"]]] = {
    "auc": "maximize",
    "logloss": "minimize",
    "gauc": "maximize",
    "auc_by_group": "maximize",
    "ne": "minimize",
    "pcoc": "none",
    "ece": "minimize",
    "brier": "minimize",
}
"""The direction in which each metric improves; pcoc has none, because its best value is 1."""

WITHIN_METRICS: Final[dict[MetricName, Literal["user", "group"]]] = {"gauc": "user", "auc_by_group": "group"}
"""Metrics that average the AUC within users or groups, with the field of `spec.dataset` that names their column."""
