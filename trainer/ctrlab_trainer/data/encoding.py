"""From the rows of a source to three encoded parts, with everything fitted on train rows alone.

Times, users, labels and parts of all rows are held in memory, about twenty bytes a row; features are fitted and encoded
one after the other in runs of rows, and go to files.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ctrlab_contract.dataset import Dataset
from ctrlab_contract.errors import InvalidData, InvalidSpec, Problem
from ctrlab_trainer.data.assembly import PartRows, assemble
from ctrlab_trainer.data.columns import EncodedColumns
from ctrlab_trainer.data.encoded import EncodedFeature, EncodedSchema, EncodedSplit, open_split
from ctrlab_trainer.data.encoders import FeatureEncoder, Fitted, encoders_of
from ctrlab_trainer.data.histories import event_log
from ctrlab_trainer.data.labels import labels
from ctrlab_trainer.data.splits import PARTS, TRAIN, Times, divide, moments, require_both_classes
from ctrlab_trainer.data.tables import Categories, SourceTable, categories

ENCODER_VERSION: Final = "1"
"""Part of every data set's digest; raised whenever equal input would give other bytes."""
EXACT_MOMENTS: Final = "2"
"""The version of data sets with standardised numbers, whose mean and deviation were rounded otherwise before."""


@dataclass(frozen=True)
class EncodedData:
    """A data set ready to be written."""

    schema: EncodedSchema
    fitted: dict[str, dict[str, object]]
    """What train determined of each feature: known values in order of their ids, statistics, or bucket edges."""
    parts: tuple[EncodedSplit, EncodedSplit, EncodedSplit]
    """Train, validation, test; mapped from their files."""
    true_probability: tuple[NDArray[np.float64], ...] | None
    """[rows] of each part, where a generator knows it."""


def encoder_version(dataset: Dataset) -> str:
    """The version that made, or will make, a data set of this specification."""
    numeric = [feature for feature in dataset.features if feature.type == "Numeric"]
    exact = any(feature.transform in (None, "Standardize", "AsIs") for feature in numeric)
    return EXACT_MOMENTS if exact else ENCODER_VERSION


def wanted_columns(dataset: Dataset) -> dict[str, str]:
    """Every column that the data set reads -> the field of the specification that asks for it."""
    found = {} if dataset.label is None else {dataset.label.column: "spec.dataset.label.column"}
    if dataset.user is not None:
        found.setdefault(dataset.user, "spec.dataset.user")
    if dataset.time is not None:
        found.setdefault(dataset.time, "spec.dataset.time")
    if dataset.split.column is not None:
        found.setdefault(dataset.split.column, "spec.dataset.split.column")
    for index, feature in enumerate(dataset.features):
        if feature.type in ("Categorical", "Numeric", "MultiCategorical"):
            field = "name" if feature.column is None else "column"
            found.setdefault(feature.source_column, f"spec.dataset.features[{index}].{field}")
    return found


def number_columns(dataset: Dataset) -> frozenset[str]:
    """Columns that are read as numbers alone, so that their texts need not be kept."""
    numeric = {feature.source_column for feature in dataset.features if feature.type == "Numeric"}
    others = {feature.source_column for feature in dataset.features if feature.type != "Numeric"}
    keys = {dataset.user, dataset.time, dataset.split.column, dataset.label and dataset.label.column}
    return frozenset(numeric - others - keys)


def require_supported(dataset: Dataset) -> None:
    """InvalidSpec for what the specification allows and this version cannot do."""
    if dataset.negatives is not None:
        raise InvalidSpec(
            [
                Problem(
                    "spec.dataset.negatives",
                    "negatives are not drawn by this version; bring a source that holds non-clicks and leave it out",
                )
            ]
        )


def encode(table: SourceTable, dataset: Dataset, folder: Path | None = None) -> EncodedData:
    """Splits and encodes into `folder/{train,valid,test}`; InvalidData for what the rows cannot give.

    Without a folder the files have no name any more when this returns, and their space is free when the result is.
    """
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="ctrlab-encode-") as name:
            return encode(table, dataset, Path(name))
    clicks = labels(table, dataset.label)
    when = moments(table, dataset)
    people = categories(table.data[dataset.user]) if dataset.user is not None else None
    parts = divide(table, dataset, when, people.codes if people else None)
    require_both_classes(clicks, parts)
    users = number_users(people, parts) if people is not None else None
    del people

    with tempfile.TemporaryDirectory(prefix="ctrlab-columns-") as name:
        columns = EncodedColumns(Path(name))
        schema, fitted = encode_features(table, dataset, parts == TRAIN, columns)
        for index, part in enumerate(PARTS):
            rows = PartRows.observed(np.flatnonzero(parts == index), clicks)
            (folder / part).mkdir(parents=True, exist_ok=True)
            assemble(folder / part, rows, columns, schema, frozenset())
            keys: dict[str, NDArray[Any]] = {"labels": rows.labels, "row_ids": rows.ids}
            if users is not None:
                keys["users"] = users[rows.row]
            if users is not None and when is not None:
                keys |= _histories(index, rows, schema, columns, parts, users, when, clicks)
            for key, array in keys.items():
                np.save(folder / part / f"{key}.npy", array, allow_pickle=False)
    train, valid, test = (open_split(folder / part, schema) for part in PARTS)
    known = table.true_probability
    return EncodedData(
        schema=schema,
        fitted={feature: found.record for feature, found in fitted.items()},
        parts=(train, valid, test),
        true_probability=None if known is None else tuple(known[part.row_ids] for part in (train, valid, test)),
    )


