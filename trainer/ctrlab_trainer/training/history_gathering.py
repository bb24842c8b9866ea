"""The events of the rows of a batch, latest first: gathered from an event log, or stored with the rows."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ctrlab_trainer.data.prepared.encoded_schema import PADDING, TIME_GAP_IDS


def table_rows(ids: Tensor, shift: int) -> Tensor:
    """Return encoded ids as rows of the model's table; padding stays."""
    return torch.where(ids != PADDING, ids - shift, ids) if shift else ids


@dataclass(frozen=True)
class Lookup:
    """Maps the ids of events to other ids, such as from items to their categories."""

    first: int
    ids: Tensor

    def apply(self, events: Tensor) -> Tensor:
        """Return the mapped ids; padding stays."""
        indices = (events - self.first).clamp_(min=0)
        return torch.where(events != PADDING, self.ids[indices], PADDING)


@dataclass(frozen=True)
class TimeGaps:
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
class EventLog:
    """The events of a history feature, independent of the rows that are loaded."""

    events: Tensor
    """[1 + events], with a padding id before the log, so that the position of an absent event is 0."""
    length: int
    shift: int
    lookup: Lookup | None
    gaps: TimeGaps | None


@dataclass(frozen=True)
class GatheredEvents:
    """The events of one history in a batch, latest first."""

    ids: Tensor
    """[B, L] rows of the model's table, 0 for padding."""
    counts: Tensor
    """[B, 1] float, at least 1."""
    gaps: Tensor | None
    """[B, L] rows of the table for the time since each event."""


@dataclass(frozen=True)
class LoggedRows:
    """The events of each row, as positions in a log."""

    log: EventLog
    start: Tensor
    end: Tensor
    times: Tensor | None

    def gather(self, index: Tensor) -> GatheredEvents:
        """Return the events of the rows."""
        log, times = self.log, self.times
        start, end = self.start.index_select(0, index), self.end.index_select(0, index)
        lengths = (end - start).clamp_(max=log.length)
        # On a GPU the width is fixed: reading the longest length would wait for the device.
        width = log.length if start.is_cuda else max(1, int(lengths.max()))
        # 32-bit arithmetic, which a CPU vectorizes; selecting by booleans would process one element at a time.
        integer = torch.int32 if len(log.events) < 2**31 else torch.int64
        recency = torch.arange(width, dtype=integer, device=start.device)
        present = (lengths.to(integer)[:, None] - recency).clamp_(0, 1)
        positions = (end.to(integer)[:, None] - recency).mul_(present)
        gathered = log.events.index_select(0, positions.flatten()).view(len(index), width)
        gaps = None if log.gaps is None or times is None else log.gaps.ids(times.index_select(0, index), positions)
        if log.lookup is not None:
            gathered = log.lookup.apply(gathered)
        return GatheredEvents(table_rows(gathered, log.shift), lengths.clamp_(min=1)[:, None].float(), gaps)


@dataclass(frozen=True)
class StoredRows:
    """The events of each row, stored with it."""

    ids: Tensor
    """[rows, length], latest first."""
    gaps: Tensor | None
    """[rows, length] ids of time gaps modulo TIME_GAP_IDS."""
    gap_offset: int
    shift: int
    lookup: Lookup | None

    def gather(self, index: Tensor) -> GatheredEvents:
        """Return the events of the rows."""
        ids = self.ids.index_select(0, index)
        lengths = (ids != PADDING).sum(dim=1)
        # On a GPU the width is fixed: reading the longest length would wait for the device.
        width = ids.shape[1] if ids.is_cuda else max(1, int(lengths.max()))
        ids = ids[:, :width]
        gaps = None
        if self.gaps is not None:
            power = self.gaps.index_select(0, index)[:, :width].int() & (TIME_GAP_IDS - 1)
            gaps = torch.where(ids != PADDING, power + self.gap_offset, 0)
        if self.lookup is not None:
            ids = self.lookup.apply(ids)
        return GatheredEvents(table_rows(ids, self.shift), lengths.clamp_(min=1)[:, None].float(), gaps)
