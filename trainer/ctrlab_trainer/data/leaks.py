"""What looks as if a model could know more than it may: repeated rows, columns that hold the label, a look ahead."""

from collections.abc import Iterator
from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctrlab_contract.dataset import Dataset
from ctrlab_contract.records.inspection import FeatureFigures, InspectionWarning
from ctrlab_trainer.data.encoded import EncodedSplit
from ctrlab_trainer.data.splits import PARTS, Times
from ctrlab_trainer.data.tables import SourceTable, categories

REVEALING: Final = 0.99
"""A single feature with an AUC from here on most likely holds the label."""

Parts = tuple[EncodedSplit, ...]


def leaks(
    table: SourceTable, dataset: Dataset, parts: Parts, features: tuple[FeatureFigures, ...], when: Times | None
) -> Iterator[InspectionWarning]:
    """In the order of their weight."""
    yield from _revealing(features)
    yield from _duplicates(table, dataset, parts)
    if when is not None and dataset.time is not None and dataset.split.strategy != "Temporal":
        yield from _overlap(when, parts)
    for feature in features:
        if feature.distinct <= 1:
            yield InspectionWarning(kind="Constant", message=f"feature {feature.name} is constant")


def _revealing(features: tuple[FeatureFigures, ...]) -> Iterator[InspectionWarning]:
    for feature in features:
        if feature.auc is not None and feature.auc >= REVEALING:
            yield InspectionWarning(
                kind="Reveals",
                message=f"feature {feature.name} alone reaches AUC {feature.auc:.4f} on validation: it probably "
                "reveals the label; leave it out unless it is known before the click",
            )


def _duplicates(table: SourceTable, dataset: Dataset, parts: Parts) -> Iterator[InspectionWarning]:
    rows = row_hashes(table, dataset)
    hashes = [rows[observed(part, table.rows)] for part in parts]
    for earlier, later in combinations(range(len(PARTS)), 2):
        again = int(np.isin(hashes[later], hashes[earlier]).sum())
        if again:
            share = f"{again} rows of {PARTS[later]} ({again / len(hashes[later]):.1%})"
            yield InspectionWarning(
                kind="Duplicates",
                message=f"{share} are also in {PARTS[earlier]}, equal in every column that is read but the label",
            )


def _overlap(when: Times, parts: Parts) -> Iterator[InspectionWarning]:
    times = [when[observed(part, len(when))] for part in parts]
    for earlier, later in combinations(range(len(PARTS)), 2):
        first = times[later].min()
        after = float((times[earlier] > first).mean())
        if after > 0:
            yield InspectionWarning(
                kind="TimeOverlap",
                message=f"{after:.1%} of the rows of {PARTS[earlier]} are later than the earliest row of "
                f"{PARTS[later]}: {PARTS[earlier]} sees the future",
            )


def observed(part: EncodedSplit, rows: int) -> NDArray[np.int64]:
    """[observed rows] source row numbers of a part, drawn negatives left out."""
    ids = np.asarray(part.row_ids)
    return ids[ids < rows]


def row_hashes(table: SourceTable, dataset: Dataset) -> NDArray[np.uint64]:
    """[rows] equal for rows that are equal in every column read but the label and the split's."""
    total = np.zeros(table.rows, np.uint64)
    label = None if dataset.label is None else dataset.label.column
    for name in table.data.column_names:
        if name in (label, dataset.split.column):
            continue
        codes = categories(_flat(table.data[name])).codes
        total = total * np.uint64(1_000_003) ^ pd.util.hash_array(codes)
    return total


def _flat(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Lists of a parquet column as text, other columns as they are."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return pc.binary_join(column.cast(pa.list_(pa.string())), "\x1f")
    return column
