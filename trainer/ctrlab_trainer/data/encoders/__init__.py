"""Encoders of feature values: one class per kind of feature, fitted on train rows."""

from collections.abc import Mapping
from typing import Any

from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.features import Feature
from ctrlab_trainer.data.encoders.categorical import CategoricalEncoder
from ctrlab_trainer.data.encoders.encoder_protocol import EncodedValues, FeatureEncoder, FittedEncoding
from ctrlab_trainer.data.encoders.event_times import RowTimeColumn
from ctrlab_trainer.data.encoders.hashing import HashEncoder
from ctrlab_trainer.data.encoders.multicategorical import MultiCategoricalEncoder
from ctrlab_trainer.data.encoders.numeric import NumericEncoder
from ctrlab_trainer.data.encoders.numeric_buckets import LogBucketEncoder, QuantileBucketEncoder
from ctrlab_trainer.data.encoders.pretrained import PretrainedEncoder
from ctrlab_trainer.data.encoders.stored_histories import StoredHistoryEncoder
from ctrlab_trainer.data.encoders.vectors import VectorEncoder
from ctrlab_trainer.data.encoders.vocabulary import TextCounts
from ctrlab_trainer.data.readers.source_tables import SourceTable
from ctrlab_trainer.data.sources.vector_files import vector_file
from ctrlab_trainer.data.times.row_times import TimeReading

__all__ = [
    "Encoder",
    "FeatureEncoder",
    "FittedEncoding",
    "build_encoder",
    "build_encoders",
    "encode_rows",
    "fit_features",
]


def build_encoder(feature: Feature, dataset: Dataset) -> FeatureEncoder[Any, Any]:
    """Build the encoder of one feature; ValueError for a History, whose ids are those of another feature.

    InvalidData if its file of pre-trained vectors does not exist.
    """
    frequency = feature.min_frequency or dataset.preprocessing.min_frequency
    match feature.type, feature.transform:
        case "Categorical" | "Cross", _:
            return _text_encoder(feature, dataset, frequency)
        case "MultiCategorical", _:
            return MultiCategoricalEncoder(feature, frequency)
        case "Numeric", "LogBucket":
            return LogBucketEncoder(feature, frequency)
        case "Numeric", "QuantileBucket":
            return QuantileBucketEncoder(feature)
        case "Numeric", _:
            return NumericEncoder(feature)
        case "Vector", _:
            return VectorEncoder(feature)
    raise ValueError(f"{feature.type} features have no encoder")


def _text_encoder(feature: Feature, dataset: Dataset, frequency: int) -> FeatureEncoder[Any, Any]:
    column_of = {other.name: other.source_column for other in dataset.features}
    columns = tuple(column_of[name] for name in feature.cross or (feature.name,))
    if feature.hash_buckets is not None:
        return HashEncoder(columns, feature.hash_buckets)
    if feature.pretrained is not None:
        path = vector_file(feature, dataset).files[0]
        return PretrainedEncoder(CategoricalEncoder(columns, frequency), feature.pretrained, path)
    return CategoricalEncoder(columns, frequency)


Encoder = FeatureEncoder[Any, Any] | StoredHistoryEncoder


def build_encoders(dataset: Dataset, times: TimeReading | None = None) -> dict[str, Encoder]:
    """Build the encoders of a data set by feature: those of histories that the rows contain follow their feature.

    A History of logged clicks has none. `times` is how the time column is read, for histories whose events have times.
    """
    encoders: dict[str, Encoder] = {}
    for feature in dataset.features:
        if feature.type == "History":
            continue
        encoders[feature.name] = build_encoder(feature, dataset)
        for history in dataset.features:
            if history.of == feature.name and history.stored is not None:
                with_times = history.stored.times is not None
                row_time = RowTimeColumn(dataset.time_column or "", times) if with_times and times is not None else None
                encoders[history.name] = StoredHistoryEncoder(history, feature, row_time)
    return encoders


def fit_features(encoders: Mapping[str, Encoder], states: Mapping[str, Any]) -> dict[str, FittedEncoding]:
    """Fit every feature on its state of all train rows; a vocabulary also contains the values of stored histories.

    InvalidData for a feature that cannot be fitted.
    """
    fitted: dict[str, FittedEncoding] = {}
    for name, encoder in encoders.items():
        if isinstance(encoder, StoredHistoryEncoder):
            fitted[name] = encoder.fit(states[name], fitted[encoder.of.name], states[encoder.of.name])
            continue
        state = states[name]
        if isinstance(state, TextCounts):
            in_histories = [
                states[other].counts
                for other, history in encoders.items()
                if isinstance(history, StoredHistoryEncoder) and history.of.name == name
            ]
            total = TextCounts.sum([state, *in_histories])
            fitted[name] = encoder.fit(total, state) if isinstance(encoder, PretrainedEncoder) else encoder.fit(total)
            continue
        fitted[name] = encoder.fit(state)
    return fitted


def encode_rows(name: str, encoder: Encoder, rows: SourceTable, fitted: Mapping[str, FittedEncoding]) -> EncodedValues:
    """Encode a feature of some rows with the encodings of all features."""
    of = encoder.of.name if isinstance(encoder, StoredHistoryEncoder) else name
    return encoder.encode(rows, fitted[of])
