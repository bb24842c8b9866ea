"""Lists as single features: AUC of their values, and of the presence of a row's own item in its list.

A list that was written after the click contains the item that is predicted, and reveals the label.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctrlab_metrics.computing import compute_metrics
from ctrlab_trainer.data.data_quality.sampled_rows import SampledRows, click_rates
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.prepared.encoded_schema import PADDING, EncodedFeature
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit

MIN_SHARED_VALUES = 0.1
"""A Categorical feature is searched for in a list if at least this share of its values occurs in lists."""


@dataclass(frozen=True)
class ListScores:
    """Scores of one feature whose rows have lists."""

    feature: str
    auc: float
    """Validation AUC of the mean click rate that the values of the list have in train."""
    targets: tuple["TargetInList", ...]


@dataclass(frozen=True)
class TargetInList:
    """Presence of the value of a Categorical feature in the list of the same row."""

    target: str
    auc: float
    """Validation AUC of the presence."""
    clicks: float
    """Share of the clicks of train whose list contains the value."""
    others: float
    """The same share of the other rows of train."""


def list_scores(encoded: EncodedDataset) -> Iterator[ListScores]:
    """Yield scores of the features with lists; those whose validation rows are of one class are left out."""
    train, valid = (SampledRows.of(split) for split in encoded.splits[:2])
    for feature in encoded.schema.features:
        is_stored = feature.kind == "history" and feature.stored is not None and feature.through is None
        if feature.kind != "multicategorical" and not is_stored:
            continue
        lists = [rows.read(_lists(rows.split, feature)) for rows in (train, valid)]
        auc = _auc(valid, _mean_rates(lists, train.labels, feature))
        if auc is not None:
            yield ListScores(feature.name, auc, tuple(_targets(encoded, feature, train, valid, lists)))


def list_auc(scores: Sequence[ListScores]) -> dict[str, float]:
    """Return, by feature, the highest validation AUC of its values or of the presence of the row's own item."""
    return {score.feature: max(score.auc, *(target.auc for target in score.targets), 0.0) for score in scores}


def _lists(split: EncodedSplit, feature: EncodedFeature) -> NDArray[np.int32]:
    if feature.kind == "multicategorical":
        return split.multicategorical[feature.name]
    return split.stored_histories[feature.name].ids


def _auc(valid: SampledRows, scores: NDArray[np.float64]) -> float | None:
    return compute_metrics(("auc",), valid.labels, scores, None).values["auc"]


def _mean_rates(
    lists: list[NDArray[np.int32]], labels: NDArray[np.uint8], feature: EncodedFeature
) -> NDArray[np.float64]:
    """Return [valid rows] the mean click rate of the values of each list; that of all rows for an empty list."""
    train, valid = lists
    rows, columns = np.nonzero(train)
    rates = click_rates(train[rows, columns] - feature.offset, labels[rows], feature.size)
    present = valid != PADDING
    of_value = np.where(present, rates[np.maximum(valid - feature.offset, 0)], 0.0)
    counts = present.sum(axis=1)
    means = of_value.sum(axis=1) / np.maximum(counts, 1)
    return np.asarray(np.where(counts > 0, means, labels.mean()), np.float64)


def _targets(
    encoded: EncodedDataset,
    feature: EncodedFeature,
    train: SampledRows,
    valid: SampledRows,
    lists: list[NDArray[np.int32]],
) -> Iterator[TargetInList]:
    for target in encoded.schema.of_kind("categorical"):
        id_in_lists = _ids_in_lists(encoded, feature, target)
        if id_in_lists is None:
            continue
        present = [
            (ids == id_in_lists[rows.categorical[:, target.column] - target.offset][:, None]).any(axis=1)
            for rows, ids in zip((train, valid), lists, strict=True)
        ]
        rates = click_rates(present[0].astype(np.int64), train.labels, 2)
        auc = _auc(valid, rates[present[1].astype(np.int64)])
        if auc is not None:
            clicked = train.labels == 1
            yield TargetInList(target.name, auc, float(present[0][clicked].mean()), float(present[0][~clicked].mean()))


def _ids_in_lists(encoded: EncodedDataset, feature: EncodedFeature, target: EncodedFeature) -> NDArray[np.int32] | None:
    """Return [ids of the target] the id of the same value in lists, -1 if there is none; None if too few are shared."""
    ids = np.full(target.size, -1, np.int32)
    if feature.of is not None:
        if feature.of != target.name:
            return None
        ids[1:] = np.arange(target.offset + 1, target.offset + target.size)
        return ids
    values, in_lists = (encoded.fitted[name].get("values") for name in (target.name, feature.name))
    if not isinstance(values, list) or not isinstance(in_lists, list):
        return None
    position = {value: number for number, value in enumerate(in_lists, feature.offset + 1)}
    ids[1:] = [position.get(value, -1) for value in values]
    return ids if (ids[1:] >= 0).mean() >= MIN_SHARED_VALUES else None
