"""Metrics by name: definition and direction of each, printed beside its values. `ctrlab_metrics` computes them."""

from typing import Final, Literal

from ctrlab_api.resources.tuning import MetricName

Direction = Literal["maximize", "minimize"]
"""Which values of a metric are better."""

SCORE_EPSILON: Final = 2.0**-23
"""Scores are clipped to [EPSILON, 1 - EPSILON] before logarithms: the resolution of float32 at 1."""

ECE_BINS: Final = 15
"""Bins of the expected calibration error."""

METRIC_DEFINITIONS: Final[dict[MetricName, str]] = {
    "auc": "Area under the ROC curve: share of (click, non-click) pairs in which the click has the higher score, "
    "ties counted half.",
    "logloss": "Mean binary cross-entropy in nats, scores clipped to [2^-23, 1 - 2^-23] "
    f"(2^-23 = {SCORE_EPSILON:.3g}).",
    "gauc": "AUC within each user, averaged over users with their number of rows as weight; users with clicks alone or "
    "without a click are skipped.",
    "ne": "Normalized entropy: log loss divided by the entropy of the click rate of the evaluated rows.",
    "pcoc": "Predicted click over click: mean score divided by click rate; 1 is calibrated.",
    "ece": f"Expected calibration error over {ECE_BINS} bins of equal mass by score (equal scores share a bin): mean "
    "of |mean score - click rate| of the bins, weighted with their rows.",
    "brier": "Mean squared difference of score and label.",
}

METRIC_DIRECTIONS: Final[dict[MetricName, Literal["maximize", "minimize", "none"]]] = {
    "auc": "maximize",
    "logloss": "minimize",
    "gauc": "maximize",
    "ne": "minimize",
    "pcoc": "none",
    "ece": "minimize",
    "brier": "minimize",
}
"""Which way is better; pcoc is best in the middle and cannot be optimised."""
