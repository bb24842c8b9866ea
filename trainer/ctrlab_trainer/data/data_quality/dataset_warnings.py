"""Warnings about a prepared data set for readers of results; stored in `prepared.json` and repeated in the report."""

from collections.abc import Collection, Iterator

import numpy as np
import pyarrow as pa

from ctrlab_api.records.inspections import InspectionWarning
from ctrlab_api.resources.dataset import Dataset
from ctrlab_trainer.data.data_quality.leak_checks import leak_warnings
from ctrlab_trainer.data.data_quality.list_scores import list_auc, list_scores
from ctrlab_trainer.data.data_quality.row_hashes import Hashes
from ctrlab_trainer.data.data_quality.single_feature_scores import single_feature_auc
from ctrlab_trainer.data.data_quality.spelling_variants import spelling_warnings
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.data.splits.row_groups import separated_groups
from ctrlab_trainer.data.splits.split_strategies import SPLIT_NAMES

MIN_SHARE = 0.05
"""Smaller shares are not reported."""

STANDARD_ERRORS = 5
"""A click rate that differs by a tenth is reported if the difference is also more than this many standard errors."""


def dataset_warnings(dataset: Dataset, encoded: EncodedDataset, hashes: Hashes) -> Iterator[str]:
    """Yield one sentence per warning in a fixed order, possible leakage first; `hashes` are those of `row_hashes`."""
    lists = tuple(list_scores(encoded))
    auc = single_feature_auc(encoded) | list_auc(lists)
    for warning in (*leak_warnings(dataset, encoded, auc, lists, hashes), *distribution_warnings(encoded)):
        yield warning.message


def distribution_warnings(encoded: EncodedDataset, constant: Collection[str] = ()) -> Iterator[InspectionWarning]:
    """Yield warnings about joins, lists, differences between splits, and features that no model can learn from.

    Features in `constant` have one value in all rows and a warning of their own.
    """
    for message in _spellings(encoded):
        yield InspectionWarning(kind="Spelling", message=message)
    for match in encoded.matches:
        for message in match.warnings:
            yield InspectionWarning(kind="Matches", message=message)
    for lists in encoded.lists:
        for message in lists.warnings:
            yield InspectionWarning(kind="Lists", message=message)
    for message in _new_users(encoded.splits):
        yield InspectionWarning(kind="NewUsers", message=message)
    for message in _separated_groups(encoded.splits):
        yield InspectionWarning(kind="SeparatedGroups", message=message)
    for message in _new_values(encoded):
        yield InspectionWarning(kind="NewValues", message=message)
    for message in _empty_histories(encoded):
        yield InspectionWarning(kind="EmptyHistory", message=message)
    for message in _drift(encoded.splits):
        yield InspectionWarning(kind="Drift", message=message)
    for feature in encoded.schema.features:
        if feature.kind == "categorical" and feature.size <= 2 and feature.name not in constant:
            message = f"feature {feature.name} has only one value in train: no model can learn from it"
            yield InspectionWarning(kind="Constant", message=message)


def _spellings(encoded: EncodedDataset) -> Iterator[str]:
    """Yield warnings about values in train that are written in several ways, and about such users."""
    for name, fitted in encoded.fitted.items():
        values = fitted.get("values")
        if isinstance(values, list) and values and isinstance(values[0], str):
            yield from spelling_warnings(f"feature {name}", pa.array(values, pa.string()))
    if encoded.user_spellings is not None:
        yield encoded.user_spellings


def _new_users(splits: tuple[EncodedSplit, ...]) -> Iterator[str]:
    if splits[0].users is None:
        return
    train_users = np.unique(splits[0].users)
    for name, split in zip(SPLIT_NAMES[1:], splits[1:], strict=True):
        assert split.users is not None
        new_rows = float(np.isin(split.users, train_users, invert=True).mean())
        users = np.unique(split.users)
        new_users = float(np.isin(users, train_users, invert=True).mean())
        if new_rows >= MIN_SHARE:
            yield f"{new_users:.1%} of the users of {name}, with {new_rows:.1%} of its rows, are not in train"


def _separated_groups(splits: tuple[EncodedSplit, ...]) -> Iterator[str]:
    groups = [np.asarray(split.groups) for split in splits if split.groups is not None]
    separated, count = separated_groups(groups) if groups else (0, 0)
    if separated:
        yield (
            f"{separated} of {count} groups have rows in several splits, so that rows that were shown together are "
            "learned from and evaluated: split at Random by Group, or by a time that the rows of a group share"
        )


def _new_values(encoded: EncodedDataset) -> Iterator[str]:
    for feature in encoded.schema.features:
        if feature.kind != "categorical":
            continue
        valid, test = (
            float((split.categorical[:, feature.column] == feature.offset).mean()) for split in encoded.splits[1:]
        )
        if max(valid, test) >= MIN_SHARE:
            yield f"feature {feature.name} is out of vocabulary in {valid:.1%} of the rows of valid, {test:.1%} of test"


def _empty_histories(encoded: EncodedDataset) -> Iterator[str]:
    if not encoded.schema.of_kind("history"):
        return
    for name, split in zip(SPLIT_NAMES, encoded.splits, strict=True):
        share = empty_history_share(split)
        if share >= MIN_SHARE:
            yield f"{share:.1%} of the rows of {name} have an empty history"


def empty_history_share(split: EncodedSplit) -> float:
    """Return the share of rows whose histories are all empty."""
    empty = [history.is_empty for history in split.histories.values()]
    empty += [history.is_empty for history in split.stored_histories.values()]
    return float(np.logical_and.reduce(empty).mean())


def _drift(splits: tuple[EncodedSplit, ...]) -> Iterator[str]:
    base = float(splits[0].labels.mean())
    for name, split in zip(SPLIT_NAMES[1:], splits[1:], strict=True):
        rate = float(split.labels.mean())
        error = (base * (1 - base) * (1 / split.rows + 1 / splits[0].rows)) ** 0.5
        relative = abs(rate - base) >= 0.1 * base and abs(rate - base) > STANDARD_ERRORS * error
        if relative or abs(rate - base) >= MIN_SHARE:
            yield f"the click rate is {rate:.3f} in {name} and {base:.3f} in train"
