"""MultiCategorical: the first `maxLength` ids of each row; lists as they are, or text parted by the separator."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctrlab_api.resources.features import Feature
from ctrlab_trainer.data.encoders.vocabulary import TextCounts, Vocabulary
from ctrlab_trainer.data.readers.source_tables import CodedColumn, SourceTable, factorize

DEFAULT_MAX_LENGTH = 16
DEFAULT_SEPARATOR = " "


@dataclass(frozen=True)
class MultiCategoricalEncoder:
    """See `FeatureEncoder`."""

    feature: Feature
    min_frequency: int

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature's own column."""
        return (self.feature.source_column,)

    def observe(self, rows: SourceTable, in_train: NDArray[np.bool_]) -> TextCounts:
        """How often train has each value in its lists; an empty text is none."""
        lists = self._lists(rows)
        rows_of_list = np.bincount(lists.codes[in_train], minlength=lists.count).astype(np.float64)
        values = len(lists.tokens.values)
        counts = np.bincount(lists.tokens.codes, weights=rows_of_list[lists.owner], minlength=values)
        return TextCounts.of(lists.tokens.values, counts.astype(np.int64))

    def merge(self, states: Sequence[TextCounts]) -> TextCounts:
        """Counts add up."""
        return TextCounts.sum(states)

    def fit(self, state: TextCounts) -> Vocabulary:
        """The values that train has often enough."""
        length = self.feature.max_length or DEFAULT_MAX_LENGTH
        return Vocabulary.fit(state, self.min_frequency, "multicategorical", length)

    def encode(self, rows: SourceTable, fitted: Vocabulary) -> NDArray[np.int32]:
        """[rows, length] ids, padded at the end with -1."""
        lists = self._lists(rows)
        return lists.matrix(fitted.ids(lists.tokens.values), fitted.length)

    def _lists(self, rows: SourceTable) -> "TokenLists":
        return token_lists(rows.data[self.feature.source_column], self.feature.separator or DEFAULT_SEPARATOR)


@dataclass(frozen=True)
class TokenLists:
    """A column whose rows are lists of texts, each list once."""

    codes: NDArray[np.int32]
    """[rows] which list a row has."""
    count: int
    """Lists."""
    owner: NDArray[np.int64]
    """[tokens] which list a text stands in, in order; an empty text is none."""
    tokens: CodedColumn
    """[tokens]"""

    def matrix(self, ids: NDArray[np.int32], length: int) -> NDArray[np.int32]:
        """[rows, length] the ids of the first texts of each row, given those of the distinct texts; padded with -1."""
        place = np.arange(len(self.owner)) - np.searchsorted(self.owner, self.owner, side="left")
        short = place < length
        matrix = np.full((self.count, length), -1, np.int32)
        matrix[self.owner[short], place[short]] = ids[self.tokens.codes[short]]
        return np.asarray(matrix[self.codes])


def token_lists(column: pa.ChunkedArray, separator: str) -> TokenLists:
    """Lists of a parquet or JSON column as they are, text parted by the separator."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        lists = column.cast(pa.list_(pa.string())).combine_chunks()
        codes = np.arange(len(lists), dtype=np.int32)
    else:
        distinct = factorize(column)
        codes, lists = distinct.codes, pc.split_pattern(distinct.values, separator)
    tokens = lists.flatten()
    real = np.flatnonzero(np.asarray(pc.not_equal(tokens, "").fill_null(False), bool))
    owner = np.asarray(pc.list_parent_indices(lists))[real]
    return TokenLists(codes, len(lists), owner, factorize(pa.chunked_array([tokens.take(pa.array(real))], pa.string())))
