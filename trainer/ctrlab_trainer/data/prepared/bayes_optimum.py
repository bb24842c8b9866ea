"""The best that any model could reach on generated data, from the true probabilities that the generator keeps."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ctrlab_metrics.computing import compute_metrics

PROBABILITY_FILE: Final = "true_probability.npy"
"""Beside the arrays of each part, where a generator knows it; no model reads it."""


def bayes_auc(labels: NDArray[np.uint8], true_probability: NDArray[np.float64]) -> float:
    """AUC of the true probabilities as scores: by the Neyman-Pearson lemma no score has a higher expected AUC."""
    value = compute_metrics(("auc",), labels, true_probability, None).values["auc"]
    assert value is not None, "prepare refuses parts of one class"
    return value


def bayes_auc_of(folder: Path) -> float | None:
    """The same for the folder of an encoded part; None where the data were not generated."""
    if not (folder / PROBABILITY_FILE).exists():
        return None
    return bayes_auc(np.load(folder / "labels.npy"), np.load(folder / PROBABILITY_FILE))
