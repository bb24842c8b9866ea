"""Checks for possible leakage: rows in two splits, features that reveal the label, splits that overlap in time.

The checks read no label of test, so the warnings may be stored with the prepared data before test is opened.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.records.inspections import InspectionWarning
from ctrlab_api.resources.dataset import Dataset
from ctrlab_trainer.data.data_quality.list_scores import ListScores
from ctrlab_trainer.data.data_quality.row_hashes import Hashes, observed_rows
from ctrlab_trainer.data.encoders.stored_histories import SAME_TIME
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.data.splits.split_strategies import SPLIT_NAMES
from ctrlab_trainer.data.times.row_times import Timestamps

REVEALING_AUC: Final = 0.99
"""A single feature with at least this AUC most likely reveals the label."""
REVEALING_SHARE: Final = 0.5
REVEALING_RATIO: Final = 5
"""A list is suspicious if it contains the row's own item in at least this share of clicks, this many times as often as
in other rows."""


def leak_warnings(
    dataset: Dataset, encoded: EncodedDataset, auc: Mapping[str, float], lists: Sequence[ListScores], hashes: Hashes
) -> Iterator[InspectionWarning]:
    """Yield warnings, most serious first.

    `auc` is by feature, `lists` the result of `list_scores`, and `hashes` that of `row_hashes`.
    """
    yield from _revealing_features(auc)
    yield from _revealing_lists(lists)
    yield from _events_at_the_time_of_their_row(encoded)
    yield from _duplicates(encoded, hashes)
    if encoded.times is not None and dataset.split.strategy != "Temporal":
        yield from _time_overlap(encoded.times, encoded.splits)


def _revealing_features(auc: Mapping[str, float]) -> Iterator[InspectionWarning]:
    for name, value in auc.items():
        if value >= REVEALING_AUC:
            yield InspectionWarning(
                kind="Reveals",
                message=f"feature {name} alone reaches AUC {value:.4f} on validation: it probably reveals the label; "
                "leave it out unless it is known before the click",
            )


def _revealing_lists(lists: Sequence[ListScores]) -> Iterator[InspectionWarning]:
    for score in lists:
        for target in score.targets:
            if target.clicks >= REVEALING_SHARE and target.clicks >= REVEALING_RATIO * target.others:
                yield InspectionWarning(
                    kind="Reveals",
                    message=f"the list of feature {score.feature} contains the row's own {target.target} in "
                    f"{target.clicks:.1%} of the clicks of train and in {target.others:.1%} of its other rows: it may "
                    "have been written after the click; leave the event that is predicted out of the list",
                )


def _events_at_the_time_of_their_row(encoded: EncodedDataset) -> Iterator[InspectionWarning]:
    for name in (feature.name for feature in encoded.schema.stored_histories.values()):
        rows = 0
        for split in encoded.splits:
            gaps = split.stored_histories[name].gaps
            rows += 0 if gaps is None else int((gaps == SAME_TIME).any(axis=1).sum())
        if rows:
            yield InspectionWarning(
                kind="Reveals",
                message=f"{rows} rows have an event of feature {name} at the time of the row itself: leave the event "
                "that is predicted out of the list",
            )


def _duplicates(encoded: EncodedDataset, hashes: Hashes) -> Iterator[InspectionWarning]:
    for earlier, later in combinations(range(len(SPLIT_NAMES)), 2):
        duplicates = _count_contained(hashes[later], hashes[earlier])
        if duplicates:
            share = duplicates / len(observed_rows(encoded.splits[later], encoded.source_rows))
            yield InspectionWarning(
                kind="Duplicates",
                message=f"{duplicates} rows of {SPLIT_NAMES[later]} ({share:.1%}) are also in {SPLIT_NAMES[earlier]}, "
                "equal in everything but the label",
            )


def _count_contained(values: NDArray[np.uint64], ordered: NDArray[np.uint64]) -> int:
    """Count the values that are in `ordered`, which is sorted."""
    if len(ordered) == 0:
        return 0
    position = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    return int((ordered[position] == values).sum())


def _time_overlap(times: Timestamps, splits: tuple[EncodedSplit, ...]) -> Iterator[InspectionWarning]:
    times_by_split = [times[observed_rows(split, len(times))] for split in splits]
    for earlier, later in combinations(range(len(SPLIT_NAMES)), 2):
        first = times_by_split[later].min()
        after = float((times_by_split[earlier] > first).mean())
        if after > 0:
            yield InspectionWarning(
                kind="TimeOverlap",
                message=f"{after:.1%} of the rows of {SPLIT_NAMES[earlier]} are later than the earliest row of "
                f"{SPLIT_NAMES[later]}: {SPLIT_NAMES[earlier]} sees the future",
            )
