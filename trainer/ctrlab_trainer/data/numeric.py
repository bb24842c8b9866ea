"""Numeric features: standardised, as they are, or as ids of buckets; everything fitted on train rows.

A missing number is never dropped in silence: a bucketed feature gives it an id of its own, a standardised one the mean
of train (which is zero after standardising), one taken as it is the mean of train.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctrlab_contract.errors import InvalidData
from ctrlab_contract.features import Feature
from ctrlab_trainer.data.vocabulary import Ids


@dataclass(frozen=True)
class Numbers:
    """A feature as one number a row."""

    values: NDArray[np.float32]
    """[rows] finite."""
    fitted: dict[str, object]
    """What train determined, as JSON."""


def encode_numeric(
    values: NDArray[np.float64], feature: Feature, in_train: NDArray[np.bool_], min_frequency: int
) -> Numbers | Ids:
    """By the feature's transform; `values` [rows] is NaN where missing."""
    known = values[in_train & ~np.isnan(values)]
    if len(known) == 0:
        raise InvalidData.at(
            f"feature {feature.name}", "no train row has a number in it; leave the feature out of spec.dataset.features"
        )
    match feature.transform or "Standardize":
        case "Standardize":
            mean, deviation = float(known.mean()), float(known.std())
            scale = deviation if deviation > 1e-12 * max(1.0, abs(mean)) else 1.0
            return _finite((values - mean) / scale, 0.0, {"mean": mean, "scale": scale})
        case "AsIs":
            mean = float(known.mean())
            return _finite(values, mean, {"missing": mean})
        case "LogBucket":
            return _numbered(log_bucket(values), in_train, min_frequency)
        case "QuantileBucket":
            probabilities = np.linspace(0, 1, (feature.buckets or 32) + 1)[1:-1]
            edges = np.unique(np.quantile(known, probabilities))
            ids = np.where(np.isnan(values), len(edges) + 2, np.searchsorted(edges, values, side="right") + 1)
            missing_known = bool(np.isnan(values[in_train]).any())
            if not missing_known:
                ids = np.where(np.isnan(values), 0, ids)
            return Ids(ids.astype(np.int32), len(edges) + 2 + missing_known, {"edges": edges.tolist()})


def log_bucket(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """[rows] floor(log(x)^2) moved up by 3 for x > 2, floor(x) from -2 to 2, and the mirror image below; NaN stays.

    The squared-logarithm buckets are those of the winners of the Criteo challenge (3 Idiots, 2014), who keep small
    values as they are; moving them up keeps the two ranges apart.
    """
    size = np.abs(values)
    beyond = np.sign(values) * (np.floor(np.log(np.maximum(size, 1)) ** 2) + 3)
    return np.where(size > 2, beyond, np.floor(values))


def _numbered(buckets: NDArray[np.float64], in_train: NDArray[np.bool_], min_frequency: int) -> Ids:
    """Buckets that train has often enough, by rising value, missing last; others are out-of-vocabulary."""
    seen, counts = np.unique(buckets[in_train], return_counts=True)
    seen = seen[counts >= min_frequency]
    place = np.searchsorted(seen, buckets)
    known = place < len(seen)
    same = np.zeros(len(buckets), bool)
    same[known] = np.equal(seen[place[known]], buckets[known]) | (
        np.isnan(buckets[known]) & np.isnan(seen[place[known]])
    )
    names = ["missing" if np.isnan(value) else str(int(value)) for value in seen]
    return Ids(np.where(same, place + 1, 0).astype(np.int32), len(seen) + 1, {"buckets": names})


def _finite(values: NDArray[np.float64], missing: float, fitted: dict[str, object]) -> Numbers:
    limit = float(np.finfo(np.float32).max)
    return Numbers(np.clip(np.where(np.isnan(values), missing, values), -limit, limit).astype(np.float32), fitted)
