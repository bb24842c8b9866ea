"""Histories that the rows contain, encoded with the ids of the feature whose values they list.

The result lists the latest event first, like the histories of logged clicks. With times, events are sorted by time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctrlab_api.resources.features import Feature
from ctrlab_trainer.data.encoders.encoder_protocol import FittedEncoding
from ctrlab_trainer.data.encoders.event_times import RowTimeColumn, RowTokens, timed_events
from ctrlab_trainer.data.encoders.hashing import hash_texts
from ctrlab_trainer.data.encoders.list_facts import ListFacts
from ctrlab_trainer.data.encoders.multicategorical import ListState
from ctrlab_trainer.data.encoders.token_lists import DEFAULT_SEPARATOR, ListColumns, TokenLists
from ctrlab_trainer.data.encoders.vocabulary import TextCounts, Vocabulary
from ctrlab_trainer.data.prepared.encoded_schema import TIME_GAP_IDS
from ctrlab_trainer.data.readers.source_tables import SourceTable

DEFAULT_HISTORY_LENGTH: Final = 50
EVENT: Final = np.dtype([("id", np.int32), ("gap", np.uint8)])
"""An event: its id within the block, -1 for padding; and the id of the time since it, see `gap_ids`."""
SAME_TIME: Final = TIME_GAP_IDS
"""Gap of an event that has the time of its row; modulo TIME_GAP_IDS it is the id of the shortest gap."""


@dataclass(frozen=True)
class StoredHistoryEncoder:
    """Encoder of a History that the rows contain."""

    feature: Feature
    of: Feature
    """The feature whose ids the events have."""
    time: RowTimeColumn | None
    """The time of a row, if the events have times."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the events, of their times, and of the time of a row."""
        time = () if self.time is None else (self.time.column,)
        return tuple(dict.fromkeys((*self.feature.source_columns, *time)))

    @property
    def _source(self) -> ListColumns:
        stored = self.feature.stored
        assert stored is not None
        separator = stored.separator or DEFAULT_SEPARATOR
        columns = stored.source_columns(self.feature.name)
        return ListColumns(
            columns,
            separator,
            stored.padding,
            numbered=stored.columns is not None,
            with_positions=stored.times is not None,
        )

    @property
    def _length(self) -> int:
        return self.feature.max_length or DEFAULT_HISTORY_LENGTH

    @property
    def _oldest_first(self) -> bool:
        assert self.feature.stored is not None
        return self.feature.stored.order == "OldestFirst"

    def observe(self, rows: SourceTable, in_train: NDArray[np.bool_]) -> ListState:
        """Count the events of train, and describe the lists of all rows."""
        lists = self._source.read(rows)
        counts = TextCounts.of(lists.tokens.values, lists.counts(in_train))
        return ListState(counts, ListFacts.of(lists, self._source, rows, in_train, self._length))

    def merge(self, states: Sequence[ListState]) -> ListState:
        """Add counts and facts."""
        return ListState.sum(states)

    def fit(self, state: ListState, of: FittedEncoding, values: object) -> FittedEncoding:
        """Return the encoding with the ids of the fitted feature `of`; InvalidData for lists in two syntaxes.

        `values` is the state of `of` without histories. A history that shares no value with it has a warning.
        """
        state.facts.require_one_syntax()
        lists = state.facts.fitted(self.feature.name, self._length, "Latest", state.counts, self._source)
        if isinstance(values, TextCounts) and not _share_values(state.counts, values):
            event, value = min(state.counts.values.to_pylist()), min(values.values.to_pylist())
            warning = (
                f"feature {self.feature.name}: no event of train is a value of {self.of.name} in train: the events are "
                f"such as {event!r}, the values such as {value!r}; write both in the same way"
            )
            lists = replace(lists, warnings=(warning, *lists.warnings))
        return FittedEncoding("history", of.size, self._length, {}, lists=lists)

    def encode(self, rows: SourceTable, of: FittedEncoding) -> NDArray[np.void]:
        """Return [rows, length] EVENT, latest first; InvalidData for an event later than its row."""
        lists = self._source.read(rows)
        if self.of.hash_buckets is not None:
            ids = hash_texts(lists.tokens.values, self.of.hash_buckets)
        else:
            assert isinstance(of, Vocabulary)
            ids = of.ids(lists.tokens.values)
        if self.time is not None:
            return self._encode_with_times(rows, lists, ids)
        events = np.zeros((rows.rows, self._length), EVENT)
        matrix = lists.matrix(ids, self._length, latest=self._oldest_first)
        events["id"] = reverse_events(matrix) if self._oldest_first else matrix
        return events

    def _encode_with_times(self, rows: SourceTable, lists: TokenLists, ids: NDArray[np.int32]) -> NDArray[np.void]:
        stored, time = self.feature.stored, self.time
        assert stored is not None
        assert stored.times is not None
        assert time is not None
        source = ListColumns((stored.times,), stored.separator or DEFAULT_SEPARATOR, with_positions=True)
        tokens = RowTokens.of(lists)
        events = timed_events(rows, tokens, source.read(rows), stored.times, time)
        tie = tokens.element if self._oldest_first else -tokens.element
        order = np.lexsort((tie, events.times, tokens.row))
        row, ends = tokens.row, np.cumsum(np.bincount(tokens.row, minlength=rows.rows))
        recency = ends[row] - 1 - np.arange(len(row))
        kept = recency < self._length
        matrix = np.zeros((rows.rows, self._length), EVENT)
        matrix["id"] = -1
        matrix["id"][row[kept], recency[kept]] = ids[lists.tokens.codes[tokens.token[order]]][kept]
        matrix["gap"][row[kept], recency[kept]] = gap_ids(events.gaps[order])[kept]
        return matrix


def _share_values(events: TextCounts, values: TextCounts) -> bool:
    """Return whether an event is a value, or there is none of either."""
    if len(events.values) == 0 or len(values.values) == 0:
        return True
    return bool(pc.any(pc.is_in(events.values, value_set=values.values)).as_py())


def reverse_events(matrix: NDArray[np.int32]) -> NDArray[np.int32]:
    """Reverse the order of the ids in each row of [rows, length]; the padding stays at the end."""
    lengths = (matrix >= 0).sum(axis=1)
    position = lengths[:, None] - 1 - np.arange(matrix.shape[1])
    reversed_ids = np.take_along_axis(matrix, np.maximum(position, 0), axis=1)
    return np.where(position >= 0, reversed_ids, np.int32(-1))


def gap_ids(gaps: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the id of each time since an event: n for at least 2^(n-1) and less than 2^n, SAME_TIME for no time."""
    _, exponent = np.frexp(gaps)
    ids = np.clip(exponent, 0, TIME_GAP_IDS - 1)
    return np.where(gaps == 0, SAME_TIME, ids).astype(np.uint8)
