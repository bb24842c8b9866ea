"""`ctrlab data inspect`: statistics of each column as models will see it, and warnings about possible leakage.

The inspection reads the source, before any experiment; it does not access the sealed rows of an experiment.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ctrlab_api.records.inspections import FeatureStatistics, Inspection, InspectionWarning, SplitStatistics
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.features import Feature
from ctrlab_trainer.data.data_quality.dataset_warnings import distribution_warnings, empty_history_share
from ctrlab_trainer.data.data_quality.detectable_differences import few_click_warnings
from ctrlab_trainer.data.data_quality.file_order import file_order_warnings
from ctrlab_trainer.data.data_quality.leak_checks import leak_warnings
from ctrlab_trainer.data.data_quality.list_scores import list_auc, list_scores
from ctrlab_trainer.data.data_quality.row_accounting import account_for_rows
from ctrlab_trainer.data.data_quality.row_hashes import row_hashes
from ctrlab_trainer.data.data_quality.single_feature_scores import single_feature_auc
from ctrlab_trainer.data.encoders.vectors import read_row_vectors
from ctrlab_trainer.data.inspection.click_timeline import click_timeline
from ctrlab_trainer.data.preparation.dataset_encoding import encode_dataset
from ctrlab_trainer.data.preparation.metric_requirements import undefined_metrics
from ctrlab_trainer.data.preparation.source_columns import required_columns
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.prepared.encoded_schema import EncodedFeature
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.data.readers.column_values import numeric_values
from ctrlab_trainer.data.readers.source_reading import read_source
from ctrlab_trainer.data.readers.source_tables import SourceTable, factorize
from ctrlab_trainer.data.sources.source_locations import locate
from ctrlab_trainer.data.splits.split_strategies import SPLIT_NAMES


def inspect_dataset(dataset: Dataset, name: str = "data", metrics: Sequence[str] = ()) -> Inspection:
    """Read, split and encode the source, and describe the result; raises InvalidInput like `prepare`.

    `metrics`: the reported metrics, of which those that are undefined for the data are warned of.
    """
    located = locate(dataset.source)
    table = read_source(located, required_columns(dataset), missing=dataset.missing_texts)
    encoded = encode_dataset(table, dataset)
    inspection = describe(table, dataset, encoded, name)
    undefined = (
        InspectionWarning(kind="UndefinedMetric", message=text) for text in undefined_metrics(metrics, encoded.splits)
    )
    order = (InspectionWarning(kind="FileOrder", message=text) for text in file_order_warnings(dataset, located))
    return inspection.model_copy(update={"warnings": (*inspection.warnings, *undefined, *order)})


def describe(table: SourceTable, dataset: Dataset, encoded: EncodedDataset, name: str) -> Inspection:
    """Describe a data set that has been read and encoded."""
    lists = tuple(list_scores(encoded))
    auc = single_feature_auc(encoded) | list_auc(lists)
    features = tuple(_features(table, dataset, encoded, auc))
    parts = tuple(_split_statistics(index, split) for index, split in enumerate(encoded.splits))
    constant = {feature.name for feature in features if feature.distinct <= 1}
    hashes = row_hashes(encoded)
    return Inspection(
        name=name,
        source=dataset.source.uri,
        rows=table.rows,
        split=dataset.split.strategy + (f" by {dataset.split.by}" if dataset.split.by else ""),
        parts=parts,
        features=features,
        timeline=() if encoded.times is None else click_timeline(encoded.times, encoded.splits),
        time_format=encoded.time_format,
        row_counts=account_for_rows(encoded, hashes),
        lists=tuple(facts.record for facts in encoded.lists) or None,
        matches=tuple(match.record for match in encoded.matches) or None,
        warnings=(
            *leak_warnings(dataset, encoded, auc, lists, hashes),
            *few_click_warnings(parts),
            *(
                InspectionWarning(kind="Constant", message=f"feature {name} is constant: leave it out")
                for name in sorted(constant)
            ),
            *distribution_warnings(encoded, constant),
        ),
    )


def _split_statistics(index: int, split: EncodedSplit) -> SplitStatistics:
    positives = int(split.labels.sum(dtype=np.int64))
    return SplitStatistics(
        name=SPLIT_NAMES[index],
        rows=split.rows,
        positives=positives,
        click_rate=positives / split.rows,
        users=None if split.users is None else len(np.unique(split.users)),
        empty_histories=empty_history_share(split) if split.histories or split.stored_histories else None,
    )


def _features(
    table: SourceTable, dataset: Dataset, encoded: EncodedDataset, auc: Mapping[str, float]
) -> Iterator[FeatureStatistics]:
    by_name = {feature.name: feature for feature in encoded.schema.features}
    for feature in dataset.features:
        if feature.type == "History" and feature.stored is None:
            continue
        encoded_feature = by_name[feature.name]
        distinct, missing = _distinct_and_missing(table, feature, encoded_feature, encoded)
        out_of_vocabulary: list[float | None] = [None, None]
        if encoded_feature.kind == "categorical":
            out_of_vocabulary = [
                float((split.categorical[:, encoded_feature.column] == encoded_feature.offset).mean())
                for split in encoded.splits[1:]
            ]
        yield FeatureStatistics(
            name=feature.name,
            type=feature.type,
            distinct=distinct,
            vocabulary=encoded_feature.size,
            missing=missing,
            out_of_vocabulary_valid=out_of_vocabulary[0],
            out_of_vocabulary_test=out_of_vocabulary[1],
            auc=auc.get(feature.name),
        )


def _distinct_and_missing(
    table: SourceTable, feature: Feature, encoded_feature: EncodedFeature, encoded: EncodedDataset
) -> tuple[int, float]:
    """Return the number of distinct values in the source, and the share of rows without a value."""
    match feature.type:
        case "Numeric":
            values = numeric_values(table, feature.source_column)
            return len(np.unique(values[~np.isnan(values)])), float(np.isnan(values).mean())
        case "Categorical":
            column = factorize(table.data[feature.source_column])
            blank = np.array([text == "" for text in column.texts()], bool)
            return len(column.values), float(blank[column.codes].mean())
        case "Cross":
            ids = [np.unique(split.categorical[:, encoded_feature.column]) for split in encoded.splits]
            return len(np.unique(np.concatenate(ids))), 0.0
        case "Vector":
            vectors = read_row_vectors(table, feature)
            present = vectors[~np.isnan(vectors[:, 0])]
            return len(np.unique(present, axis=0)), 1 - len(present) / len(vectors)
        case _:
            matrices = [
                split.stored_histories[feature.name].ids if feature.stored else split.multicategorical[feature.name]
                for split in encoded.splits
            ]
            empty = sum(int((np.asarray(matrix) == 0).all(axis=1).sum()) for matrix in matrices)
            return encoded_feature.size - 1, empty / sum(len(matrix) for matrix in matrices)
