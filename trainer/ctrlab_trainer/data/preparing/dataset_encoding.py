"""From the rows of a source to three encoded parts, with everything fitted on train rows alone.

Times, users, labels and parts of all rows are held in memory, about twenty bytes a row; features are fitted and encoded
one after the other in runs of rows, and go to files.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.features import Feature
from ctrlab_trainer.data.encoders import FeatureEncoder, FittedEncoding, build_encoders
from ctrlab_trainer.data.encoders.pretrained import VectorVocabulary
from ctrlab_trainer.data.prepared.encoded_splits import (
    TIME_GAP_IDS,
    EncodedFeature,
    EncodedSchema,
    EncodedSplit,
    EncodedVectors,
    open_split,
)
from ctrlab_trainer.data.preparing.encoded_columns import EncodedColumns
from ctrlab_trainer.data.preparing.event_logs import event_log, history_arrays, item_tables
from ctrlab_trainer.data.preparing.split_assembly import SplitRows, assemble_split
from ctrlab_trainer.data.reading.source_tables import CodedColumn, SourceTable, factorize
from ctrlab_trainer.data.splitting.click_labels import click_labels
from ctrlab_trainer.data.splitting.negative_sampling import SourceClicks, item_features, rows_with_negatives
from ctrlab_trainer.data.splitting.split_strategies import (
    SPLIT_NAMES,
    TRAIN,
    Timestamps,
    require_both_classes,
    row_times,
    split_rows,
)

ENCODER_VERSION: Final = "1"
"""Part of every data set's digest; raised whenever equal input would give other bytes."""
EXACT_MOMENTS: Final = "2"
"""The version of data sets with standardised numbers, whose mean and deviation were rounded otherwise before."""


DEFAULT_HISTORY: Final = 50
POOLING: Final[dict[str | None, Literal["mean", "sum", "max"] | None]] = {
    None: None,
    "Mean": None,
    "Sum": "sum",
    "Max": "max",
}


EncodeFeatures = Callable[
    [SourceTable, Dataset, NDArray[np.bool_], EncodedColumns], tuple[EncodedSchema, dict[str, FittedEncoding]]
]
"""Fits all features on train rows and writes their columns; see `encode_features`."""


@dataclass(frozen=True)
class EncodedDataset:
    """A data set ready to be written."""

    schema: EncodedSchema
    fitted: dict[str, dict[str, object]]
    """What train determined of each feature: known values in order of their ids, statistics, or bucket edges."""
    parts: tuple[EncodedSplit, EncodedSplit, EncodedSplit]
    """Train, validation, test; mapped from their files."""
    true_probability: tuple[NDArray[np.float64], ...] | None
    """[rows] of each part, where a generator knows it."""
    rows: int
    """Of the source."""
    when: Timestamps | None
    """[rows of the source] their times, where it has some."""


def encoder_version(dataset: Dataset) -> str:
    """The version that made, or will make, a data set of this specification."""
    numeric = [feature for feature in dataset.features if feature.type == "Numeric"]
    exact = any(feature.transform in (None, "Standardize", "AsIs") for feature in numeric)
    return EXACT_MOMENTS if exact else ENCODER_VERSION


def required_columns(dataset: Dataset) -> dict[str, str]:
    """Every column that the data set reads -> the field of the specification that asks for it."""
    found = key_columns(dataset)
    for name, field in feature_columns(dataset).items():
        found.setdefault(name, field)
    return found


def key_columns(dataset: Dataset) -> dict[str, str]:
    """Those that say what a row is: labels, users, times, parts, and what negatives are drawn from."""
    found = {} if dataset.label is None else {dataset.label.column: "spec.dataset.label.column"}
    if dataset.user is not None:
        found.setdefault(dataset.user, "spec.dataset.user")
    if dataset.time is not None:
        found.setdefault(dataset.time, "spec.dataset.time")
    if dataset.split.column is not None:
        found.setdefault(dataset.split.column, "spec.dataset.split.column")
    if dataset.negatives is not None:
        found.setdefault(dataset.negatives.item, "spec.dataset.negatives.item")
        for index, name in enumerate(dataset.negatives.attributes or ()):
            found.setdefault(name, f"spec.dataset.negatives.attributes[{index}]")
    return found


