"""The encoded form of a data set: which arrays a split holds, and how their ids index one fused embedding table.

Ids are global rows of the fused table: a feature's block begins at `offset`, and the block's first row is its
out-of-vocabulary id. Row 0 of the table is padding and stays zero. A History has no block of its own: it uses the block
of the feature that it is made of, and the times since its events have a block that no row of the source shows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from ctrlab_api.schema_types import ApiModel

PADDING = 0
"""The global id that stands for nothing."""


TIME_GAP_IDS = 64
"""Ids of the times since an event: powers of two of the time column's unit."""


class EncodedVectors(ApiModel):
    """Pre-trained vectors of a feature, in a file beside the schema."""

    file: str
    """[ids of the block, width] float32; NaN for an id whose embedding is learned."""
    width: int
    trained: bool
    """Whether training changes them."""


class EncodedFeature(ApiModel):
    """One feature and where its values lie."""

    name: str
    kind: Literal["categorical", "numeric", "multicategorical", "history", "gaps"]
    """gaps: times since the events of the history `of`; no field of its own, but added to the events."""
    offset: int
    """First row of its block in the fused table."""
    size: int
    """Rows of its block; 1 for a numeric feature, whose embedding is multiplied by the value."""
    column: int
    """Column of `categorical` or `numeric`; -1 for the kinds that have an array of their own."""
    length: int = 1
    """Ids kept for multicategorical and history."""
    of: str | None = None
    """For history: the categorical feature whose block it shares."""
    pooling: Literal["mean", "sum", "max"] | None = None
    """For multicategorical: how its embeddings become one; None is the mean."""
    through: str | None = None
    """For history: the one whose events it shares."""
    vectors: EncodedVectors | None = None
    """For categorical, and the histories made of it."""
    shift: int = Field(default=0, exclude=True)
    """By how much its encoded ids are above the rows of a table that lacks other features' blocks."""


class EncodedSchema(ApiModel):
    """`schema.json` beside the splits."""

    features: tuple[EncodedFeature, ...]
    """In the order of the specification."""
    embedding_rows: int
    """Rows of the fused table, padding included."""
    _folder: Path | None = PrivateAttr(default=None)

    @classmethod
    def in_folder(cls, folder: Path, file: str) -> "EncodedSchema":
        """The schema of a prepared data set, which knows where the vectors of its features lie."""
        schema = cls.model_validate_json((folder / file).read_bytes())
        schema._folder = folder
        return schema

    def vectors(self, feature: EncodedFeature) -> NDArray[np.float32]:
        """[ids of the block, width] pre-trained vectors, mapped from the disk."""
        assert self._folder is not None
        assert feature.vectors is not None
        found: NDArray[np.float32] = np.load(self._folder / feature.vectors.file, mmap_mode="r", allow_pickle=False)
        return found

    @property
    def blocks(self) -> dict[str, range]:
        """Rows of the table by the feature that they belong to; a history's are those of its candidate."""
        return {f.name: range(f.offset, f.offset + f.size) for f in self.features if f.kind != "history"}

    def without(self, dropped: tuple[str, ...]) -> "EncodedSchema":
        """For a model that does not see the dropped features: their blocks leave the table, and later ones move up."""
        dropped = (*dropped, *(feature.name for feature in self.of_kind("gaps") if feature.of in dropped))
        gone = [rows for name, rows in self.blocks.items() if name in dropped]

        def moved(feature: EncodedFeature) -> EncodedFeature:
            by = sum(len(rows) for rows in gone if rows.start < feature.offset)
            return feature.model_copy(update={"offset": feature.offset - by, "shift": feature.shift + by})

        return self.model_copy(
            update={
                "features": tuple(moved(feature) for feature in self.features if feature.name not in dropped),
                "embedding_rows": self.embedding_rows - sum(map(len, gone)),
            }
        )

    def feature(self, name: str) -> EncodedFeature:
        """The feature of that name; StopIteration if there is none."""
        return next(feature for feature in self.features if feature.name == name)

    def of_kind(self, kind: str) -> tuple[EncodedFeature, ...]:
        """Features of one kind, in order."""
        return tuple(feature for feature in self.features if feature.kind == kind)


@dataclass(frozen=True)
class ItemLookup:
    """What stands for each id of another feature, such as the category of each item."""

    first: int
    """The id that place 0 is of."""
    ids: NDArray[np.int32]
    """[ids of the other feature] global ids."""


@dataclass(frozen=True)
class EventTimes:
    """When events and rows were, for the times between them."""

    events: NDArray[np.int64] | NDArray[np.float64]
    """[events]"""
    rows: NDArray[np.int64] | NDArray[np.float64]
    """[rows]"""


