"""Best AUC that any model could reach on generated data, from the true probabilities that the generator stores."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ctrlab_metrics.computing import compute_metrics
from ctrlab_trainer.data.prepared.dataset_files import LABELS_FILE, PROBABILITY_FILE


def bayes_auc(labels: NDArray[np.uint8], true_probability: NDArray[np.float64]) -> float:
    """Return the AUC of the true probabilities; by the Neyman-Pearson lemma no score has a higher expected AUC."""
    value = compute_metrics(("auc",), labels, true_probability, None).values["auc"]
    assert value is not None, "prepare rejects splits of one class"
    return value


def bayes_auc_of(folder: Path) -> float | None:
    """Return the same for the folder of an encoded split; None if the data were not generated."""
    if not (folder / PROBABILITY_FILE).exists():
        return None
    return bayes_auc(np.load(folder / LABELS_FILE), np.load(folder / PROBABILITY_FILE))
