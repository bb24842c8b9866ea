"""Categorical: one id a row. A missing value is a value like any other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctrlab_contract.features import Feature
from ctrlab_trainer.data.encoders.vocabulary import Counts, Vocabulary
from ctrlab_trainer.data.tables import SourceTable, categories


@dataclass(frozen=True)
class CategoricalEncoder:
    """See `FeatureEncoder`."""

    feature: Feature
    min_frequency: int

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature's own column."""
        return (self.feature.source_column,)

    def observe(self, rows: SourceTable, in_train: NDArray[np.bool_]) -> Counts:
        """How often train has each value."""
        column = categories(rows.data[self.feature.source_column])
        return Counts.of(column.values, np.bincount(column.codes[in_train], minlength=len(column.values)))

    def merge(self, states: Sequence[Counts]) -> Counts:
        """Counts add up."""
        return Counts.sum(states)

    def fit(self, state: Counts) -> Vocabulary:
        """The values that train has often enough."""
        return Vocabulary.fit(state, self.min_frequency)

    def encode(self, rows: SourceTable, fitted: Vocabulary) -> NDArray[np.int32]:
        """[rows] ids."""
        column = categories(rows.data[self.feature.source_column])
        return fitted.ids(column.values)[column.codes]
