"""Arrays of an encoded split (train, valid or test), one `.npy` file each; `encoded_schema` explains their ids."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctrlab_trainer.data.prepared.encoded_schema import EncodedFeature, EncodedSchema


@dataclass(frozen=True)
class ItemLookup:
    """Value of a feature for each id of another feature, such as the category of each item."""

    first: int
    """The id at position 0."""
    ids: NDArray[np.int32]
    """[ids of the other feature] global ids."""


@dataclass(frozen=True)
class EventTimes:
    """Times of events and rows, from which time gaps are computed."""

    events: NDArray[np.int64] | NDArray[np.float64]
    """[events]"""
    rows: NDArray[np.int64] | NDArray[np.float64]
    """[rows]"""


@dataclass(frozen=True)
class EncodedHistory:
    """Logged histories as pointers into an event log, gathered when a batch is built; a row has `events[start:end]`."""

    events: NDArray[np.int32]
    """[events] global ids, by user, then time."""
    start: NDArray[np.int64]
    """[rows] first event kept (at most `length` before `end`)."""
    end: NDArray[np.int64]
    """[rows] one past the latest event strictly before the row's time."""
    lookup: ItemLookup | None = None
    """Maps the events of the history that this one shares to ids of this one's feature."""
    times: EventTimes | None = None
    """Present if the feature has time gaps."""

    @property
    def is_empty(self) -> NDArray[np.bool_]:
        """[rows] whether the row has no event."""
        return np.asarray(self.start == self.end)


@dataclass(frozen=True)
class StoredHistory:
    """Histories that the rows contain."""

    ids: NDArray[np.int32]
    """[rows, length] global ids, latest event first, padded at the end with 0."""
    gaps: NDArray[np.uint8] | None = None
    """[rows, length] ids of the times since the events, modulo TIME_GAP_IDS; present if the events have times."""
    lookup: ItemLookup | None = None
    """Maps the events of the history that this one shares to ids of this one's feature."""

    @property
    def is_empty(self) -> NDArray[np.bool_]:
        """[rows] whether the row has no event."""
        return np.asarray(self.ids[:, 0] == 0)


@dataclass(frozen=True)
class EncodedSplit:
    """One split of the data, memory-mapped."""

    labels: NDArray[np.uint8]
    """[rows] 0 or 1."""
    categorical: NDArray[np.int32]
    """[rows, categorical features] global ids."""
    numeric: NDArray[np.float32]
    """[rows, numeric features]; finite."""
    multicategorical: dict[str, NDArray[np.int32]]
    """[rows, length] global ids, padded at the end with 0."""
    histories: dict[str, EncodedHistory]
    """Histories of logged events."""
    users: NDArray[np.int32] | None
    """[rows] user numbers, the same for a user in all splits."""
    row_ids: NDArray[np.int64]
    """[rows] row number in the source, counted from 0."""
    stored_histories: dict[str, StoredHistory] = field(default_factory=dict)
    """Histories whose events are stored with the rows."""
    vectors: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    """[rows, width] numbers of Vector features; finite."""
    weights: NDArray[np.float32] | None = None
    """[rows] weights in the loss (train) or in the metrics (validation and test), with mean 1 over train; None where
    all rows count equally."""
    groups: NDArray[np.int32] | None = None
    """[rows] group numbers, the same for a group in all splits; None without a group column."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.labels)


def save_split(folder: Path, split: EncodedSplit) -> None:
    """Write a split as `.npy` files into an existing, empty folder."""
    for name, array in split_arrays(split).items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def open_split(folder: Path, schema: EncodedSchema) -> EncodedSplit:
    """Open a split by memory-mapping its files, one array per file; processes share the mapped pages."""

    @cache
    def mapped(name: str) -> NDArray[Any]:
        array: NDArray[Any] = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        return array

    return EncodedSplit(
        labels=mapped("labels"),
        categorical=mapped("categorical"),
        numeric=mapped("numeric"),
        multicategorical={
            feature.name: mapped(f"multicategorical-{index}")
            for index, feature in enumerate(schema.of_kind("multicategorical"))
        },
        histories={
            feature.name: _open_history(mapped, file, feature, schema)
            for file, feature in schema.logged_histories.items()
        },
        users=mapped("users") if (folder / "users.npy").exists() else None,
        row_ids=mapped("row_ids"),
        stored_histories={
            feature.name: _open_stored_history(mapped, file, feature, schema)
            for file, feature in schema.stored_histories.items()
        },
        vectors={feature.name: mapped(f"vector-{index}") for index, feature in enumerate(schema.of_kind("vector"))},
        weights=mapped("weights") if (folder / "weights.npy").exists() else None,
        groups=mapped("groups") if (folder / "groups.npy").exists() else None,
    )


def _open_history(
    mapped: Callable[[str], NDArray[Any]], file: str, feature: EncodedFeature, schema: EncodedSchema
) -> EncodedHistory:
    events = _file_of_events(file, feature, schema.logged_histories)
    has_gaps = any(gaps.of == feature.name for gaps in schema.of_kind("gaps"))
    return EncodedHistory(
        events=mapped(f"{events}-events"),
        start=mapped(f"{events}-start"),
        end=mapped(f"{events}-end"),
        lookup=_open_lookup(mapped, file, feature, schema),
        times=EventTimes(mapped("event_times"), mapped("times")) if has_gaps else None,
    )


def _open_stored_history(
    mapped: Callable[[str], NDArray[Any]], file: str, feature: EncodedFeature, schema: EncodedSchema
) -> StoredHistory:
    events = _file_of_events(file, feature, schema.stored_histories)
    with_times = feature.through is None and feature.stored == "IdsAndTimes"
    return StoredHistory(
        ids=mapped(f"{events}-ids"),
        gaps=mapped(f"{events}-gaps") if with_times else None,
        lookup=_open_lookup(mapped, file, feature, schema),
    )


def _file_of_events(file: str, feature: EncodedFeature, histories: dict[str, EncodedFeature]) -> str:
    """Return the beginning of the names of the files with the events of a history, which may be another's."""
    if feature.through is None:
        return file
    return next(other for other, history in histories.items() if history.name == feature.through)


