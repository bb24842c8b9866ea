"""Batches: encoded arrays as tensors on the device, and batches gathered from them by index.

There is no loader and no worker process: a batch takes a few `index_select` calls on arrays which stay in memory (on a
CPU the memory-mapped files themselves, shared by all processes; `row_windows` is for larger data). Histories are
gathered from the event log with the latest event first, so that the column number is the recency of an event and a
batch can stop at its longest history.
"""

import copy
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ctrlab_trainer.data.prepared.encoded_schema import EncodedFeature, EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedHistory, EncodedSplit, ItemLookup
from ctrlab_trainer.training.history_gathering import EventLog, LoggedRows, Lookup, StoredRows, TimeGaps, table_rows
from ctrlab_trainer.training.row_order import Window, joined_order


@dataclass(frozen=True)
class Batch:
    """B rows. The columns of `ids` are categorical, numeric, multi-categorical and history features, in this order."""

    ids: Tensor
    """[B, W] int32 rows of the fused table; 0 is padding."""
    numeric: Tensor
    """[B, numeric features] values that the embedding of each numeric feature is multiplied by."""
    multicategorical_counts: tuple[Tensor, ...]
    """[B, 1] float, number of ids of each multi-categorical feature, at least 1."""
    history_counts: tuple[Tensor, ...]
    """[B, 1] float, number of events of each history, at least 1."""
    history_widths: tuple[int, ...]
    """Columns of each history in `ids`; on a CPU only as many as the longest history of the batch needs."""
    labels: Tensor
    """[B] float 0 or 1."""
    weights: Tensor | None = None
    """[B] weights of the rows in the loss; None where all rows count equally."""
    vectors: tuple[Tensor, ...] = ()
    """[B, width] numbers of each Vector feature."""
    history_gaps: tuple[Tensor | None, ...] = ()
    """[B, L] int32 rows of the fused table for the time since each event, 0 for padding; None for a history without
    time gaps."""


