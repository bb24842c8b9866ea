"""Numeric features that stay numbers: standardised, or as they are.

A missing number is never dropped in silence: it becomes the mean of train, which is zero after standardising.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.features import Feature
from ctrlab_trainer.data.encoders.encoder_protocol import FittedEncoding
from ctrlab_trainer.data.encoders.exact_moments import ExactMoments
from ctrlab_trainer.data.readers.column_values import numeric_values
from ctrlab_trainer.data.readers.source_tables import SourceTable

LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Scaling(FittedEncoding):
    """`(x - shift) / scale`, and what a missing number becomes."""

    shift: float
    scale: float
    missing: float


@dataclass(frozen=True)
class NumericEncoder:
    """See `FeatureEncoder`; for the transforms Standardize and AsIs."""

    feature: Feature

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature's own column."""
        return (self.feature.source_column,)

    def observe(self, rows: SourceTable, in_train: NDArray[np.bool_]) -> ExactMoments:
        """Exact sums of the numbers that train has."""
        values = numeric_values(rows, self.feature.source_column)
        return ExactMoments.of(values[in_train & ~np.isnan(values)])

    def merge(self, states: Sequence[ExactMoments]) -> ExactMoments:
        """Sums add up."""
        return ExactMoments.sum(states)

    def fit(self, state: ExactMoments) -> Scaling:
        """Mean and deviation of train; a feature that is constant there is only shifted."""
        require_numbers(self.feature, state.count)
        mean, deviation = state.mean, state.deviation
        if self.feature.transform == "AsIs":
            return Scaling("numeric", 1, 1, {"missing": mean}, 0.0, 1.0, mean)
        scale = deviation if deviation > 1e-12 * max(1.0, abs(mean)) else 1.0
        return Scaling("numeric", 1, 1, {"mean": mean, "scale": scale}, mean, scale, 0.0)

    def encode(self, rows: SourceTable, fitted: Scaling) -> NDArray[np.float32]:
        """[rows] finite numbers."""
        values = numeric_values(rows, self.feature.source_column)
        scaled = values if self.feature.transform == "AsIs" else (values - fitted.shift) / fitted.scale
        filled = np.where(np.isnan(values), fitted.missing, scaled)
        return np.clip(filled, -LARGEST, LARGEST).astype(np.float32)


def require_numbers(feature: Feature, count: int) -> None:
    """InvalidData for a feature without any number in train."""
    if count == 0:
        raise InvalidData.at(
            f"feature {feature.name}", "no train row has a number in it; leave the feature out of spec.dataset.features"
        )
