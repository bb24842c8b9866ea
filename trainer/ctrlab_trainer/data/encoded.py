"""The encoded form of a data set: which arrays a split holds, and how their ids index one fused embedding table.

Ids are global rows of the fused table: a feature's block begins at `offset`, and the block's first row is its
out-of-vocabulary id. Row 0 of the table is padding and stays zero. A History has no block of its own: it uses the block
of the feature that it is made of.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ctrlab_contract.base import ContractModel

PADDING = 0
"""The global id that stands for nothing."""


class EncodedFeature(ContractModel):
    """One feature and where its values lie."""

    name: str
    kind: Literal["categorical", "numeric", "multicategorical", "history"]
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
    shift: int = Field(default=0, exclude=True)
    """By how much its encoded ids are above the rows of a table that lacks other features' blocks."""


class EncodedSchema(ContractModel):
    """`schema.json` beside the splits."""

    features: tuple[EncodedFeature, ...]
    """In the order of the specification."""
    embedding_rows: int
    """Rows of the fused table, padding included."""

    @property
    def blocks(self) -> dict[str, range]:
        """Rows of the table by the feature that they belong to; a history's are those of its candidate."""
        return {f.name: range(f.offset, f.offset + f.size) for f in self.features if f.kind != "history"}

    def without(self, dropped: tuple[str, ...]) -> "EncodedSchema":
        """For a model that does not see the dropped features: their blocks leave the table, and later ones move up."""
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
class EncodedHistory:
    """Histories as pointers into a log of events, gathered on the fly; a row's history is `events[start:end]`."""

    events: NDArray[np.int32]
    """[events] global ids, by user, then time."""
    start: NDArray[np.int64]
    """[rows] first event kept (at most `length` before `end`)."""
    end: NDArray[np.int64]
    """[rows] one past the latest event strictly before the row's time."""


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
    for name, array in _arrays(split).items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def open_split(folder: Path, schema: EncodedSchema) -> EncodedSplit:
    """Opens a split by memory-mapping its files, shared by all processes that do."""

    def mapped(name: str) -> NDArray[np.generic]:
        array: NDArray[np.generic] = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        return array

    return EncodedSplit(
        labels=mapped("labels"),  # type: ignore[arg-type]
        categorical=mapped("categorical"),  # type: ignore[arg-type]
        numeric=mapped("numeric"),  # type: ignore[arg-type]
        multicategorical={
            feature.name: mapped(f"multicategorical-{index}")  # type: ignore[misc]
            for index, feature in enumerate(schema.of_kind("multicategorical"))
        },
        histories={
            feature.name: EncodedHistory(
                mapped(f"history-{index}-events"),  # type: ignore[arg-type]
                mapped(f"history-{index}-start"),  # type: ignore[arg-type]
                mapped(f"history-{index}-end"),  # type: ignore[arg-type]
            )
            for index, feature in enumerate(schema.of_kind("history"))
        },
        users=mapped("users") if (folder / "users.npy").exists() else None,  # type: ignore[arg-type]
        row_ids=mapped("row_ids"),  # type: ignore[arg-type]
    )


def _arrays(split: EncodedSplit) -> dict[str, NDArray[np.generic]]:
    arrays: dict[str, NDArray[np.generic]] = {
        "labels": split.labels,
        "categorical": split.categorical,
        "numeric": split.numeric,
        "row_ids": split.row_ids,
    }
    if split.users is not None:
        arrays["users"] = split.users
    for index, ids in enumerate(split.multicategorical.values()):
        arrays[f"multicategorical-{index}"] = ids
    for index, history in enumerate(split.histories.values()):
        arrays[f"history-{index}-events"] = history.events
        arrays[f"history-{index}-start"] = history.start
        arrays[f"history-{index}-end"] = history.end
    return arrays
