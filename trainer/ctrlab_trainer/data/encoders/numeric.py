"""Numeric features that stay numbers: standardized, or unchanged.

A missing number is replaced by the mean of train, which is zero after standardizing.
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

MAX_FLOAT32 = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Scaling(FittedEncoding):
    """`(x - shift) / scale`, and the replacement of a missing number."""

    shift: float
    scale: float
    missing: float


@dataclass(frozen=True)
class NumericEncoder:
    """Encoder of Numeric features with the transforms Standardize and AsIs."""

    feature: Feature

    @property
    def columns(self) -> tuple[str, ...]:
        """Column of the feature."""
        return (self.feature.source_column,)

    def observe(self, rows: SourceTable, in_train: NDArray[np.bool_]) -> ExactMoments:
        """Sum the numbers of train exactly."""
        values = numeric_values(rows, self.feature.source_column)
        return ExactMoments.of(values[in_train & ~np.isnan(values)])

    def merge(self, states: Sequence[ExactMoments]) -> ExactMoments:
        """Add the sums."""
        return ExactMoments.sum(states)

    def fit(self, state: ExactMoments) -> Scaling:
        """Compute mean and standard deviation of train; a constant feature is only shifted."""
        require_numbers(self.feature, state.count)
        mean, deviation = state.mean, state.deviation
        if self.feature.transform == "AsIs":
            return Scaling("numeric", 1, 1, {"missing": mean}, 0.0, 1.0, mean)
        scale = deviation if deviation > 1e-12 * max(1.0, abs(mean)) else 1.0
        return Scaling("numeric", 1, 1, {"mean": mean, "scale": scale}, mean, scale, 0.0)

    def encode(self, rows: SourceTable, fitted: Scaling) -> NDArray[np.float32]:
        """Return [rows] finite numbers."""
        values = numeric_values(rows, self.feature.source_column)
        scaled = values if self.feature.transform == "AsIs" else (values - fitted.shift) / fitted.scale
        filled = np.where(np.isnan(values), fitted.missing, scaled)
        return np.clip(filled, -MAX_FLOAT32, MAX_FLOAT32).astype(np.float32)


def require_numbers(feature: Feature, count: int) -> None:
    """Raise InvalidData for a feature without any number in train."""
    if count == 0:
        raise InvalidData.at(
            f"feature {feature.name}", "has no number in any train row; leave the feature out of spec.dataset.features"
        )