def feature_columns(dataset: Dataset) -> dict[str, str]:
    """Those that features are made of."""
    found: dict[str, str] = {}
    for index, feature in enumerate(dataset.features):
        if feature.type in ("Categorical", "Numeric", "MultiCategorical"):
            field = "name" if feature.column is None else "column"
            found.setdefault(feature.source_column, f"spec.dataset.features[{index}].{field}")
    return found


def numeric_columns(dataset: Dataset) -> frozenset[str]:
    """Columns that are read as numbers alone, so that their texts need not be kept."""
    numeric = {feature.source_column for feature in dataset.features if feature.type == "Numeric"}
    others = {feature.source_column for feature in dataset.features if feature.type != "Numeric"}
    keys = {dataset.user, dataset.time, dataset.split.column, dataset.label and dataset.label.column}
    item = set() if dataset.negatives is None else {dataset.negatives.item}
    return frozenset(numeric - others - keys - item)


def encode_dataset(
    table: SourceTable, dataset: Dataset, folder: Path | None = None, features: EncodeFeatures | None = None
) -> EncodedDataset:
    """Splits and encodes into `folder/{train,valid,test}`; InvalidData for what the rows cannot give.

    `features` encodes them elsewhere; then `table` needs the columns of `key_columns` alone.
    Without a folder the files have no name any more when this returns, and their space is free when the result is.
    """
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="ctrlab-encode-") as name:
            return encode_dataset(table, dataset, Path(name), features)
    clicks = click_labels(table, dataset.label)
    when = row_times(table, dataset)
    people = factorize(table.data[dataset.user]) if dataset.user is not None else None
    parts = split_rows(table, dataset, when, people.codes if people else None)
    of_the_item = item_features(dataset, table)
    rows_of = rows_of_splits(table, dataset, clicks, parts, people)
    require_both_classes([rows.labels for rows in rows_of])
    users = number_users(people, parts) if people is not None else None
    del people

    with tempfile.TemporaryDirectory(prefix="ctrlab-columns-") as name:
        columns = EncodedColumns(Path(name))
        schema, fitted = (features or encode_features)(table, dataset, parts == TRAIN, columns)
        tables = item_tables(schema, columns, np.flatnonzero(parts == TRAIN), fitted)
        for index, part in enumerate(SPLIT_NAMES):
            rows = rows_of[index]
            (folder / part).mkdir(parents=True, exist_ok=True)
            assemble_split(folder / part, rows, columns, schema, of_the_item)
            keys: dict[str, NDArray[Any]] = {"labels": rows.labels, "row_ids": rows.ids, **tables}
            if users is not None:
                keys["users"] = users[rows.row]
            if users is not None and when is not None and schema.of_kind("history"):
                log = event_log(index, parts, users, when, clicks, rows.row)
                keys |= history_arrays(log, schema, columns, when, rows.row)
            for key, array in keys.items():
                np.save(folder / part / f"{key}.npy", array, allow_pickle=False)
    for feature in schema.of_kind("categorical"):
        found = fitted[feature.name]
        if isinstance(found, VectorVocabulary) and feature.vectors is not None:
            np.save(folder / feature.vectors.file, found.vectors, allow_pickle=False)
    train, valid, test = (open_split(folder / part, schema) for part in SPLIT_NAMES)
    known = table.true_probability
    return EncodedDataset(
        schema=schema,
        fitted={feature: found.record for feature, found in fitted.items()},
        parts=(train, valid, test),
        true_probability=None if known is None else tuple(known[part.row_ids] for part in (train, valid, test)),
        rows=table.rows,
        when=None if dataset.time is None else when,
    )


def encode_features(
    table: SourceTable, dataset: Dataset, in_train: NDArray[np.bool_], columns: EncodedColumns
) -> tuple[EncodedSchema, dict[str, FittedEncoding]]:
    """Fits and encodes the features one after the other, each in a block of its own of the fused table."""
    fitted: dict[str, FittedEncoding] = {}
    for name, encoder in build_encoders(dataset).items():
        fitted[name] = encoder.fit(observe_train_rows(encoder, table, in_train))
        feature = build_schema(dataset, fitted).feature(name)
        columns.write(feature, (encoder.encode(run, fitted[name]) for run in table.runs(encoder.columns)))
    return build_schema(dataset, fitted), fitted


