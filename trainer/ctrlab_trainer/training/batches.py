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

from ctrlab_trainer.data.prepared.encoded_schema import PADDING, TIME_GAP_IDS, EncodedFeature, EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedHistory, EncodedSplit
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
    history_gaps: tuple[Tensor | None, ...] = ()
    """[B, L] int32 rows of the fused table for the time since each event, 0 for padding; None for a history without
    time gaps."""


@dataclass(frozen=True)
class _Lookup:
    """Maps the ids of events to other ids, such as from items to their categories."""

    first: int
    ids: Tensor

    def apply(self, events: Tensor) -> Tensor:
        """Return the mapped ids; padding stays."""
        indices = (events - self.first).clamp_(min=0)
        return torch.where(events != PADDING, self.ids[indices], PADDING)


@dataclass(frozen=True)
class _TimeGaps:
    """Times since events, as ids of a block that begins at `offset`."""

    event_times: Tensor
    """[1 + events], with an arbitrary time before the log for absent events."""
    offset: int

    def ids(self, row_times: Tensor, positions: Tensor) -> Tensor:
        """Return the [B, L] int32 ids for rows [B] and positions in the log [B, L]; 0 where the position is 0.

        Id n stands for a time of at least 2^(n-1) and less than 2^n; times below 1 share id 0.
        """
        since = (row_times[:, None] - self.event_times[positions]).double()
        power = torch.frexp(since).exponent.clamp(0, TIME_GAP_IDS - 1).int()
        return torch.where(positions != 0, power + self.offset, 0)


@dataclass(frozen=True)
class _EventLog:
    """The events of a history feature, independent of the rows that are loaded."""

    events: Tensor
    """[1 + events], with a padding id before the log, so that the position of an absent event is 0."""
    length: int
    shift: int
    lookup: _Lookup | None
    gaps: _TimeGaps | None


@dataclass(frozen=True)
class _History:
    """The events of each row, as positions in a log."""

    log: _EventLog
    start: Tensor
    end: Tensor
    times: Tensor | None


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
        self._categorical = _Columns(self._tensor(split.categorical), self._schema.of_kind("categorical"))
        self._numeric = _Columns(self._tensor(split.numeric), self._schema.of_kind("numeric"))
        self._multicategorical = [
            (self._tensor(split.multicategorical[feature.name]), feature.shift)
            for feature in self._schema.of_kind("multicategorical")
        ]
        self._histories = [self._history(log, split.histories[name]) for name, log in self._logs.items()]

    def batch(self, index: Tensor) -> Batch:
        """Return the rows of the index ([B] int64 on the device), in its order."""
        multicategorical = [_table_rows(ids.index_select(0, index), shift) for ids, shift in self._multicategorical]
        categorical = self._categorical.rows(index)
        histories = [self._gather(history, index) for history in self._histories]
        ids = [
            categorical if self._shifts is None else categorical - self._shifts,
            self._numeric_ids.expand(len(index), -1),
            *multicategorical,
            *(gathered for gathered, _, _ in histories),
        ]
        present = [columns for columns in ids if columns.shape[1]]
        return Batch(
            ids=torch.cat(present, dim=1) if len(present) > 1 else present[0],
            numeric=self._numeric.rows(index),
            multicategorical_counts=tuple(
                (lists != 0).sum(dim=1, keepdim=True).clamp_(min=1).float() for lists in multicategorical
            ),
            history_counts=tuple(counts for _, counts, _ in histories),
            history_widths=tuple(gathered.shape[1] for gathered, _, _ in histories),
            history_gaps=tuple(gaps for _, _, gaps in histories),
            labels=self.labels.index_select(0, index),
        )

    def index_batches(self, windows: Iterable[Window], size: int) -> Iterator[Tensor]:
        """Yield [<= size] row numbers.

        A last batch of a single row is merged into the previous one, because batch normalisation needs two rows.
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

    def _event_logs(self, split: EncodedSplit) -> dict[str, _EventLog]:
        """Return the logs by feature; histories may share a log, which is copied once."""
        copies: dict[int, Tensor] = {}

        def after_padding(log: NDArray[Any]) -> Tensor:
            if id(log) not in copies:
                copies[id(log)] = self._tensor(np.concatenate([np.zeros(1, log.dtype), log]))
            return copies[id(log)]

        def log_of(feature: EncodedFeature) -> _EventLog:
            history = split.histories[feature.name]
            block = next((gaps for gaps in self._schema.of_kind("gaps") if gaps.of == feature.name), None)
            lookup, gaps = None, None
            if history.lookup is not None:
                lookup = _Lookup(history.lookup.first, self._tensor(history.lookup.ids))
            if history.times is not None and block is not None:
                gaps = _TimeGaps(after_padding(history.times.events), block.offset)
            return _EventLog(after_padding(history.events), feature.length, feature.shift, lookup, gaps)

        return {feature.name: log_of(feature) for feature in self._schema.of_kind("history")}

    def _history(self, log: _EventLog, history: EncodedHistory) -> _History:
        times = None if history.times is None or log.gaps is None else self._tensor(history.times.rows)
        return _History(log, self._tensor(history.start), self._tensor(history.end), times)

    def _gather(self, history: _History, index: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return ids, counts and time gaps of the events of the rows."""
        log, times = history.log, history.times
        start, end = history.start.index_select(0, index), history.end.index_select(0, index)
        lengths = (end - start).clamp_(max=log.length)
        # On a GPU the width is fixed: reading the longest length would wait for the device.
        width = log.length if self.device.type == "cuda" else max(1, int(lengths.max()))
        # 32-bit arithmetic, which a CPU vectorises; selecting by booleans would process one element at a time.
        integer = torch.int32 if len(log.events) < 2**31 else torch.int64
        recency = torch.arange(width, dtype=integer, device=self.device)
        present = (lengths.to(integer)[:, None] - recency).clamp_(0, 1)
        positions = (end.to(integer)[:, None] - recency).mul_(present)
        gathered = log.events.index_select(0, positions.flatten()).view(len(index), width)
        gaps = None if log.gaps is None or times is None else log.gaps.ids(times.index_select(0, index), positions)
        if log.lookup is not None:
            gathered = log.lookup.apply(gathered)
        return _table_rows(gathered, log.shift), lengths.clamp_(min=1)[:, None].float(), gaps


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


def _table_rows(ids: Tensor, shift: int) -> Tensor:
    """Return encoded ids as rows of the model's table; padding stays."""
    return torch.where(ids != PADDING, ids - shift, ids) if shift else ids


def _split_into_batches(order: Tensor, size: int) -> Iterator[Tensor]:
    return (order[start:end] for start, end in batch_bounds(len(order), size))


def batch_bounds(rows: int, size: int) -> list[tuple[int, int]]:
    """Return begin and end of each batch of `size`; no batch has a single row unless it is the only one."""
    starts = list(range(0, rows, size))
    if len(starts) > 1 and rows - starts[-1] == 1:
        starts.pop()
    return list(zip(starts, [*starts[1:], rows], strict=True))
