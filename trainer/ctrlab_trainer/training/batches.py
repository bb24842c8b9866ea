"""Rows on their way to a model: encoded arrays as tensors on the device, and batches gathered from them by index.

There is no loader and no worker process: a batch is a handful of `index_select` calls on arrays which stay in memory
(on a CPU they are the memory-mapped files themselves, shared by all processes; `windows` is for larger data). Histories
are gathered from the event log with the latest event first, so that a column's number is its recency and a batch may
stop at its longest history.
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
    """[B, numeric features] what the embedding of each numeric feature is multiplied by."""
    multicategorical_counts: tuple[Tensor, ...]
    """[B, 1] float, ids of each multi-categorical feature, at least 1."""
    history_counts: tuple[Tensor, ...]
    """[B, 1] float, events of each history, at least 1."""
    history_widths: tuple[int, ...]
    """Columns of each history in `ids`; on a CPU only as many as the batch's longest needs."""
    labels: Tensor
    """[B] float 0 or 1."""
    history_gaps: tuple[Tensor | None, ...] = ()
    """[B, L] int32 rows of the fused table for the time since each event, 0 where none is; None for a history whose
    times are not asked for."""


@dataclass(frozen=True)
class _Lookup:
    """What stands for each id of the events."""

    first: int
    ids: Tensor

    def of(self, events: Tensor) -> Tensor:
        """Ids in place of the events' own; padding stays."""
        places = (events - self.first).clamp_(min=0)
        return torch.where(events != PADDING, self.ids[places], PADDING)


@dataclass(frozen=True)
class _Gaps:
    """Times since events, as ids of a block that begins at `offset`."""

    events: Tensor
    """[1 + events], a moment of no meaning before the log."""
    offset: int

    def of(self, rows: Tensor, places: Tensor) -> Tensor:
        """[B, L] int32 of the times of rows [B] and places in the log [B, L]; 0 where the place is.

        Id n stands for a time of 2^(n-1) or more and less than 2^n; times below 1 share id 0.
        """
        since = (rows[:, None] - self.events[places]).double()
        power = torch.frexp(since).exponent.clamp(0, TIME_GAP_IDS - 1).int()
        return torch.where(places != 0, power + self.offset, 0)


@dataclass(frozen=True)
class _Log:
    """Events, whichever rows are held."""

    events: Tensor
    """[1 + events], a padding id before the log, so that the place of an absent event is 0."""
    length: int
    shift: int
    lookup: _Lookup | None
    gaps: _Gaps | None


@dataclass(frozen=True)
class _History:
    """Events of each row, as places in a log."""

    log: _Log
    start: Tensor
    end: Tensor
    times: Tensor | None


