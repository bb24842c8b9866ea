"""Retraining with the same seed after an anomaly, to tell a bad seed from a fault of the machine.

Only signs of the training process trigger it, never a score in comparison with other runs. The repetition uses train
and validation rows only, and it replaces nothing: it is recorded beside the result.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np
from safetensors.torch import save

from ctrlab_api.canonical_json import digest
from ctrlab_api.records import Anomaly, RetrainingRecord
from ctrlab_trainer.training.loop import TrainingResult

SUSPICIOUS = frozenset({"non-finite-loss", "auc-at-or-below-half", "constant-predictions"})
"""Kinds of anomaly that a fault of the machine can cause as well as the training itself."""


def retrain_if_suspicious(
    anomalies: Sequence[Anomaly], first: TrainingResult, train: Callable[[], TrainingResult]
) -> RetrainingRecord | None:
    """Train once more if one of the anomalies is suspicious; None otherwise."""
    reasons = tuple(anomaly.kind for anomaly in anomalies if anomaly.kind in SUSPICIOUS)
    if not reasons:
        return None
    began = time.perf_counter()
    retrained = train()
    return RetrainingRecord(
        reasons=reasons,
        recorded=fingerprint(first),
        repeated=fingerprint(retrained),
        divergence=retrained.divergence,
        metrics_valid=retrained.metrics_valid,
        constant_predictions=retrained.valid_scores is not None and bool(np.ptp(retrained.valid_scores) == 0),
        seconds=round(time.perf_counter() - began, 3),
    )


def fingerprint(result: TrainingResult) -> str:
    """Return a digest of everything in the result of a training that does not depend on the clock."""
    return digest(
        {
            "model": None if result.state is None else digest(save(result.state)),
            "divergence": result.divergence,
            "bestEpoch": result.best_epoch,
            "curve": [epoch.model_dump(mode="json", exclude={"seconds"}) for epoch in result.curve],
        }
    )
