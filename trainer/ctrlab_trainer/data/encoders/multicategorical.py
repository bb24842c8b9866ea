"""MultiCategorical features: the first `maxLength` ids of each row, from lists or from text with a separator."""

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
    """Encoder of MultiCategorical features with a vocabulary."""

    feature: Feature
    min_frequency: int

    @property
    def columns(self) -> tuple[str, ...]:
        """Column of the feature."""
        return (self.feature.source_column,)

    def observe(self, rows: SourceTable, in_train: NDArray[np.bool_]) -> TextCounts:
        """Count the values in the lists of train, ignoring empty texts."""
        lists = self._lists(rows)
        rows_per_list = np.bincount(lists.codes[in_train], minlength=lists.count).astype(np.float64)
        values = len(lists.tokens.values)
        counts = np.bincount(lists.tokens.codes, weights=rows_per_list[lists.list_of_token], minlength=values)
        return TextCounts.of(lists.tokens.values, counts.astype(np.int64))

    def merge(self, states: Sequence[TextCounts]) -> TextCounts:
        """Add the counts."""
        return TextCounts.sum(states)

    def fit(self, state: TextCounts) -> Vocabulary:
        """Select the values that are frequent enough in train."""
        length = self.feature.max_length or DEFAULT_MAX_LENGTH
        return Vocabulary.fit(state, self.min_frequency, "multicategorical", length)

    def encode(self, rows: SourceTable, fitted: Vocabulary) -> NDArray[np.int32]:
        """Return [rows, length] ids, padded at the end with -1."""
        lists = self._lists(rows)
        return lists.matrix(fitted.ids(lists.tokens.values), fitted.length)

    def _lists(self, rows: SourceTable) -> "TokenLists":
        return token_lists(rows.data[self.feature.source_column], self.feature.separator or DEFAULT_SEPARATOR)


@dataclass(frozen=True)
class TokenLists:
    """A column of lists of texts, with each distinct list once."""

    codes: NDArray[np.int32]
    """[rows] index of the row's list."""
    count: int
    """Number of lists."""
    list_of_token: NDArray[np.int64]
    """[tokens] index of the token's list, ascending; empty texts are not tokens."""
    tokens: CodedColumn
    """[tokens]"""

    def matrix(self, ids: NDArray[np.int32], length: int) -> NDArray[np.int32]:
        """Return [rows, length] ids of the first tokens of each row, padded with -1; `ids` are [distinct tokens]."""
        position = np.arange(len(self.list_of_token)) - np.searchsorted(
            self.list_of_token, self.list_of_token, side="left"
        )
        kept = position < length
        matrix = np.full((self.count, length), -1, np.int32)
        matrix[self.list_of_token[kept], position[kept]] = ids[self.tokens.codes[kept]]
        return np.asarray(matrix[self.codes])


def token_lists(column: pa.ChunkedArray, separator: str) -> TokenLists:
    """Return the lists of a parquet or JSON column, or of text split at the separator."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        lists = column.cast(pa.list_(pa.string())).combine_chunks()
        codes = np.arange(len(lists), dtype=np.int32)
    else:
        distinct = factorize(column)
        codes, lists = distinct.codes, pc.split_pattern(distinct.values, separator)
    tokens = lists.flatten()
    nonempty = np.flatnonzero(np.asarray(pc.not_equal(tokens, "").fill_null(False), bool))
    list_of_token = np.asarray(pc.list_parent_indices(lists))[nonempty]
    nonempty_tokens = factorize(pa.chunked_array([tokens.take(pa.array(nonempty))], pa.string()))
    return TokenLists(codes, len(lists), list_of_token, nonempty_tokens)
