"""A second training with the same seed where the first one went wrong: is it the seed, or was it a fault?

Only signs of the process ask for it, never a score in comparison with other runs. The repetition sees train and
validation rows alone, and it replaces nothing: it is recorded beside the result.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np
from safetensors.torch import save

from ctrlab_api.canonical_json import digest
from ctrlab_api.records import Anomaly, RetrainingRecord
from ctrlab_trainer.training.loop import TrainingResult

SUSPICIOUS = frozenset({"non-finite-loss", "auc-at-or-below-half", "constant-predictions"})
"""Kinds of anomaly that a fault of the machine could have caused as well as the training."""


def retrain_if_suspicious(
    anomalies: Sequence[Anomaly], first: TrainingResult, train: Callable[[], TrainingResult]
) -> RetrainingRecord | None:
    """Train once more where one of the anomalies asks for it; None where none does."""
    reasons = tuple(found.kind for found in anomalies if found.kind in SUSPICIOUS)
    if not reasons:
        return None
    started = time.perf_counter()
    again = train()
    return RetrainingRecord(
        reasons=reasons,
        recorded=fingerprint(first),
        repeated=fingerprint(again),
        divergence=again.divergence,
        metrics_valid=again.metrics_valid,
        constant_predictions=again.valid_scores is not None and bool(np.ptp(again.valid_scores) == 0),
        seconds=round(time.perf_counter() - started, 3),
    )


def fingerprint(result: TrainingResult) -> str:
    """Digest of everything that a training left and that does not depend on the clock."""
    return digest(
        {
            "model": None if result.state is None else digest(save(result.state)),
            "divergence": result.divergence,
            "bestEpoch": result.best_epoch,
            "curve": [epoch.model_dump(mode="json", exclude={"seconds"}) for epoch in result.curve],
        }
    )