def observe_train_rows(encoder: FeatureEncoder[Any, Any], table: SourceTable, in_train: NDArray[np.bool_]) -> Any:
    """What the train rows say of one feature, looked at run by run."""
    runs = table.runs(encoder.columns)
    return encoder.merge([encoder.observe(run, in_train[run.first : run.first + run.rows]) for run in runs])


def build_schema(dataset: Dataset, fitted: dict[str, FittedEncoding]) -> EncodedSchema:
    """Blocks one after the other, row 0 for padding; histories have the block of the feature that they are made of.

    Features that are not fitted yet are left out. InvalidData for more rows than a 32-bit id can tell apart.
    """
    rows = 1
    placed: dict[str, EncodedFeature] = {}
    by_name = {feature.name: feature for feature in dataset.features}
    next_column = {"categorical": 0, "numeric": 0}
    for name, found in fitted.items():
        column = next_column.get(found.kind, -1)
        placed[name] = EncodedFeature(
            name=name,
            kind=found.kind,
            offset=rows,
            size=found.size,
            column=column,
            length=found.length,
            pooling=POOLING[by_name[name].pooling],
            vectors=_vectors(by_name[name], found, f"vectors-{len(placed)}.npy"),
        )
        if found.kind in next_column:
            next_column[found.kind] += 1
        rows += found.size
        if rows > np.iinfo(np.int32).max:
            raise InvalidData.at(
                f"feature {name}",
                "the features have more than 2**31 values together; set preprocessing.minFrequency",
            )
    features, gaps = [], []
    for feature in dataset.features:
        if feature.of in placed:
            change = {"name": feature.name, "kind": "history", "column": -1, "of": feature.of}
            length = by_name[feature.through or feature.name].max_length or DEFAULT_HISTORY
            others = {"length": length, "through": feature.through}
            features.append(placed[feature.of].model_copy(update=change | others))
        elif feature.name in placed:
            features.append(placed[feature.name])
        if feature.of in placed and feature.time_gaps:
            name = f"time gaps of {feature.name}"
            gaps.append(
                EncodedFeature(name=name, kind="gaps", offset=rows, size=TIME_GAP_IDS, column=-1, of=feature.name)
            )
            rows += TIME_GAP_IDS
    return EncodedSchema(features=(*features, *gaps), embedding_rows=rows)


def _vectors(feature: Feature, found: FittedEncoding, file: str) -> EncodedVectors | None:
    if feature.pretrained is None or not isinstance(found, VectorVocabulary):
        return None
    return EncodedVectors(file=file, width=found.vectors.shape[1], trained=feature.pretrained.training == "FineTuned")


def rows_of_splits(
    table: SourceTable,
    dataset: Dataset,
    clicks: NDArray[np.uint8],
    parts: NDArray[np.int8],
    people: CodedColumn | None,
) -> tuple[SplitRows, ...]:
    """The rows of train, validation and test: those of the source, and the negatives that are drawn for them."""
    if dataset.negatives is None or people is None:
        return tuple(SplitRows.observed(np.flatnonzero(parts == part), clicks) for part in range(len(SPLIT_NAMES)))
    source = SourceClicks(people, factorize(table.data[dataset.negatives.item]), clicks, parts)
    return tuple(rows_with_negatives(part, source, dataset.negatives) for part in range(len(SPLIT_NAMES)))


def number_users(people: CodedColumn, parts: NDArray[np.int8]) -> NDArray[np.int32]:
    """[rows] numbers of users: those of train first, then those new in validation, then in test, each by name.

    So the numbers that train and validation hold do not depend on who appears in a later part.
    """
    first = np.full(len(people.values), len(SPLIT_NAMES), np.int8)
    np.minimum.at(first, people.codes, parts)
    names = np.array(people.texts(), dtype=object)
    order = np.lexsort((names.astype(str), first))
    number = np.empty(len(order), np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)
    return number[people.codes]