def _open_lookup(
    mapped: Callable[[str], NDArray[Any]], file: str, feature: EncodedFeature, schema: EncodedSchema
) -> ItemLookup | None:
    if feature.through is None:
        return None
    items = schema.feature(schema.feature(feature.through).of or "")
    return ItemLookup(items.offset + items.shift, mapped(f"{file}-lookup"))


def split_arrays(split: EncodedSplit) -> dict[str, NDArray[np.generic]]:
    """Return all arrays of a split by file name (without `.npy`)."""
    arrays: dict[str, NDArray[np.generic]] = {
        "labels": split.labels,
        "categorical": split.categorical,
        "numeric": split.numeric,
        "row_ids": split.row_ids,
    }
    if split.users is not None:
        arrays["users"] = split.users
    if split.groups is not None:
        arrays["groups"] = split.groups
    if split.weights is not None:
        arrays["weights"] = split.weights
    for index, ids in enumerate(split.multicategorical.values()):
        arrays[f"multicategorical-{index}"] = ids
    for index, history in enumerate(split.histories.values()):
        if history.times is not None:
            arrays |= {"event_times": history.times.events, "times": history.times.rows}
        if history.lookup is not None:
            arrays[f"history-{index}-lookup"] = history.lookup.ids
            continue
        arrays[f"history-{index}-events"] = history.events
        arrays[f"history-{index}-start"] = history.start
        arrays[f"history-{index}-end"] = history.end
    for index, vectors in enumerate(split.vectors.values()):
        arrays[f"vector-{index}"] = vectors
    for index, stored in enumerate(split.stored_histories.values()):
        if stored.lookup is not None:
            arrays[f"stored-history-{index}-lookup"] = stored.lookup.ids
            continue
        arrays[f"stored-history-{index}-ids"] = stored.ids
        if stored.gaps is not None:
            arrays[f"stored-history-{index}-gaps"] = stored.gaps
    return arrays


def row_arrays(split: EncodedSplit) -> list[NDArray[Any]]:
    """Return the arrays with one entry per row from which batches are built; a shared array is listed once."""
    arrays: list[NDArray[Any]] = [split.labels, split.categorical, split.numeric, *split.multicategorical.values()]
    arrays += split.vectors.values()
    if split.weights is not None:
        arrays.append(split.weights)
    for stored in split.stored_histories.values():
        arrays += [stored.ids, *([] if stored.gaps is None else [stored.gaps])]
    for history in split.histories.values():
        arrays += [history.start, history.end, *([] if history.times is None else [history.times.rows])]
    return list({id(array): array for array in arrays}.values())


def with_rows(split: EncodedSplit, rows: Sequence[NDArray[Any]]) -> EncodedSplit:
    """Return a split of other rows over the same event logs, without users, groups and row numbers.

    `rows` has the order of `row_arrays`.
    """
    replacement = {id(array): other for array, other in zip(row_arrays(split), rows, strict=True)}

    def stored_of(history: StoredHistory) -> StoredHistory:
        gaps = None if history.gaps is None else replacement[id(history.gaps)]
        return replace(history, ids=replacement[id(history.ids)], gaps=gaps)

    def of(history: EncodedHistory) -> EncodedHistory:
        times = None if history.times is None else replace(history.times, rows=replacement[id(history.times.rows)])
        return replace(history, start=replacement[id(history.start)], end=replacement[id(history.end)], times=times)

    return EncodedSplit(
        labels=replacement[id(split.labels)],
        categorical=replacement[id(split.categorical)],
        numeric=replacement[id(split.numeric)],
        multicategorical={name: replacement[id(ids)] for name, ids in split.multicategorical.items()},
        histories={name: of(history) for name, history in split.histories.items()},
        users=None,
        row_ids=split.row_ids[:0],
        stored_histories={name: stored_of(history) for name, history in split.stored_histories.items()},
        vectors={name: replacement[id(vectors)] for name, vectors in split.vectors.items()},
        weights=None if split.weights is None else replacement[id(split.weights)],
    )
