"""Negatives for data that holds positives alone: other items for the same user at the same moment.

They know what their part may know and nothing else. A negative of part p is an item that p or an earlier part holds,
and that its user has in none of these parts, before or after the positive. That a train negative is a click of the
same user in test is possible, and cannot be avoided: a train set without the user's test items would tell which they
are. Popularity is counted on train alone.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData, InvalidSpec, Problem
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.dataset_splits import Negatives
from ctrlab_trainer.data.readers.source_tables import CodedColumn, SourceTable
from ctrlab_trainer.data.splits.split_rows import SplitRows
from ctrlab_trainer.data.splits.split_strategies import SPLIT_NAMES, TRAIN

ROUNDS: Final = 64
"""Draws that hit an item of the user are repeated so often; what is left then is drawn from the user's other items."""


@dataclass(frozen=True)
class SourceClicks:
    """What a draw reads of the source; all arrays are [rows]."""

    users: CodedColumn
    items: CodedColumn
    labels: NDArray[np.uint8]
    parts: NDArray[np.int8]


@dataclass(frozen=True)
class SampledNegatives:
    """The negatives of one part, by positive, then by draw."""

    row: NDArray[np.int64]
    """[drawn] source row of the positive, which gives the user, the time and every column that is not the item's."""
    item: NDArray[np.int64]
    """[drawn] source row that gives the item's columns: the first that holds the item, in the earliest part."""
    draw: NDArray[np.int64]
    """[drawn] 0, 1, ... among the negatives of one positive."""


def rows_with_negatives(part: int, clicks: SourceClicks, wanted: Negatives) -> SplitRows:
    """The rows of one part, each positive followed by its negatives.

    The drawn rows of a source of n rows are numbered from n on, so that no part moves the numbers of another.
    """
    rows = np.flatnonzero(clicks.parts == part)
    drawn = draw(part, clicks, wanted)
    ids = np.concatenate([rows, (drawn.draw + 1) * len(clicks.parts) + drawn.row])
    order = np.lexsort((ids, np.concatenate([rows, drawn.row])))
    return SplitRows(
        ids=ids[order],
        row=np.concatenate([rows, drawn.row])[order],
        item=np.concatenate([rows, drawn.item])[order],
        labels=np.concatenate([clicks.labels[rows], np.zeros(len(drawn.row), np.uint8)])[order],
    )


def item_columns(wanted: Negatives, table: SourceTable) -> frozenset[str]:
    """Columns that change with a drawn item: itself, its attributes, and those that a side table gives it."""
    joined = {column for column, key in table.joined_by.items() if key == wanted.item}
    return frozenset({wanted.item, *(wanted.attributes or ()), *joined})


def item_features(dataset: Dataset, table: SourceTable) -> frozenset[str]:
    """Names of the features that a drawn row takes from its item; InvalidSpec for a Cross of both kinds of column."""
    if dataset.negatives is None:
        return frozenset()
    columns = item_columns(dataset.negatives, table)
    column_of = {feature.name: feature.source_column for feature in dataset.features}
    found = set()
    for index, feature in enumerate(dataset.features):
        if feature.type == "History":
            continue
        of_the_item = {column_of[name] in columns for name in feature.cross or (feature.name,)}
        if len(of_the_item) > 1:
            raise InvalidSpec(
                [
                    Problem(
                        f"spec.dataset.features[{index}].cross",
                        f"combines columns of the item ({', '.join(sorted(columns))}) with others, and no row of the "
                        "source holds the combination that a drawn negative would have; cross only columns of the "
                        "item, or none of them",
                    )
                ]
            )
        if of_the_item == {True}:
            found.add(feature.name)
    return frozenset(found)


def draw(part: int, clicks: SourceClicks, wanted: Negatives) -> SampledNegatives:
    """The negatives of one part; equal seeds and equal rows of this and earlier parts give equal draws.

    An item may be drawn twice for one positive. InvalidData for a user who has every item.
    """
    pool = _Pool.of(part, clicks, wanted.strategy)
    positives = np.flatnonzero((clicks.parts == part) & (clicks.labels == 1))
    row = np.repeat(positives, wanted.per_positive)
    users = clicks.users.codes[row]
    chance = np.random.default_rng(np.random.SeedSequence([wanted.seed, part]))
    place = pool.draw(len(row), chance)
    taken = pool.taken(users, place)
    for _ in range(ROUNDS):
        if not taken.any():
            break
        again = np.flatnonzero(taken)
        place[again] = pool.draw(len(again), chance)
        taken[again] = pool.taken(users[again], place[again])
    for index in np.flatnonzero(taken):
        place[index] = pool.draw_other(int(users[index]), part, clicks, chance)
    return SampledNegatives(row, pool.first_row[place], np.tile(np.arange(wanted.per_positive), len(positives)))


@dataclass(frozen=True)
class _Pool:
    """The items that a part may know, by name; numbers of items are places in it."""

    first_row: NDArray[np.int64]
    """[items] the row that stands for an item."""
    ends: NDArray[np.int64]
    """[items] running sum of their weights."""
    owned: NDArray[np.int64]
    """[pairs] user * items + item for what users have, in order."""

    @classmethod
    def of(cls, part: int, clicks: SourceClicks, strategy: str) -> "_Pool":
        known = np.flatnonzero(clicks.parts <= part)
        by_part = known[np.argsort(clicks.parts[known], kind="stable")]
        codes, first = np.unique(clicks.items.codes[by_part], return_index=True)
        names = np.array(clicks.items.values.take(codes).to_pylist(), dtype=object)
        order = np.argsort(names.astype(str))
        place_of = np.full(len(clicks.items.values), -1, np.int64)
        place_of[codes[order]] = np.arange(len(codes))
        weights = np.ones(len(codes), np.int64)
        if strategy == "Popularity":
            in_train = (clicks.parts == TRAIN) & (clicks.labels == 1)
            weights += np.bincount(place_of[clicks.items.codes[in_train]], minlength=len(codes))
        pairs = clicks.users.codes[known].astype(np.int64) * len(codes) + place_of[clicks.items.codes[known]]
        return cls(by_part[first[order]], np.cumsum(weights), np.unique(pairs))

    def draw(self, count: int, chance: np.random.Generator) -> NDArray[np.int64]:
        """[count] items by weight."""
        return np.searchsorted(self.ends, chance.integers(0, self.ends[-1], count), side="right")

    def taken(self, users: NDArray[np.int32], items: NDArray[np.int64]) -> NDArray[np.bool_]:
        """[draws] whether the user has the item."""
        pairs = users.astype(np.int64) * len(self.ends) + items
        place = np.searchsorted(self.owned, pairs)
        return np.asarray(self.owned[np.minimum(place, len(self.owned) - 1)] == pairs, np.bool_)

    def draw_other(self, user: int, part: int, clicks: SourceClicks, chance: np.random.Generator) -> int:
        """One of the items that the user does not have."""
        size = len(self.ends)
        first, last = np.searchsorted(self.owned, [user * size, (user + 1) * size])
        others = np.setdiff1d(np.arange(size), self.owned[first:last] - user * size)
        if len(others) == 0:
            raise InvalidData.at(
                "spec.dataset.negatives",
                f"the user {clicks.users.texts()[user]!r} has all {size} items that {SPLIT_NAMES[part]} and earlier "
                "parts hold: no other is left to draw; leave the user out, or leave negatives out",
            )
        ends = np.cumsum(np.diff(self.ends, prepend=0)[others])
        return int(others[np.searchsorted(ends, chance.integers(0, ends[-1]), side="right")])
