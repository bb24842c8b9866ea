"""Anomalies of a run that a reader must know about, detected from its results; none of them removes a result."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.records import Anomaly, TestOpening
from ctrlab_trainer.training.determinism import Determinism
from ctrlab_trainer.training.loop import TrainingResult


def detect_anomalies(
    result: TrainingResult,
    metrics_test: dict[str, float | None],
    test_scores: NDArray[np.float32] | None,
    determinism: Determinism,
    openings: Sequence[TestOpening],
    interrupted_starts: Sequence[Anomaly] = (),
) -> tuple[Anomaly, ...]:
    """Return the anomalies of one run in a fixed order; `interrupted_starts` are earlier starts without a record."""
    anomalies: list[Anomaly] = []
    if result.divergence is not None:
        anomalies.append(Anomaly(kind="non-finite-loss", detail=result.divergence))
    auc = metrics_test.get("auc")
    if auc is not None and auc <= 0.5:
        anomalies.append(Anomaly(kind="auc-at-or-below-half", detail=f"test auc {auc:.6f}"))
    if result.best_epoch == 1 and len(result.curve) > 1:
        detail = f"no later one of {len(result.curve)} epochs was better; the learning rate may be too high"
        anomalies.append(Anomaly(kind="best-epoch-is-the-first", detail=detail))
    if test_scores is not None and np.ptp(test_scores) == 0:
        detail = f"every test row has the score {test_scores[0]:.6g}"
        anomalies.append(Anomaly(kind="constant-predictions", detail=detail))
    anomalies += interrupted_starts
    anomalies += [
        Anomaly(kind="retried", detail=f"attempt {opening.attempt}: {opening.reason}") for opening in openings[1:]
    ]
    if not determinism.achieved:
        anomalies.append(Anomaly(kind="not-deterministic", detail=", ".join(determinism.operations)))
    return tuple(anomalies)
