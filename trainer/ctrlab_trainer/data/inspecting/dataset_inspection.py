"""`ctrlab data inspect`: what the models will see, column by column, and what looks like a leak.

It reads the source itself, before any experiment; the sealed rows of an experiment are not touched.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from ctrlab_api.records.inspections import FeatureStatistics, Inspection, InspectionWarning, SplitStatistics
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.features import Feature
from ctrlab_trainer.data.inspecting.click_timeline import click_timeline
from ctrlab_trainer.data.inspecting.dataset_warnings import distribution_warnings, empty_history_share
from ctrlab_trainer.data.inspecting.leak_checks import leak_warnings
from ctrlab_trainer.data.inspecting.single_feature_scores import single_feature_auc
from ctrlab_trainer.data.prepared.encoded_splits import EncodedFeature, EncodedSplit
from ctrlab_trainer.data.preparing.dataset_encoding import EncodedDataset, encode_dataset, required_columns
from ctrlab_trainer.data.reading.column_values import numeric_values
from ctrlab_trainer.data.reading.source_reading import read_source
from ctrlab_trainer.data.reading.source_tables import SourceTable, factorize
from ctrlab_trainer.data.source_access.source_locations import locate
from ctrlab_trainer.data.splitting.split_strategies import SPLIT_NAMES


def inspect_dataset(dataset: Dataset, name: str = "data") -> Inspection:
    """Reads, splits and encodes the source and looks at the result; raises InvalidInput as `prepare` does."""
    located = locate(dataset.source)
    table = read_source(located, required_columns(dataset))
    return describe(table, dataset, encode_dataset(table, dataset), name)


def describe(table: SourceTable, dataset: Dataset, encoded: EncodedDataset, name: str) -> Inspection:
    """What is known of a data set that has been read and encoded."""
    auc = single_feature_auc(encoded)
    features = tuple(_features(table, dataset, encoded, auc))
    constant = (
        InspectionWarning(kind="Constant", message=f"feature {feature.name} is constant")
        for feature in features
        if feature.distinct <= 1
    )
    return Inspection(
        name=name,
        source=dataset.source.uri,
        rows=table.rows,
        split=dataset.split.strategy + (f" by {dataset.split.by}" if dataset.split.by else ""),
        parts=tuple(_part(index, part) for index, part in enumerate(encoded.parts)),
        features=features,
        timeline=() if encoded.when is None else click_timeline(encoded.when, encoded.parts),
        warnings=(*leak_warnings(dataset, encoded, auc), *constant, *distribution_warnings(encoded)),
    )


def _part(index: int, part: EncodedSplit) -> SplitStatistics:
    positives = int(part.labels.sum(dtype=np.int64))
    return SplitStatistics(
        name=SPLIT_NAMES[index],
        rows=part.rows,
        positives=positives,
        click_rate=positives / part.rows,
        users=None if part.users is None else len(np.unique(part.users)),
        empty_histories=empty_history_share(part) if part.histories else None,
    )


def _features(
    table: SourceTable, dataset: Dataset, encoded: EncodedDataset, auc: Mapping[str, float]
) -> Iterator[FeatureStatistics]:
    by_name = {feature.name: feature for feature in encoded.schema.features}
    for feature in dataset.features:
        if feature.type == "History":
            continue
        placed = by_name[feature.name]
        distinct, missing = _values(table, feature, placed, encoded)
        unknown: list[float | None] = [None, None]
        if placed.kind == "categorical":
            unknown = [
                float((part.categorical[:, placed.column] == placed.offset).mean()) for part in encoded.parts[1:]
            ]
        yield FeatureStatistics(
            name=feature.name,
            type=feature.type,
            distinct=distinct,
            vocabulary=placed.size,
            missing=missing,
            out_of_vocabulary_valid=unknown[0],
            out_of_vocabulary_test=unknown[1],
            auc=auc.get(feature.name),
        )


def _values(table: SourceTable, feature: Feature, placed: EncodedFeature, encoded: EncodedDataset) -> tuple[int, float]:
    """How many different values the source has, and the share of rows without one."""
    match feature.type:
        case "Numeric":
            values = numeric_values(table, feature.source_column)
            return len(np.unique(values[~np.isnan(values)])), float(np.isnan(values).mean())
        case "Categorical":
            texts = factorize(table.data[feature.source_column])
            blank = np.array([text == "" for text in texts.texts()], bool)
            return len(texts.values), float(blank[texts.codes].mean())
        case "Cross":
            seen = [np.unique(part.categorical[:, placed.column]) for part in encoded.parts]
            return len(np.unique(np.concatenate(seen))), 0.0
        case _:
            ids = [part.multicategorical[feature.name] for part in encoded.parts]
            none = sum(int((np.asarray(matrix) == 0).all(axis=1).sum()) for matrix in ids)
            return placed.size - 1, none / sum(len(matrix) for matrix in ids)
