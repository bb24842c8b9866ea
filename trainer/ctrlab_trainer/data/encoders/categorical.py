"""Categorical and Cross features: one id per value, or per combination of several features' values, in train.

A missing value is treated like any other value.
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
    """Encoder of Categorical and Cross features."""

    columns: tuple[str, ...]
    """One column, or the columns of the crossed features."""
    min_frequency: int

    def observe(self, rows: SourceTable, in_train: NDArray[np.bool_]) -> TextCounts:
        """Count the values in train."""
        column = cross_columns(rows, self.columns)
        return TextCounts.of(column.values, np.bincount(column.codes[in_train], minlength=len(column.values)))

    def merge(self, states: Sequence[TextCounts]) -> TextCounts:
        """Add the counts."""
        return TextCounts.sum(states)

    def fit(self, state: TextCounts) -> Vocabulary:
        """Select the values that are frequent enough in train."""
        return Vocabulary.fit(state, self.min_frequency)

    def encode(self, rows: SourceTable, fitted: Vocabulary) -> NDArray[np.int32]:
        """Return [rows] ids."""
        column = cross_columns(rows, self.columns)
        return fitted.ids(column.values)[column.codes]
