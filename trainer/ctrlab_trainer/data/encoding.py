"""From the rows of a source to three encoded parts: a pure function, with everything fitted on train rows alone."""

from dataclasses import dataclass, field
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from ctrlab_contract.dataset import Dataset
from ctrlab_contract.errors import InvalidData, InvalidSpec, Problem
from ctrlab_contract.features import Feature
from ctrlab_trainer.data.encoded import EncodedFeature, EncodedHistory, EncodedSchema, EncodedSplit
from ctrlab_trainer.data.histories import event_log
from ctrlab_trainer.data.labels import labels
from ctrlab_trainer.data.numeric import Numbers, encode_numeric
from ctrlab_trainer.data.splits import PARTS, TRAIN, divide, require_both_classes
from ctrlab_trainer.data.tables import Categories, SourceTable, categories
from ctrlab_trainer.data.values import numbers, times
from ctrlab_trainer.data.vocabulary import Ids, encode_categorical, encode_multicategorical

Value = TypeVar("Value", np.int32, np.float32)

ENCODER_VERSION: Final = "1"
"""Part of every data set's digest; raised whenever equal input would give other bytes."""


@dataclass(frozen=True)
class EncodedData:
    """A data set ready to be written."""

    schema: EncodedSchema
    fitted: dict[str, dict[str, object]]
    """What train determined of each feature: known values in order of their ids, statistics, or bucket edges."""
    parts: tuple[EncodedSplit, EncodedSplit, EncodedSplit]
    """Train, validation, test."""
    true_probability: tuple[NDArray[np.float64], ...] | None
    """[rows] of each part, where a generator knows it."""


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
        if feature.type != "History":
            found.setdefault(feature.name, f"spec.dataset.features[{index}].name")
    return found


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


def encode(table: SourceTable, dataset: Dataset) -> EncodedData:
    """Splits and encodes; InvalidData for what the rows cannot give, before anything is written."""
    clicks = labels(table, dataset.label)
    when = times(table, dataset.time) if dataset.time is not None else None
    people = categories(table.data[dataset.user]) if dataset.user is not None else None
    parts = divide(table, dataset, when, people.codes if people else None)
    require_both_classes(clicks, parts)

    fused = _encode_features(table, dataset, parts == TRAIN)
    users = number_users(people, parts) if people is not None else None
    ids_of = {
        feature.name: fused.categorical[feature.column] for feature in fused.features if feature.kind == "categorical"
    }
    made = []
    for part in range(len(PARTS)):
        rows = np.flatnonzero(parts == part)
        histories: dict[str, EncodedHistory] = {}
        if fused.histories and users is not None and when is not None:
            log = event_log(part, parts, users, when, clicks)
            histories = {name: log.history(ids_of[of], length) for name, (of, length) in fused.histories.items()}
        made.append(
            EncodedSplit(
                labels=clicks[rows],
                categorical=_columns(fused.categorical, rows, np.int32),
                numeric=_columns(fused.numeric, rows, np.float32),
                multicategorical={name: matrix[rows] for name, matrix in fused.multicategorical.items()},
                histories=histories,
                users=users[rows] if users is not None else None,
                row_ids=rows.astype(np.int64),
            )
        )
    known = table.true_probability
    return EncodedData(
        schema=EncodedSchema(features=tuple(fused.features), embedding_rows=fused.rows),
        fitted=fused.fitted,
        parts=(made[0], made[1], made[2]),
        true_probability=None if known is None else tuple(known[part.row_ids] for part in made),
    )


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


@dataclass
class _Fused:
    """Features placed one after the other in the fused table."""

    rows: int = 1
    """Next free row; row 0 is padding."""
    features: list[EncodedFeature] = field(default_factory=list)
    categorical: list[NDArray[np.int32]] = field(default_factory=list)
    numeric: list[NDArray[np.float32]] = field(default_factory=list)
    multicategorical: dict[str, NDArray[np.int32]] = field(default_factory=dict)
    histories: dict[str, tuple[str, int]] = field(default_factory=dict)
    """History -> the feature it is made of, and its length."""
    fitted: dict[str, dict[str, object]] = field(default_factory=dict)

    def place(self, feature: Feature, encoded: Ids | Numbers) -> None:
        size = encoded.size if isinstance(encoded, Ids) else 1
        kind, column, length = "numeric", -1, 1
        if isinstance(encoded, Numbers):
            column = len(self.numeric)
            self.numeric.append(encoded.values)
        elif encoded.ids.ndim == 2:
            kind, length = "multicategorical", encoded.ids.shape[1]
            self.multicategorical[feature.name] = np.where(encoded.ids < 0, 0, encoded.ids + self.rows).astype(np.int32)
        else:
            kind, column = "categorical", len(self.categorical)
            self.categorical.append(encoded.ids + np.int32(self.rows))
        self.features.append(
            EncodedFeature.model_validate(
                {
                    "name": feature.name,
                    "kind": kind,
                    "offset": self.rows,
                    "size": size,
                    "column": column,
                    "length": length,
                }
            )
        )
        self.fitted[feature.name] = encoded.fitted
        self.rows += size
        if self.rows > np.iinfo(np.int32).max:
            raise InvalidData.at(
                f"feature {feature.name}",
                "the features have more than 2**31 values together; set preprocessing.minFrequency",
            )


def _encode_features(table: SourceTable, dataset: Dataset, in_train: NDArray[np.bool_]) -> _Fused:
    fused = _Fused()
    common = dataset.preprocessing.min_frequency
    for feature in dataset.features:
        frequency = feature.min_frequency or common
        match feature.type:
            case "Categorical":
                column = categories(table.data[feature.name])
                fused.place(feature, encode_categorical(column, in_train, frequency))
            case "MultiCategorical":
                lists = table.data[feature.name]
                fused.place(feature, encode_multicategorical(lists, feature, in_train, frequency))
            case "Numeric":
                values = numbers(table, feature.name)
                fused.place(feature, encode_numeric(values, feature, in_train, frequency))
            case "History":
                assert feature.of is not None
                fused.histories[feature.name] = (feature.of, feature.max_length or 50)
    by_name = {feature.name: feature for feature in fused.features}
    placed = []
    for feature in dataset.features:
        if feature.type == "History":
            of, length = fused.histories[feature.name]
            change = {"name": feature.name, "kind": "history", "column": -1, "length": length, "of": of}
            placed.append(by_name[of].model_copy(update=change))
        else:
            placed.append(by_name[feature.name])
    fused.features = placed
    return fused


def _columns(columns: list[NDArray[Value]], rows: NDArray[np.int64], dtype: type[Value]) -> NDArray[Value]:
    """[rows, columns] of the given rows, one column after the other so that no second copy of all rows is made."""
    matrix = np.empty((len(rows), len(columns)), dtype)
    for index, column in enumerate(columns):
        matrix[:, index] = column[rows]
    return matrix
