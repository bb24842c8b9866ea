"""Event logs: the positive events of users, into which each row's history points.

A row's history consists of its user's positive events strictly before its time. Information flows forward only: a
train row sees train events, a validation row train and validation events, a test row all events. Each split therefore
has its own log, and train and validation do not depend on the labels, times or items of a later split.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.encoders import FittedEncoding
from ctrlab_trainer.data.preparation.encoded_columns import EncodedColumns
from ctrlab_trainer.data.prepared.encoded_schema import EncodedFeature, EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedHistory
from ctrlab_trainer.data.times.row_times import Timestamps


@dataclass(frozen=True)
class EventLog:
    """Positive events that the rows of one split may see, and the section that belongs to each row."""

    events: NDArray[np.int64]
    """[events] row numbers in the source, by user, then time, then row number."""
    begin: NDArray[np.int64]
    """[rows of the split] first event of the row's user."""
    end: NDArray[np.int64]
    """[rows of the split] one past the user's latest event strictly before the row's time."""

    def history(self, ids: NDArray[np.int32], length: int) -> EncodedHistory:
        """Return the log as ids of one feature (`ids` [all rows], global), at most `length` latest events per row."""
        return EncodedHistory(ids[self.events], np.maximum(self.begin, self.end - length), self.end)


def event_log(
    split: int,
    split_of_row: NDArray[np.int8],
    users: NDArray[np.int32],
    times: Timestamps,
    labels: NDArray[np.uint8],
    rows: NDArray[np.int64],
) -> EventLog:
    """Build the log for the source rows `rows` of one split; the other arrays are [all rows]."""
    events = np.flatnonzero((labels == 1) & (split_of_row <= split))
    distinct_times = np.unique(np.concatenate([times[events], times[rows]]))
    width = len(distinct_times) + 1

    def sort_key(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        return users[numbers].astype(np.int64) * width + np.searchsorted(distinct_times, times[numbers])

    event_keys = sort_key(events)
    order = np.argsort(event_keys, kind="stable")
    ordered = event_keys[order]
    return EventLog(
        events=events[order],
        begin=np.searchsorted(ordered, users[rows].astype(np.int64) * width, side="left"),
        end=np.searchsorted(ordered, sort_key(rows), side="left"),
    )


def history_arrays(
    log: EventLog, schema: EncodedSchema, columns: EncodedColumns, times: Timestamps, rows: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """Return the arrays of the logged histories of one split, except the item tables; see `open_split`."""
    arrays: dict[str, NDArray[Any]] = {}
    for file, feature in schema.logged_histories.items():
        if feature.through is None:
            history = log.history(columns.ids(schema.feature(feature.of or "")), feature.length)
            arrays[f"{file}-events"] = history.events
            arrays[f"{file}-start"] = history.start
            arrays[f"{file}-end"] = history.end
    with_gaps = {gaps.of for gaps in schema.of_kind("gaps")}
    if any(feature.name in with_gaps for feature in schema.logged_histories.values()):
        arrays |= {"event_times": times[log.events], "times": times[rows]}
    return arrays


def item_tables(
    schema: EncodedSchema, columns: EncodedColumns, train: NDArray[np.int64], fitted: dict[str, FittedEncoding]
) -> dict[str, NDArray[Any]]:
    """Return the tables item -> value of histories that share another history's events, built from train rows.

    An item that is not in train has the out-of-vocabulary value. Raises InvalidData for an item with two values.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for file, feature in {**schema.logged_histories, **schema.stored_histories}.items():
        if feature.through is None:
            continue
        items = schema.feature(schema.feature(feature.through).of or "")
        values = schema.feature(feature.of or "")
        item, value = (np.asarray(columns.ids(column)[train]) for column in (items, values))
        table = np.full(items.size, values.offset, np.int32)
        table[item - items.offset] = value
        table[0] = values.offset
        in_vocabulary = item != items.offset
        differs = in_vocabulary & (table[item - items.offset] != value)
        if differs.any():
            row = int(np.argmax(differs))
            name = _text(fitted, items, int(item[row]))
            first, second = (_text(fitted, values, int(id)) for id in (value[row], table[item[row] - items.offset]))
            raise InvalidData.at(
                f"feature {feature.name}",
                f"{items.name} {name!r} has {values.name} {first!r} in one row of train and {second!r} in another, so "
                "the value of an item is ambiguous; leave `through` out",
            )
        arrays[f"{file}-lookup"] = table
    return arrays


def _text(fitted: dict[str, FittedEncoding], feature: EncodedFeature, id: int) -> str:
    """Return the value of an id, for messages."""
    values = fitted[feature.name].record.get("values")
    position = id - feature.offset - 1
    return str(values[position]) if isinstance(values, list) and position >= 0 else "(out of vocabulary)"
