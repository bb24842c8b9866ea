"""Categorical and Cross: one id for a value, or for the combination of several features' values, that train holds.

A missing value is a value like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctrlab_trainer.data.encoders.crossing import cross_columns
from ctrlab_trainer.data.encoders.vocabulary import TextCounts, Vocabulary
from ctrlab_trainer.data.readers.source_tables import SourceTable


@dataclass(frozen=True)
class CategoricalEncoder:
    """See `FeatureEncoder`."""

    columns: tuple[str, ...]
    """One, or those of the features that are combined."""
    min_frequency: int

    def observe(self, rows: SourceTable, in_train: NDArray[np.bool_]) -> TextCounts:
        """How often train has each value."""
        column = cross_columns(rows, self.columns)
        return TextCounts.of(column.values, np.bincount(column.codes[in_train], minlength=len(column.values)))

    def merge(self, states: Sequence[TextCounts]) -> TextCounts:
        """Counts add up."""
        return TextCounts.sum(states)

    def fit(self, state: TextCounts) -> Vocabulary:
        """The values that train has often enough."""
        return Vocabulary.fit(state, self.min_frequency)

    def encode(self, rows: SourceTable, fitted: Vocabulary) -> NDArray[np.int32]:
        """[rows] ids."""
        column = cross_columns(rows, self.columns)
        return fitted.ids(column.values)[column.codes]