def encode_features(
    table: SourceTable, dataset: Dataset, in_train: NDArray[np.bool_], columns: EncodedColumns
) -> tuple[EncodedSchema, dict[str, Fitted]]:
    """Fits and encodes the features one after the other, each in a block of its own of the fused table."""
    fitted: dict[str, Fitted] = {}
    for name, encoder in encoders_of(dataset).items():
        fitted[name] = fit(encoder, table, in_train)
        feature = schema_of(dataset, fitted).feature(name)
        columns.write(feature, (encoder.encode(run, fitted[name]) for run in table.runs(encoder.columns)))
    return schema_of(dataset, fitted), fitted


def fit(encoder: FeatureEncoder[Any, Any], table: SourceTable, in_train: NDArray[np.bool_]) -> Fitted:
    """What train determines of one feature, looked at run by run."""
    states = [encoder.observe(run, in_train[run.first : run.first + run.rows]) for run in table.runs(encoder.columns)]
    fitted: Fitted = encoder.fit(encoder.merge(states))
    return fitted


def schema_of(dataset: Dataset, fitted: dict[str, Fitted]) -> EncodedSchema:
    """Blocks one after the other, row 0 for padding; histories have the block of the feature that they are made of.

    Features that are not fitted yet are left out. InvalidData for more rows than a 32-bit id can tell apart.
    """
    rows = 1
    placed: dict[str, EncodedFeature] = {}
    next_column = {"categorical": 0, "numeric": 0}
    for name, found in fitted.items():
        column = next_column.get(found.kind, -1)
        placed[name] = EncodedFeature(
            name=name, kind=found.kind, offset=rows, size=found.size, column=column, length=found.length
        )
        if found.kind in next_column:
            next_column[found.kind] += 1
        rows += found.size
        if rows > np.iinfo(np.int32).max:
            raise InvalidData.at(
                f"feature {name}",
                "the features have more than 2**31 values together; set preprocessing.minFrequency",
            )
    features = []
    for feature in dataset.features:
        if feature.of in placed:
            change = {"name": feature.name, "kind": "history", "column": -1, "of": feature.of}
            features.append(placed[feature.of].model_copy(update={**change, "length": feature.max_length or 50}))
        elif feature.name in placed:
            features.append(placed[feature.name])
    return EncodedSchema(features=tuple(features), embedding_rows=rows)


def number_users(people: Categories, parts: NDArray[np.int8]) -> NDArray[np.int32]:
    """[rows] numbers of users: those of train first, then those new in validation, then in test, each by name.

    So the numbers that train and validation hold do not depend on who appears in a later part.
    """
    first = np.full(len(people.values), len(PARTS), np.int8)
    np.minimum.at(first, people.codes, parts)
    names = np.array(people.texts(), dtype=object)
    order = np.lexsort((names.astype(str), first))
    number = np.empty(len(order), np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)
    return number[people.codes]


def _histories(
    part: int,
    rows: PartRows,
    schema: EncodedSchema,
    columns: EncodedColumns,
    parts: NDArray[np.int8],
    users: NDArray[np.int32],
    when: Times,
    clicks: NDArray[np.uint8],
) -> dict[str, NDArray[Any]]:
    """The arrays of every history of one part; see `open_split`."""
    features = schema.of_kind("history")
    if not features:
        return {}
    log = event_log(part, parts, users, when, clicks, rows.row)
    by_name = {feature.name: feature for feature in schema.features}
    arrays: dict[str, NDArray[Any]] = {}
    for index, feature in enumerate(features):
        assert feature.of is not None
        history = log.history(columns.ids(by_name[feature.of]), feature.length)
        arrays[f"history-{index}-events"] = history.events
        arrays[f"history-{index}-start"] = history.start
        arrays[f"history-{index}-end"] = history.end
    return arrays
