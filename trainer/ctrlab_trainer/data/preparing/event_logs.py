"""Histories as pointers into a log of positive events.

A row's history is made of its own user's positive events strictly before its time. Information flows forward only: a
train row sees train events, a validation row train and validation events, a test row all. So each part has a log of its
own, and what train and validation store does not depend on any later part's labels, times or items.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.encoders import FittedEncoding
from ctrlab_trainer.data.prepared.encoded_splits import EncodedFeature, EncodedHistory, EncodedSchema
from ctrlab_trainer.data.preparing.encoded_columns import EncodedColumns
from ctrlab_trainer.data.splitting.split_strategies import Timestamps


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
    when: Timestamps,
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


def history_arrays(
    log: EventLog, schema: EncodedSchema, columns: EncodedColumns, when: Timestamps, rows: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """The files of every history of one part but the item tables; see `open_split`."""
    arrays: dict[str, NDArray[Any]] = {}
    for index, feature in enumerate(schema.of_kind("history")):
        if feature.through is None:
            history = log.history(columns.ids(schema.feature(feature.of or "")), feature.length)
            arrays[f"history-{index}-events"] = history.events
            arrays[f"history-{index}-start"] = history.start
            arrays[f"history-{index}-end"] = history.end
    if schema.of_kind("gaps"):
        arrays |= {"event_times": when[log.events], "times": when[rows]}
    return arrays


def item_tables(
    schema: EncodedSchema, columns: EncodedColumns, train: NDArray[np.int64], fitted: dict[str, FittedEncoding]
) -> dict[str, NDArray[Any]]:
    """The files of the tables item -> value of the histories that share another's events, from the rows of train.

    An item that train does not know has the out-of-vocabulary value. InvalidData for an item with two values.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for index, feature in enumerate(schema.of_kind("history")):
        if feature.through is None:
            continue
        items = schema.feature(schema.feature(feature.through).of or "")
        values = schema.feature(feature.of or "")
        item, value = (np.asarray(columns.ids(column)[train]) for column in (items, values))
        table = np.full(items.size, values.offset, np.int32)
        table[item - items.offset] = value
        table[0] = values.offset
        known = item != items.offset
        differs = known & (table[item - items.offset] != value)
        if differs.any():
            row = int(np.argmax(differs))
            name = _text(fitted, items, int(item[row]))
            first, second = (_text(fitted, values, int(of)) for of in (value[row], table[item[row] - items.offset]))
            raise InvalidData.at(
                f"feature {feature.name}",
                f"{items.name} {name!r} has {values.name} {first!r} in one row of train and {second!r} in another, so "
                "that no table can give it; leave `through` out",
            )
        arrays[f"history-{index}-lookup"] = table
    return arrays


def _text(fitted: dict[str, FittedEncoding], feature: EncodedFeature, id: int) -> str:
    """The value that an id stands for."""
    known = fitted[feature.name].record.get("values")
    place = id - feature.offset - 1
    return str(known[place]) if isinstance(known, list) and place >= 0 else "(out of vocabulary)"
