"""Runs and seeds that are unusual: remarks for the reader, never a reason to leave a result out."""

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
    RerunOutcome.PROPERTY: "trained again with the same seed it gave the same, bit for bit: a property of the seed",
    RerunOutcome.FAULT: "trained again with the same seed it showed no anomaly: a fault of the first run; it stays in "
    "every number, and the row without anomalous runs shows what it changes",
    RerunOutcome.UNSTABLE: "trained again with the same seed it was anomalous in another way: this training does not "
    "repeat itself",
}
"""What the finding means."""


def classify_repetition(repetition: RetrainingRecord) -> RerunOutcome:
    """Whether an anomaly belongs to the seed or was a fault, from the second training with the same seed."""
    again = classify_symptoms(
        RunSymptoms(
            losses_finite=repetition.divergence is None,
            predictions_constant=repetition.constant_predictions,
            auc=repetition.metrics_valid.get("auc"),
        )
    )
    return classify_rerun(repetition.recorded, repetition.repeated, again)


def flagged_seeds(values: dict[int, float], alpha: float) -> dict[str, str]:
    """The seed that Grubbs' two-sided test marks at level `alpha`, with the reason; empty where there is none."""
    if not values:
        return {}
    found = grubbs_test(list(values.values()), alpha=alpha)
    if not isinstance(found, GrubbsFlag) or found.flagged is None:
        return {}
    return {
        str(list(values)[found.flagged]): f"{found.statistic:.2f} standard deviations from the mean; Grubbs' test at "
        f"level {alpha:g} allows {found.critical:.2f} for {found.seeds} seeds"
    }
