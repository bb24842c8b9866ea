"""MultiCategorical: the first `maxLength` ids of each row; lists as they are, or text parted by the separator."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctrlab_contract.features import Feature
from ctrlab_trainer.data.encoders.vocabulary import Counts, Vocabulary
from ctrlab_trainer.data.tables import SourceTable, categories

DEFAULT_LENGTH = 16


@dataclass(frozen=True)
class MultiCategoricalEncoder:
    """See `FeatureEncoder`."""

    feature: Feature
    min_frequency: int

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature's own column."""
        return (self.feature.source_column,)

    def observe(self, rows: SourceTable, in_train: NDArray[np.bool_]) -> Counts:
        """How often train has each value in its lists; an empty text is none."""
        codes, lists = lists_of(rows, self.feature)
        tokens = categories(pa.chunked_array([lists.flatten()], pa.string()))
        owner = np.asarray(pc.list_parent_indices(lists))
        rows_of_list = np.bincount(codes[in_train], minlength=len(lists)).astype(np.float64)
        counts = np.bincount(tokens.codes, weights=rows_of_list[owner], minlength=len(tokens.values))
        named = np.asarray(pc.not_equal(tokens.values, ""), bool)
        return Counts.of(tokens.values, np.where(named, counts, 0).astype(np.int64))

    def merge(self, states: Sequence[Counts]) -> Counts:
        """Counts add up."""
        return Counts.sum(states)

    def fit(self, state: Counts) -> Vocabulary:
        """The values that train has often enough."""
        length = self.feature.max_length or DEFAULT_LENGTH
        return Vocabulary.fit(state, self.min_frequency, "multicategorical", length)

    def encode(self, rows: SourceTable, fitted: Vocabulary) -> NDArray[np.int32]:
        """[rows, length] ids, padded at the end with -1."""
        codes, lists = lists_of(rows, self.feature)
        tokens = lists.flatten()
        real = np.flatnonzero(np.asarray(pc.not_equal(tokens, "").fill_null(False), bool))
        owner = np.asarray(pc.list_parent_indices(lists))[real]
        column = categories(pa.chunked_array([tokens.take(pa.array(real))], pa.string()))
        place = np.arange(len(owner)) - np.searchsorted(owner, owner, side="left")
        short = place < fitted.length
        matrix = np.full((len(lists), fitted.length), -1, np.int32)
        matrix[owner[short], place[short]] = fitted.ids(column.values)[column.codes[short]]
        return np.asarray(matrix[codes])


def lists_of(rows: SourceTable, feature: Feature) -> tuple[NDArray[np.int32], pa.Array]:
    """Which list of texts each row has, and the lists."""
    column = rows.data[feature.source_column]
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        lists = column.cast(pa.list_(pa.string())).combine_chunks()
        return np.arange(len(lists), dtype=np.int32), lists
    distinct = categories(column)
    return distinct.codes, pc.split_pattern(distinct.values, feature.separator or " ")