class DeviceData:
    """The rows of a split on a device, with the features of a schema (which may lack some of the split's)."""

    def __init__(self, split: EncodedSplit, schema: EncodedSchema, device: str) -> None:
        self.device = torch.device(device)
        self._schema = schema
        self._shifts = _shifts(schema.of_kind("categorical"), self.device)
        offsets = [feature.offset for feature in schema.of_kind("numeric")]
        self._numeric_ids = torch.tensor(offsets, dtype=torch.int32, device=self.device)
        self._logs = self._event_logs(split)
        self._load(split)

    def with_split(self, split: EncodedSplit) -> "DeviceData":
        """Return other rows with the same event logs, which are not copied."""
        other = copy.copy(self)
        other._load(split)
        return other

    def _load(self, split: EncodedSplit) -> None:
        self.rows = split.rows
        self.labels = self._tensor(np.asarray(split.labels)).float()
        """[rows] 0 or 1."""
        self.weights = None if split.weights is None else self._tensor(np.asarray(split.weights))
        """[rows] weights in the loss, None without."""
        self._categorical = _Columns(self._tensor(split.categorical), self._schema.of_kind("categorical"))
        self._numeric = _Columns(self._tensor(split.numeric), self._schema.of_kind("numeric"))
        self._multicategorical = [
            (self._tensor(split.multicategorical[feature.name]), feature.shift)
            for feature in self._schema.of_kind("multicategorical")
        ]
        self._vectors = [self._tensor(split.vectors[feature.name]) for feature in self._schema.of_kind("vector")]
        self._histories = [self._history(feature, split) for feature in self._schema.of_kind("history")]

    def batch(self, index: Tensor) -> Batch:
        """Return the rows of the index ([B] int64 on the device), in its order."""
        multicategorical = [table_rows(ids.index_select(0, index), shift) for ids, shift in self._multicategorical]
        categorical = self._categorical.rows(index)
        histories = [history.gather(index) for history in self._histories]
        ids = [
            categorical if self._shifts is None else categorical - self._shifts,
            self._numeric_ids.expand(len(index), -1),
            *multicategorical,
            *(history.ids for history in histories),
        ]
        present = [columns for columns in ids if columns.shape[1]]
        return Batch(
            ids=torch.cat(present or [categorical], dim=1) if len(present) != 1 else present[0],
            numeric=self._numeric.rows(index),
            multicategorical_counts=tuple(
                (lists != 0).sum(dim=1, keepdim=True).clamp_(min=1).float() for lists in multicategorical
            ),
            history_counts=tuple(history.counts for history in histories),
            history_widths=tuple(history.ids.shape[1] for history in histories),
            history_gaps=tuple(history.gaps for history in histories),
            labels=self.labels.index_select(0, index),
            weights=None if self.weights is None else self.weights.index_select(0, index),
            vectors=tuple(vectors.index_select(0, index) for vectors in self._vectors),
        )

    def index_batches(self, windows: Iterable[Window], size: int) -> Iterator[Tensor]:
        """Yield [<= size] row numbers.

        A last batch of a single row is merged into the previous one, because batch normalization needs two rows.
        """
        return _split_into_batches(joined_order(windows), size)

    def sequential_batches(self, size: int) -> Iterator[Tensor]:
        """Yield the same for the rows in the order of the files."""
        return _split_into_batches(torch.arange(self.rows, device=self.device), size)

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        with warnings.catch_warnings():
            # Memory-mapped files are read-only, and nothing here writes to them.
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            return torch.from_numpy(array).to(self.device)

    def _event_logs(self, split: EncodedSplit) -> dict[str, EventLog]:
        """Return the logs of logged histories by feature; histories may share a log, which is copied once."""
        copies: dict[int, Tensor] = {}

        def after_padding(log: NDArray[Any]) -> Tensor:
            if id(log) not in copies:
                copies[id(log)] = self._tensor(np.concatenate([np.zeros(1, log.dtype), log]))
            return copies[id(log)]

        def log_of(feature: EncodedFeature, history: EncodedHistory) -> EventLog:
            lookup, gaps = self._lookup(history.lookup), None
            offset = self._gap_offset(feature)
            if history.times is not None and offset is not None:
                gaps = TimeGaps(after_padding(history.times.events), offset)
            return EventLog(after_padding(history.events), feature.length, feature.shift, lookup, gaps)

        return {
            feature.name: log_of(feature, split.histories[feature.name])
            for feature in self._schema.of_kind("history")
            if feature.stored is None
        }

    def _lookup(self, lookup: ItemLookup | None) -> Lookup | None:
        return None if lookup is None else Lookup(lookup.first, self._tensor(lookup.ids))

    def _gap_offset(self, feature: EncodedFeature) -> int | None:
        """Return the first id of a history's time gaps, None if it has none."""
        return next((gaps.offset for gaps in self._schema.of_kind("gaps") if gaps.of == feature.name), None)

    def _history(self, feature: EncodedFeature, split: EncodedSplit) -> LoggedRows | StoredRows:
        if feature.stored is not None:
            stored, offset = split.stored_histories[feature.name], self._gap_offset(feature)
            gaps = None if stored.gaps is None or offset is None else self._tensor(stored.gaps)
            lookup = self._lookup(stored.lookup)
            return StoredRows(self._tensor(stored.ids), gaps, offset or 0, feature.shift, lookup)
        log, history = self._logs[feature.name], split.histories[feature.name]
        times = None if history.times is None or log.gaps is None else self._tensor(history.times.rows)
        return LoggedRows(log, self._tensor(history.start), self._tensor(history.end), times)


class _Columns:
    """Rows of a matrix, with the columns that the schema still has."""

    def __init__(self, matrix: Tensor, features: tuple[EncodedFeature, ...]) -> None:
        self._matrix = matrix
        columns = [feature.column for feature in features]
        complete = columns == list(range(matrix.shape[1]))
        self._columns = None if complete else torch.tensor(columns, dtype=torch.int64, device=matrix.device)

    def rows(self, index: Tensor) -> Tensor:
        rows = self._matrix.index_select(0, index)
        return rows if self._columns is None else rows.index_select(1, self._columns)


def _shifts(features: tuple[EncodedFeature, ...], device: torch.device) -> Tensor | None:
    """Return the [features] shifts of categorical ids, which are never padding; None if there is no shift."""
    if not any(feature.shift for feature in features):
        return None
    return torch.tensor([feature.shift for feature in features], dtype=torch.int32, device=device)


def _split_into_batches(order: Tensor, size: int) -> Iterator[Tensor]:
    return (order[start:end] for start, end in batch_bounds(len(order), size))


def batch_bounds(rows: int, size: int) -> list[tuple[int, int]]:
    """Return begin and end of each batch of `size`; no batch has a single row unless it is the only one."""
    starts = list(range(0, rows, size))
    if len(starts) > 1 and rows - starts[-1] == 1:
        starts.pop()
    return list(zip(starts, [*starts[1:], rows], strict=True))
