"""Histories as pointers into a log of positive events.

A row's history is made of its own user's positive events strictly before its time. Information flows forward only: a
train row sees train events, a validation row train and validation events, a test row all. So each part has a log of its
own, and what train and validation store does not depend on any later part's labels, times or items.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctrlab_trainer.data.encoded import EncodedHistory
from ctrlab_trainer.data.splits import Times


@dataclass(frozen=True)
class EventLog:
    """Positive events that the rows of one part may see, and where each row's history lies among them."""

    events: NDArray[np.int64]
    """[events] row numbers in the source, by user, then time, then row number."""
    begin: NDArray[np.int64]
    """[rows of the part] first event of the row's user."""
    end: NDArray[np.int64]
    """[rows of the part] one past the user's latest event strictly before the row's time."""

    def history(self, ids: NDArray[np.int32], length: int) -> EncodedHistory:
        """The log as ids of one feature (`ids` [all rows], global), at most `length` latest events a row."""
        return EncodedHistory(ids[self.events], np.maximum(self.begin, self.end - length), self.end)


def event_log(
    part: int,
    parts: NDArray[np.int8],
    users: NDArray[np.int32],
    when: Times,
    labels: NDArray[np.uint8],
    rows: NDArray[np.int64],
) -> EventLog:
    """The log of one part and where its `rows` (numbers in the source) find their own; others are [all rows]."""
    events = np.flatnonzero((labels == 1) & (parts <= part))
    moments = np.unique(np.concatenate([when[events], when[rows]]))
    width = len(moments) + 1

    def key(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        return users[numbers].astype(np.int64) * width + np.searchsorted(moments, when[numbers])

    event_keys = key(events)
    order = np.argsort(event_keys, kind="stable")
    ordered = event_keys[order]
    return EventLog(
        events=events[order],
        begin=np.searchsorted(ordered, users[rows].astype(np.int64) * width, side="left"),
        end=np.searchsorted(ordered, key(rows), side="left"),
    )
