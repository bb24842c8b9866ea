"""What a reader of results should know of a prepared data set; kept in `prepared.json` and repeated in the report."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.records.inspections import InspectionWarning
from ctrlab_api.resources.dataset import Dataset
from ctrlab_trainer.data.inspecting.leak_checks import leak_warnings
from ctrlab_trainer.data.inspecting.single_feature_scores import single_feature_auc
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.data.preparing.dataset_encoding import EncodedDataset
from ctrlab_trainer.data.splitting.split_strategies import SPLIT_NAMES

WORTH_SAYING = 0.05
"""Shares below this are not mentioned."""

STANDARD_ERRORS = 5
"""A click rate that is a tenth off is mentioned when it is also so many standard errors off."""


def dataset_warnings(dataset: Dataset, encoded: EncodedDataset) -> Iterator[str]:
    """One sentence each, in a fixed order, what looks like a leak first."""
    for warning in (*leak_warnings(dataset, encoded, single_feature_auc(encoded)), *distribution_warnings(encoded)):
        yield warning.message


def distribution_warnings(encoded: EncodedDataset) -> Iterator[InspectionWarning]:
    """How the parts differ, and what no model can learn from."""
    for message in _new_users(encoded.parts):
        yield InspectionWarning(kind="NewUsers", message=message)
    for message in _new_values(encoded):
        yield InspectionWarning(kind="NewValues", message=message)
    for message in _empty_histories(encoded):
        yield InspectionWarning(kind="EmptyHistory", message=message)
    for message in _drift(encoded.parts):
        yield InspectionWarning(kind="Drift", message=message)
    for feature in encoded.schema.features:
        if feature.kind == "categorical" and feature.size <= 2:
            message = f"feature {feature.name} has one known value in train: no model can learn from it"
            yield InspectionWarning(kind="Constant", message=message)


def _new_users(parts: tuple[EncodedSplit, ...]) -> Iterator[str]:
    if parts[0].users is None:
        return
    known = np.unique(parts[0].users)
    for name, part in zip(SPLIT_NAMES[1:], parts[1:], strict=True):
        assert part.users is not None
        new_rows = float(np.isin(part.users, known, invert=True).mean())
        users = np.unique(part.users)
        new_users = float(np.isin(users, known, invert=True).mean())
        if new_rows >= WORTH_SAYING:
            yield f"{new_users:.1%} of the users of {name}, with {new_rows:.1%} of its rows, are not in train"


def _new_values(encoded: EncodedDataset) -> Iterator[str]:
    for feature in encoded.schema.features:
        if feature.kind != "categorical":
            continue
        valid, test = (
            float((part.categorical[:, feature.column] == feature.offset).mean()) for part in encoded.parts[1:]
        )
        if max(valid, test) >= WORTH_SAYING:
            yield f"feature {feature.name} is out of vocabulary in {valid:.1%} of the rows of valid, {test:.1%} of test"


def _empty_histories(encoded: EncodedDataset) -> Iterator[str]:
    if not encoded.parts[0].histories:
        return
    for name, part in zip(SPLIT_NAMES, encoded.parts, strict=True):
        share = empty_history_share(part)
        if share >= WORTH_SAYING:
            yield f"{share:.1%} of the rows of {name} have an empty history"


def empty_history_share(part: EncodedSplit) -> float:
    """Share of rows without any history; all histories of a row are empty together."""
    history = next(iter(part.histories.values()))
    empty: NDArray[np.bool_] = history.start == history.end
    return float(empty.mean())


def _drift(parts: tuple[EncodedSplit, ...]) -> Iterator[str]:
    base = float(parts[0].labels.mean())
    for name, part in zip(SPLIT_NAMES[1:], parts[1:], strict=True):
        rate = float(part.labels.mean())
        error = (base * (1 - base) * (1 / part.rows + 1 / parts[0].rows)) ** 0.5
        relative = abs(rate - base) >= 0.1 * base and abs(rate - base) > STANDARD_ERRORS * error
        if relative or abs(rate - base) >= WORTH_SAYING:
            yield f"the share of clicks is {rate:.3f} in {name} and {base:.3f} in train"
