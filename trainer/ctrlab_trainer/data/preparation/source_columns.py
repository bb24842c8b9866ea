"""Source columns that a data set reads, and the field of the specification that requires each."""

from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.features import Feature


def required_columns(dataset: Dataset) -> dict[str, str]:
    """Return every column that the data set reads -> the field of the specification that requires it."""
    columns = key_columns(dataset)
    for name, field in feature_columns(dataset).items():
        columns.setdefault(name, field)
    return columns


def key_columns(dataset: Dataset) -> dict[str, str]:
    """Return the columns for labels, users, groups, times and splits, and those that negatives are sampled from."""
    columns = {} if dataset.label is None else {dataset.label.column: "spec.dataset.label.column"}
    if dataset.weight is not None:
        columns.setdefault(dataset.weight.column, "spec.dataset.weight.column")
    if dataset.user is not None:
        columns.setdefault(dataset.user, "spec.dataset.user")
    if dataset.group is not None:
        columns.setdefault(dataset.group, "spec.dataset.group")
    if dataset.time_column is not None:
        columns.setdefault(dataset.time_column, "spec.dataset.time")
    if dataset.split.column is not None:
        columns.setdefault(dataset.split.column, "spec.dataset.split.column")
    if dataset.negatives is not None:
        columns.setdefault(dataset.negatives.item, "spec.dataset.negatives.item")
        for index, name in enumerate(dataset.negatives.attributes or ()):
            columns.setdefault(name, f"spec.dataset.negatives.attributes[{index}]")
    return columns


def feature_columns(dataset: Dataset) -> dict[str, str]:
    """Return the columns that features are built from."""
    columns: dict[str, str] = {}
    for index, feature in enumerate(dataset.features):
        for name in feature.source_columns:
            columns.setdefault(name, f"spec.dataset.features[{index}].{_field_of(feature, name)}")
        if feature.stored is not None and feature.stored.times is not None and dataset.time_column is not None:
            columns.setdefault(dataset.time_column, "spec.dataset.time")
    return columns


def _field_of(feature: Feature, column: str) -> str:
    """Return the field of a feature that names one of its columns."""
    stored = feature.stored
    if stored is None:
        return "columns" if feature.columns is not None else "name" if feature.column is None else "column"
    if column == stored.times:
        return "stored.times"
    return "stored.columns" if stored.columns is not None else "name" if stored.column is None else "stored.column"


def numeric_columns(dataset: Dataset) -> frozenset[str]:
    """Return the columns that are read only as numbers, whose text is not needed."""
    numeric = {feature.source_column for feature in dataset.features if feature.type == "Numeric"}
    others = {name for feature in dataset.features if feature.type != "Numeric" for name in feature.source_columns}
    label = None if dataset.label is None else dataset.label.column
    keys = {dataset.user, dataset.group, dataset.time_column, dataset.split.column, label}
    if dataset.weight is not None:
        numeric.add(dataset.weight.column)
    item = set() if dataset.negatives is None else {dataset.negatives.item}
    return frozenset(numeric - others - keys - item)
