"""Cross: one id for the combination of several features' values, with a vocabulary of combinations that train holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctrlab_trainer.data.encoders.vocabulary import Counts, Vocabulary
from ctrlab_trainer.data.tables import Categories, SourceTable, categories

JOINT = "\x1f"
"""Between the values of a combination: the control character that was made for it."""


@dataclass(frozen=True)
class CrossEncoder:
    """See `FeatureEncoder`."""

    columns: tuple[str, ...]
    """Of the features that are combined."""
    min_frequency: int

    def observe(self, rows: SourceTable, in_train: NDArray[np.bool_]) -> Counts:
        """How often train has each combination."""
        column = combined(rows, self.columns)
        return Counts.of(column.values, np.bincount(column.codes[in_train], minlength=len(column.values)))

    def merge(self, states: Sequence[Counts]) -> Counts:
        """Counts add up."""
        return Counts.sum(states)

    def fit(self, state: Counts) -> Vocabulary:
        """The combinations that train has often enough."""
        return Vocabulary.fit(state, self.min_frequency)

    def encode(self, rows: SourceTable, fitted: Vocabulary) -> NDArray[np.int32]:
        """[rows] ids."""
        column = combined(rows, self.columns)
        return fitted.ids(column.values)[column.codes]


def combined(rows: SourceTable, columns: Sequence[str]) -> Categories:
    """The columns' values joined, each combination once; a single column is itself."""
    return reduce(_pair, (categories(rows.data[name]) for name in columns))


def _pair(left: Categories, right: Categories) -> Categories:
    pairs = left.codes.astype(np.int64) * len(right.values) + right.codes
    distinct, codes = np.unique(pairs, return_inverse=True)
    first, second = np.divmod(distinct, max(len(right.values), 1))
    texts = pc.binary_join_element_wise(left.values.take(pa.array(first)), right.values.take(pa.array(second)), JOINT)
    return Categories(codes.astype(np.int32), texts)