@dataclass(frozen=True)
class EncodedHistory:
    """Histories as pointers into a log of events, gathered on the fly; a row's history is `events[start:end]`."""

    events: NDArray[np.int32]
    """[events] global ids, by user, then time."""
    start: NDArray[np.int64]
    """[rows] first event kept (at most `length` before `end`)."""
    end: NDArray[np.int64]
    """[rows] one past the latest event strictly before the row's time."""
    lookup: ItemLookup | None = None
    """Turns the events, which are those of another history, into this one's ids."""
    times: EventTimes | None = None
    """Where the times since the events are asked for."""


@dataclass(frozen=True)
class EncodedSplit:
    """One part of the data, memory-mapped."""

    labels: NDArray[np.uint8]
    """[rows] 0 or 1."""
    categorical: NDArray[np.int32]
    """[rows, categorical features] global ids."""
    numeric: NDArray[np.float32]
    """[rows, numeric features]; finite."""
    multicategorical: dict[str, NDArray[np.int32]]
    """[rows, length] global ids, padded at the end with 0."""
    histories: dict[str, EncodedHistory]
    users: NDArray[np.int32] | None
    """[rows] numbers of users, equal for the same user in all parts."""
    row_ids: NDArray[np.int64]
    """[rows] row number in the source, counted from 0."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.labels)


def save_split(folder: Path, split: EncodedSplit) -> None:
    """Writes a split as `.npy` files into an existing, empty folder."""
    for name, array in split_arrays(split).items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def open_split(folder: Path, schema: EncodedSchema) -> EncodedSplit:
    """Opens a split by memory-mapping its files, shared by all processes that do; one array for each file."""

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
            feature.name: _open_history(mapped, index, feature, schema)
            for index, feature in enumerate(schema.of_kind("history"))
        },
        users=mapped("users") if (folder / "users.npy").exists() else None,
        row_ids=mapped("row_ids"),
    )


def _open_history(
    mapped: Callable[[str], NDArray[Any]], index: int, feature: EncodedFeature, schema: EncodedSchema
) -> EncodedHistory:
    names = [history.name for history in schema.of_kind("history")]
    events = index if feature.through is None else names.index(feature.through)
    lookup = None
    if feature.through is not None:
        items = schema.feature(schema.feature(feature.through).of or "")
        lookup = ItemLookup(items.offset + items.shift, mapped(f"history-{index}-lookup"))
    has_gaps = any(gaps.of == feature.name for gaps in schema.of_kind("gaps"))
    return EncodedHistory(
        events=mapped(f"history-{events}-events"),
        start=mapped(f"history-{events}-start"),
        end=mapped(f"history-{events}-end"),
        lookup=lookup,
        times=EventTimes(mapped("event_times"), mapped("times")) if has_gaps else None,
    )


def split_arrays(split: EncodedSplit) -> dict[str, NDArray[np.generic]]:
    """Everything that a split holds, by the name of its file."""
    found: dict[str, NDArray[np.generic]] = {
        "labels": split.labels,
        "categorical": split.categorical,
        "numeric": split.numeric,
        "row_ids": split.row_ids,
    }
    if split.users is not None:
        found["users"] = split.users
    for index, ids in enumerate(split.multicategorical.values()):
        found[f"multicategorical-{index}"] = ids
    for index, history in enumerate(split.histories.values()):
        if history.times is not None:
            found |= {"event_times": history.times.events, "times": history.times.rows}
        if history.lookup is not None:
            found[f"history-{index}-lookup"] = history.lookup.ids
            continue
        found[f"history-{index}-events"] = history.events
        found[f"history-{index}-start"] = history.start
        found[f"history-{index}-end"] = history.end
    return found


def row_arrays(split: EncodedSplit) -> list[NDArray[Any]]:
    """What batches are made of that has something for each row; an array that features share comes once."""
    found: list[NDArray[Any]] = [split.labels, split.categorical, split.numeric, *split.multicategorical.values()]
    for history in split.histories.values():
        found += [history.start, history.end, *([] if history.times is None else [history.times.rows])]
    return list({id(array): array for array in found}.values())


def with_rows(split: EncodedSplit, rows: Sequence[NDArray[Any]]) -> EncodedSplit:
    """Other rows over the same logs of events, given as `row_arrays` gives them; without users and row numbers."""
    given = {id(array): other for array, other in zip(row_arrays(split), rows, strict=True)}

    def of(history: EncodedHistory) -> EncodedHistory:
        times = None if history.times is None else replace(history.times, rows=given[id(history.times.rows)])
        return replace(history, start=given[id(history.start)], end=given[id(history.end)], times=times)

    return EncodedSplit(
        labels=given[id(split.labels)],
        categorical=given[id(split.categorical)],
        numeric=given[id(split.numeric)],
        multicategorical={name: given[id(ids)] for name, ids in split.multicategorical.items()},
        histories={name: of(history) for name, history in split.histories.items()},
        users=None,
        row_ids=split.row_ids[:0],
    )