class DeviceData:
    """A split on a device, seen through a schema (which may lack some of the split's features)."""

    def __init__(self, split: EncodedSplit, schema: EncodedSchema, device: str) -> None:
        self.device = torch.device(device)
        self._schema = schema
        self._shifts = _shifts(schema.of_kind("categorical"), self.device)
        offsets = [feature.offset for feature in schema.of_kind("numeric")]
        self._numeric_ids = torch.tensor(offsets, dtype=torch.int32, device=self.device)
        self._logs = self._logs_of(split)
        self._hold(split)

    def holding(self, split: EncodedSplit) -> "DeviceData":
        """Other rows with the same logs of events, which are not copied."""
        other = copy.copy(self)
        other._hold(split)
        return other

    def _hold(self, split: EncodedSplit) -> None:
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
        """The rows of that index ([B] int64 on the device), in its order."""
        multicategorical = [_moved(ids.index_select(0, index), shift) for ids, shift in self._multicategorical]
        categorical = self._categorical.rows(index)
        histories = [self._gather(history, index) for history in self._histories]
        ids = [
            categorical if self._shifts is None else categorical - self._shifts,
            self._numeric_ids.expand(len(index), -1),
            *multicategorical,
            *(gathered for gathered, _, _ in histories),
        ]
        present = [part for part in ids if part.shape[1]]
        return Batch(
            ids=torch.cat(present, dim=1) if len(present) > 1 else present[0],
            numeric=self._numeric.rows(index),
            multicategorical_counts=tuple(
                (part != 0).sum(dim=1, keepdim=True).clamp_(min=1).float() for part in multicategorical
            ),
            history_counts=tuple(counts for _, counts, _ in histories),
            history_widths=tuple(gathered.shape[1] for gathered, _, _ in histories),
            history_gaps=tuple(gaps for _, _, gaps in histories),
            labels=self.labels.index_select(0, index),
        )

    def in_order(self, windows: Iterable[Window], size: int) -> Iterator[Tensor]:
        """[<= size] row numbers, batch after batch; a last batch of a single row joins the one before it, because
        batch normalisation needs two."""
        return _batches(joined_order(windows), size)

    def in_turn(self, size: int) -> Iterator[Tensor]:
        """The same, of the rows as they stand in the files."""
        return _batches(torch.arange(self.rows, device=self.device), size)

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        with warnings.catch_warnings():
            # Memory-mapped files are read-only, and nothing here writes to them.
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            return torch.from_numpy(array).to(self.device)

    def _logs_of(self, split: EncodedSplit) -> dict[str, _Log]:
        """By feature; histories may share a log, which is copied once."""
        copies: dict[int, Tensor] = {}

        def after_padding(log: NDArray[Any]) -> Tensor:
            if id(log) not in copies:
                copies[id(log)] = self._tensor(np.concatenate([np.zeros(1, log.dtype), log]))
            return copies[id(log)]

        def log_of(feature: EncodedFeature) -> _Log:
            history = split.histories[feature.name]
            block = next((gaps for gaps in self._schema.of_kind("gaps") if gaps.of == feature.name), None)
            lookup, gaps = None, None
            if history.lookup is not None:
                lookup = _Lookup(history.lookup.first, self._tensor(history.lookup.ids))
            if history.times is not None and block is not None:
                gaps = _Gaps(after_padding(history.times.events), block.offset)
            return _Log(after_padding(history.events), feature.length, feature.shift, lookup, gaps)

        return {feature.name: log_of(feature) for feature in self._schema.of_kind("history")}

    def _history(self, log: _Log, history: EncodedHistory) -> _History:
        times = None if history.times is None or log.gaps is None else self._tensor(history.times.rows)
        return _History(log, self._tensor(history.start), self._tensor(history.end), times)

    def _gather(self, history: _History, index: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        log, times = history.log, history.times
        start, end = history.start.index_select(0, index), history.end.index_select(0, index)
        lengths = (end - start).clamp_(max=log.length)
        # On a GPU the width is fixed: reading the longest length would wait for the device.
        width = log.length if self.device.type == "cuda" else max(1, int(lengths.max()))
        # In arithmetic of 32 bits, which a CPU does many at a time; a choice by booleans it does one by one.
        size = torch.int32 if len(log.events) < 2**31 else torch.int64
        recency = torch.arange(width, dtype=size, device=self.device)
        present = (lengths.to(size)[:, None] - recency).clamp_(0, 1)
        places = (end.to(size)[:, None] - recency).mul_(present)
        gathered = log.events.index_select(0, places.flatten()).view(len(index), width)
        gaps = None if log.gaps is None or times is None else log.gaps.of(times.index_select(0, index), places)
        if log.lookup is not None:
            gathered = log.lookup.of(gathered)
        return _moved(gathered, log.shift), lengths.clamp_(min=1)[:, None].float(), gaps


class _Columns:
    """Rows of a matrix, of the columns that the schema still has."""

    def __init__(self, matrix: Tensor, features: tuple[EncodedFeature, ...]) -> None:
        self._matrix = matrix
        columns = [feature.column for feature in features]
        everything = columns == list(range(matrix.shape[1]))
        self._columns = None if everything else torch.tensor(columns, dtype=torch.int64, device=matrix.device)

    def rows(self, index: Tensor) -> Tensor:
        found = self._matrix.index_select(0, index)
        return found if self._columns is None else found.index_select(1, self._columns)


def _shifts(features: tuple[EncodedFeature, ...], device: torch.device) -> Tensor | None:
    """[features] of categorical ids, which are never padding; None where nothing has moved."""
    if not any(feature.shift for feature in features):
        return None
    return torch.tensor([feature.shift for feature in features], dtype=torch.int32, device=device)


def _moved(ids: Tensor, shift: int) -> Tensor:
    """Ids as rows of the model's table; padding stays."""
    return torch.where(ids != PADDING, ids - shift, ids) if shift else ids


def _batches(order: Tensor, size: int) -> Iterator[Tensor]:
    return (order[start:end] for start, end in batch_bounds(len(order), size))


def batch_bounds(rows: int, size: int) -> list[tuple[int, int]]:
    """Begin and end of each batch of `size` over `rows` rows; no batch but an only one has a single row."""
    starts = list(range(0, rows, size))
    if len(starts) > 1 and rows - starts[-1] == 1:
        starts.pop()
    return list(zip(starts, [*starts[1:], rows], strict=True))
