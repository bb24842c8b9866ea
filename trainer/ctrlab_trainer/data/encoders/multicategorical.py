"""MultiCategorical features: several ids per row, from lists, from text, or from numbered columns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.resources.features import Feature
from ctrlab_trainer.data.encoders.encoder_protocol import FittedEncoding
from ctrlab_trainer.data.encoders.hashing import hash_encoding, hash_texts
from ctrlab_trainer.data.encoders.list_facts import ListFacts
from ctrlab_trainer.data.encoders.token_lists import DEFAULT_SEPARATOR, ListColumns
from ctrlab_trainer.data.encoders.vocabulary import TextCounts, Vocabulary
from ctrlab_trainer.data.readers.source_tables import SourceTable

DEFAULT_MAX_LENGTH = 16


@dataclass(frozen=True)
class ListState:
    """Tokens of train, and facts of the lists of all rows."""

    counts: TextCounts
    facts: ListFacts

    @classmethod
    def sum(cls, states: Sequence["ListState"]) -> "ListState":
        """Merge the states of several groups of rows."""
        counts = TextCounts.sum([state.counts for state in states])
        return cls(counts, ListFacts.sum([state.facts for state in states]))


@dataclass(frozen=True)
class MultiCategoricalEncoder:
    """Encoder of MultiCategorical features, with a vocabulary or with hashed ids."""

    feature: Feature
    min_frequency: int

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the feature."""
        return self.feature.source_columns

    @property
    def _source(self) -> ListColumns:
        feature = self.feature
        separator = feature.separator or DEFAULT_SEPARATOR
        return ListColumns(self.columns, separator, feature.padding, numbered=feature.columns is not None)

    @property
    def _length(self) -> int:
        return self.feature.max_length or DEFAULT_MAX_LENGTH

    def observe(self, rows: SourceTable, in_train: NDArray[np.bool_]) -> ListState:
        """Count the values in the lists of train, and describe the lists of all rows."""
        lists = self._source.read(rows)
        counts = TextCounts.of(lists.tokens.values, lists.counts(in_train))
        return ListState(counts, ListFacts.of(lists, self._source, rows, in_train, self._length))

    def merge(self, states: Sequence[ListState]) -> ListState:
        """Add counts and facts."""
        return ListState.sum(states)

    def fit(self, state: ListState) -> FittedEncoding:
        """Select the values that are frequent enough in train; InvalidData for lists in two syntaxes."""
        feature = self.feature
        state.facts.require_one_syntax()
        kept = feature.keep or "First"
        lists = state.facts.fitted(feature.name, self._length, kept, state.counts, self._source)
        if feature.hash_buckets is not None:
            return hash_encoding("multicategorical", feature.hash_buckets, self._length, lists)
        return Vocabulary.fit(state.counts, self.min_frequency, "multicategorical", self._length, lists)

    def encode(self, rows: SourceTable, fitted: FittedEncoding) -> NDArray[np.int32]:
        """Return [rows, length] ids, padded at the end with -1."""
        lists = self._source.read(rows)
        values = lists.tokens.values
        if self.feature.hash_buckets is not None:
            ids = hash_texts(values, self.feature.hash_buckets)
        else:
            assert isinstance(fitted, Vocabulary)
            ids = fitted.ids(values)
        return lists.matrix(ids, fitted.length, latest=self.feature.keep == "Latest")
