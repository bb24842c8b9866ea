"""`ctrlab data inspect`: what the models will see, column by column, and what looks like a leak.

It reads the source itself, before any experiment; the sealed rows of an experiment are not touched.
"""

from collections.abc import Iterator
from typing import Final, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctrlab_contract.base import ContractModel
from ctrlab_contract.dataset import Dataset
from ctrlab_contract.features import Feature
from ctrlab_contract.metrics import compute
from ctrlab_trainer.data.encoded import EncodedSplit
from ctrlab_trainer.data.encoding import EncodedData, encode, require_supported, wanted_columns
from ctrlab_trainer.data.findings import empty_share, findings
from ctrlab_trainer.data.numeric import encode_numeric
from ctrlab_trainer.data.readers import read
from ctrlab_trainer.data.sources import locate
from ctrlab_trainer.data.splits import PARTS
from ctrlab_trainer.data.tables import SourceTable, categories
from ctrlab_trainer.data.values import numbers, times
from ctrlab_trainer.data.vocabulary import Ids

REVEALING: Final = 0.99
"""A single feature with an AUC from here on most likely holds the label."""


class PartFigures(ContractModel):
    """One part of the split."""

    name: Literal["train", "valid", "test"]
    rows: int
    positives: int
    click_rate: float
    users: int | None
    empty_histories: float | None
    """Share of rows; None without histories."""


class FeatureFigures(ContractModel):
    """One feature as the source has it."""

    name: str
    type: str
    distinct: int
    """Different values in all rows."""
    vocabulary: int
    """Ids of its block, out-of-vocabulary included; 1 for a number."""
    missing: float
    """Share of all rows."""
    out_of_vocabulary_valid: float | None
    """Share of rows; None where it does not apply."""
    out_of_vocabulary_test: float | None
    auc: float | None
    """On validation, of the click rate that train has for the value (numbers in 32 buckets); None for several ids."""


class Inspection(ContractModel):
    """What `ctrlab data inspect` prints."""

    source: str
    rows: int
    parts: tuple[PartFigures, ...]
    features: tuple[FeatureFigures, ...]
    warnings: tuple[str, ...]


def inspect(dataset: Dataset) -> Inspection:
    """Reads, splits and encodes the source and looks at the result; raises InvalidInput as `prepare` does."""
    require_supported(dataset)
    located = locate(dataset.source)
    table = read(located, wanted_columns(dataset))
    encoded = encode(table, dataset)
    features = tuple(_features(table, dataset, encoded))
    return Inspection(
        source=dataset.source.uri,
        rows=table.rows,
        parts=tuple(_part(index, part) for index, part in enumerate(encoded.parts)),
        features=features,
        warnings=(*_leaks(table, dataset, encoded, features), *findings(encoded)),
    )


def _part(index: int, part: EncodedSplit) -> PartFigures:
    positives = int(part.labels.sum(dtype=np.int64))
    return PartFigures(
        name=PARTS[index],
        rows=part.rows,
        positives=positives,
        click_rate=positives / part.rows,
        users=None if part.users is None else len(np.unique(part.users)),
        empty_histories=empty_share(part) if part.histories else None,
    )


def _features(table: SourceTable, dataset: Dataset, encoded: EncodedData) -> Iterator[FeatureFigures]:
    by_name = {feature.name: feature for feature in encoded.schema.features}
    for feature in dataset.features:
        if feature.type == "History":
            continue
        placed = by_name[feature.name]
        values = numbers(table, feature.name) if feature.type == "Numeric" else None
        texts = categories(table.data[feature.name]) if feature.type == "Categorical" else None
        if values is not None:
            missing, distinct = float(np.isnan(values).mean()), len(np.unique(values[~np.isnan(values)]))
        elif texts is not None:
            blank = np.array([text == "" for text in texts.texts()], bool)
            missing, distinct = float(blank[texts.codes].mean()), len(texts.values)
        else:
            ids = [part.multicategorical[feature.name] for part in encoded.parts]
            missing = float(np.concatenate([(matrix == 0).all(axis=1) for matrix in ids]).mean())
            distinct = placed.size - 1
        unknown: list[float | None] = [None, None]
        if placed.kind == "categorical":
            unknown = [
                float((part.categorical[:, placed.column] == placed.offset).mean()) for part in encoded.parts[1:]
            ]
        yield FeatureFigures(
            name=feature.name,
            type=feature.type,
            distinct=distinct,
            vocabulary=placed.size,
            missing=missing,
            out_of_vocabulary_valid=unknown[0],
            out_of_vocabulary_test=unknown[1],
            auc=_single_feature_auc(feature, values, placed.column, encoded),
        )


def _single_feature_auc(
    feature: Feature, values: NDArray[np.float64] | None, column: int, encoded: EncodedData
) -> float | None:
    train, valid, _ = encoded.parts
    if feature.type == "MultiCategorical":
        return None
    if values is None or feature.transform in ("LogBucket", "QuantileBucket"):
        seen, scored = train.categorical[:, column], valid.categorical[:, column]
    else:
        in_train = np.zeros(len(values), bool)
        in_train[train.row_ids] = True
        buckets = feature.model_copy(update={"transform": "QuantileBucket", "buckets": 32})
        bucketed = encode_numeric(values, buckets, in_train, 1)
        assert isinstance(bucketed, Ids)
        seen, scored = bucketed.ids[train.row_ids], bucketed.ids[valid.row_ids]
    size = int(max(seen.max(), scored.max())) + 1
    shown = np.bincount(seen, minlength=size)
    clicked = np.bincount(seen, weights=train.labels, minlength=size)
    rate = (clicked + train.labels.mean()) / (shown + 1)
    return compute(("auc",), valid.labels, rate[scored], None).values["auc"]


def _leaks(
    table: SourceTable, dataset: Dataset, encoded: EncodedData, features: tuple[FeatureFigures, ...]
) -> Iterator[str]:
    for feature in features:
        if feature.auc is not None and feature.auc >= REVEALING:
            yield (
                f"feature {feature.name} alone reaches AUC {feature.auc:.4f} on validation: it probably reveals the "
                "label; leave it out unless it is known before the click"
            )
        if feature.distinct <= 1:
            yield f"feature {feature.name} is constant"
    rows = _row_hashes(table, dataset)
    in_train = rows[encoded.parts[0].row_ids]
    for name, part in zip(PARTS[1:], encoded.parts[1:], strict=True):
        again = int(np.isin(rows[part.row_ids], in_train).sum())
        if again:
            share = f"{again} rows of {name} ({again / part.rows:.1%})"
            yield f"{share} are also in train, equal in every column that is read but the label"
    if dataset.time is not None and dataset.split.strategy != "Temporal":
        when = times(table, dataset.time)
        first_test = when[encoded.parts[2].row_ids].min()
        later = float((when[encoded.parts[0].row_ids] > first_test).mean())
        if later > 0:
            yield f"{later:.1%} of the rows of train are later than the earliest row of test: train sees the future"


def _row_hashes(table: SourceTable, dataset: Dataset) -> NDArray[np.uint64]:
    """[rows] equal for rows that are equal in every column read but the label and the split's."""
    total = np.zeros(table.rows, np.uint64)
    for name in table.data.column_names:
        if name in (dataset.label and dataset.label.column, dataset.split.column):
            continue
        codes = categories(_flat(table.data[name])).codes
        total = total * np.uint64(1_000_003) ^ pd.util.hash_array(codes)
    return total


def _flat(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Lists of a parquet column as text, other columns as they are."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return pc.binary_join(column.cast(pa.list_(pa.string())), "\x1f")
    return column
