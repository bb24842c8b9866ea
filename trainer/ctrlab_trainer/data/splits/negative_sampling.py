"""Sampling of negatives for data with positives only: other items for the same user at the same moment.

Sampling uses only the rows of a split and of earlier splits. A negative of split s is an item of s or an earlier split
that its user has in none of these splits, before or after the positive. A train negative may therefore be a click of
the same user in test. This cannot be avoided: a train set without the user's test items would reveal them. Popularity
is counted on train only.
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

MAX_ROUNDS: Final = 64
"""Rounds in which negatives that are items of the user are sampled again, before sampling only from other items."""


@dataclass(frozen=True)
class SourceClicks:
    """Source columns that sampling reads; all arrays are [rows]."""

    users: CodedColumn
    items: CodedColumn
    labels: NDArray[np.uint8]
    split_of_row: NDArray[np.int8]


@dataclass(frozen=True)
class SampledNegatives:
    """Negatives of one split, by positive, then in order of sampling."""

    row: NDArray[np.int64]
    """[negatives] source row of the positive, which gives the user, the time and every column except the item's."""
    item: NDArray[np.int64]
    """[negatives] source row that gives the item's columns: the first one with the item, in the earliest split."""
    index: NDArray[np.int64]
    """[negatives] 0, 1, ... among the negatives of one positive."""


def rows_with_negatives(split: int, clicks: SourceClicks, config: Negatives) -> SplitRows:
    """Return the rows of one split, each positive followed by its negatives.

    The negatives of a source of n rows are numbered from n on, so that no split changes the numbers of another.
    """
    rows = np.flatnonzero(clicks.split_of_row == split)
    negatives = sample_negatives(split, clicks, config)
    ids = np.concatenate([rows, (negatives.index + 1) * len(clicks.split_of_row) + negatives.row])
    order = np.lexsort((ids, np.concatenate([rows, negatives.row])))
    return SplitRows(
        ids=ids[order],
        row=np.concatenate([rows, negatives.row])[order],
        item=np.concatenate([rows, negatives.item])[order],
        labels=np.concatenate([clicks.labels[rows], np.zeros(len(negatives.row), np.uint8)])[order],
    )


def item_columns(config: Negatives, table: SourceTable) -> frozenset[str]:
    """Return the columns that change with a sampled item: its id, its attributes, and those of a table joined by it."""
    joined = {column for column, key in table.joined_by.items() if key == config.item}
    return frozenset({config.item, *(config.attributes or ()), *joined})


def item_features(dataset: Dataset, table: SourceTable) -> frozenset[str]:
    """Return the features that a negative takes from its item; InvalidSpec for a Cross of item and other columns."""
    if dataset.negatives is None:
        return frozenset()
    columns = item_columns(dataset.negatives, table)
    columns_of = {feature.name: feature.source_columns for feature in dataset.features}
    features = set()
    for index, feature in enumerate(dataset.features):
        of_feature = [column for name in feature.cross or (feature.name,) for column in columns_of[name]]
        from_item = {column in columns for column in of_feature}
        if len(from_item) > 1:
            raise InvalidSpec(
                [
                    Problem(
                        f"spec.dataset.features[{index}].{'cross' if feature.cross else 'columns'}",
                        f"combines columns of the item ({', '.join(sorted(columns))}) with others, and no row of the "
                        "source has the combination that a sampled negative would need; combine only columns of the "
                        "item, or none of them",
                    )
                ]
            )
        if from_item == {True}:
            features.add(feature.name)
    return frozenset(features)


def sample_negatives(split: int, clicks: SourceClicks, config: Negatives) -> SampledNegatives:
    """Sample the negatives of one split; they depend on the seed and the rows of this and earlier splits only.

    An item may be sampled twice for one positive. InvalidData for a user who has every item.
    """
    pool = _ItemPool.of(split, clicks, config.strategy)
    positives = np.flatnonzero((clicks.split_of_row == split) & (clicks.labels == 1))
    row = np.repeat(positives, config.per_positive)
    users = clicks.users.codes[row]
    generator = np.random.default_rng(np.random.SeedSequence([config.seed, split]))
    items = pool.sample(len(row), generator)
    is_users_item = pool.belong_to(users, items)
    for _ in range(MAX_ROUNDS):
        if not is_users_item.any():
            break
        retry = np.flatnonzero(is_users_item)
        items[retry] = pool.sample(len(retry), generator)
        is_users_item[retry] = pool.belong_to(users[retry], items[retry])
    for index in np.flatnonzero(is_users_item):
        items[index] = pool.sample_other(int(users[index]), split, clicks, generator)
    return SampledNegatives(row, pool.first_row[items], np.tile(np.arange(config.per_positive), len(positives)))


@dataclass(frozen=True)
class _ItemPool:
    """Items of a split and of earlier splits, ordered by name; an item is identified by its position."""

    first_row: NDArray[np.int64]
    """[items] source row that represents an item."""
    cumulative_weights: NDArray[np.int64]
    """[items]"""
    user_items: NDArray[np.int64]
    """[pairs] user * items + item for the items that users have, sorted."""

    @classmethod
    def of(cls, split: int, clicks: SourceClicks, strategy: str) -> "_ItemPool":
        rows = np.flatnonzero(clicks.split_of_row <= split)
        by_split = rows[np.argsort(clicks.split_of_row[rows], kind="stable")]
        codes, first = np.unique(clicks.items.codes[by_split], return_index=True)
        names = np.array(clicks.items.values.take(codes).to_pylist(), dtype=object)
        order = np.argsort(names.astype(str))
        item_of_code = np.full(len(clicks.items.values), -1, np.int64)
        item_of_code[codes[order]] = np.arange(len(codes))
        weights = np.ones(len(codes), np.int64)
        if strategy == "Popularity":
            in_train = (clicks.split_of_row == TRAIN) & (clicks.labels == 1)
            weights += np.bincount(item_of_code[clicks.items.codes[in_train]], minlength=len(codes))
        pairs = clicks.users.codes[rows].astype(np.int64) * len(codes) + item_of_code[clicks.items.codes[rows]]
        return cls(by_split[first[order]], np.cumsum(weights), np.unique(pairs))

    def sample(self, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Sample [count] items by weight."""
        total = self.cumulative_weights[-1]
        return np.searchsorted(self.cumulative_weights, generator.integers(0, total, count), side="right")

    def belong_to(self, users: NDArray[np.int32], items: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return [samples] whether the user has the item."""
        pairs = users.astype(np.int64) * len(self.cumulative_weights) + items
        position = np.searchsorted(self.user_items, pairs)
        return np.asarray(self.user_items[np.minimum(position, len(self.user_items) - 1)] == pairs, np.bool_)

    def sample_other(self, user: int, split: int, clicks: SourceClicks, generator: np.random.Generator) -> int:
        """Sample one of the items that the user does not have."""
        size = len(self.cumulative_weights)
        first, last = np.searchsorted(self.user_items, [user * size, (user + 1) * size])
        others = np.setdiff1d(np.arange(size), self.user_items[first:last] - user * size)
        if len(others) == 0:
            raise InvalidData.at(
                "spec.dataset.negatives",
                f"the user {clicks.users.texts()[user]!r} has all {size} items of {SPLIT_NAMES[split]} and earlier "
                "splits: there is no other item to sample; leave the user out, or leave negatives out",
            )
        cumulative = np.cumsum(np.diff(self.cumulative_weights, prepend=0)[others])
        return int(others[np.searchsorted(cumulative, generator.integers(0, cumulative[-1]), side="right")])
