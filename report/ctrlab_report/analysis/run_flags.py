"""Flags of unusual runs and seeds: notes for the reader, never a reason to exclude a result."""

from ctrlab_api.records import RetrainingRecord
from ctrlab_report.statistics.run_anomalies import (
    GrubbsFlag,
    RerunOutcome,
    RunSymptoms,
    classify_rerun,
    classify_symptoms,
    grubbs_test,
)

REPETITION_MESSAGES: dict[RerunOutcome, str] = {
    RerunOutcome.PROPERTY: "retrained with the same seed, it gave bit-identical predictions: a property of the seed",
    RerunOutcome.FAULT: "retrained with the same seed, it showed no anomaly: a fault of the first run, which is "
    "kept in every result; the row without anomalous runs shows its effect",
    RerunOutcome.UNSTABLE: "retrained with the same seed, it showed different predictions and an anomaly again: this "
    "training is not reproducible",
}
"""Message of the finding for each outcome."""


def classify_repetition(repetition: RetrainingRecord) -> RerunOutcome:
    """Return whether an anomaly is a property of the seed or a fault, from a second training with the same seed."""
    rerun = classify_symptoms(
        RunSymptoms(
            losses_finite=repetition.divergence is None,
            predictions_constant=repetition.constant_predictions,
            auc=repetition.metrics_valid.get("auc"),
        )
    )
    return classify_rerun(repetition.recorded, repetition.repeated, rerun)


def flagged_seeds(values: dict[int, float], alpha: float) -> dict[str, str]:
    """Return the seed that Grubbs' two-sided test flags at level `alpha`, with the reason; empty if there is none."""
    if not values:
        return {}
    result = grubbs_test(list(values.values()), alpha=alpha)
    if not isinstance(result, GrubbsFlag) or result.flagged is None:
        return {}
    return {
        str(list(values)[result.flagged]): f"{result.statistic:.2f} standard deviations from the mean; the critical "
        f"value of Grubbs' test at level {alpha:g} for {result.seeds} seeds is {result.critical:.2f}"
    }
