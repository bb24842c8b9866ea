"""Encoders of feature values: one class per kind of feature, fitted on train rows."""

from typing import Any

from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.features import Feature
from ctrlab_trainer.data.encoders.categorical import CategoricalEncoder
from ctrlab_trainer.data.encoders.encoder_protocol import FeatureEncoder, FittedEncoding
from ctrlab_trainer.data.encoders.hashing import HashEncoder, HashListEncoder
from ctrlab_trainer.data.encoders.multicategorical import (
    DEFAULT_MAX_LENGTH,
    DEFAULT_SEPARATOR,
    MultiCategoricalEncoder,
)
from ctrlab_trainer.data.encoders.numeric import NumericEncoder
from ctrlab_trainer.data.encoders.numeric_buckets import LogBucketEncoder, QuantileBucketEncoder
from ctrlab_trainer.data.encoders.pretrained import PretrainedEncoder
from ctrlab_trainer.data.sources.vector_files import vector_file

__all__ = ["FeatureEncoder", "FittedEncoding", "build_encoder", "build_encoders"]


def build_encoder(feature: Feature, dataset: Dataset) -> FeatureEncoder[Any, Any]:
    """Build the encoder of one feature; ValueError for a History, which reuses the encoding of another feature.

    InvalidData if its file of pre-trained vectors does not exist.
    """
    frequency = feature.min_frequency or dataset.preprocessing.min_frequency
    match feature.type, feature.transform:
        case "Categorical" | "Cross", _:
            return _text_encoder(feature, dataset, frequency)
        case "MultiCategorical", _ if feature.hash_buckets is not None:
            separator, length = feature.separator or DEFAULT_SEPARATOR, feature.max_length or DEFAULT_MAX_LENGTH
            return HashListEncoder((feature.source_column,), separator, length, feature.hash_buckets)
        case "MultiCategorical", _:
            return MultiCategoricalEncoder(feature, frequency)
        case "Numeric", "LogBucket":
            return LogBucketEncoder(feature, frequency)
        case "Numeric", "QuantileBucket":
            return QuantileBucketEncoder(feature)
        case "Numeric", _:
            return NumericEncoder(feature)
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


def build_encoders(dataset: Dataset) -> dict[str, FeatureEncoder[Any, Any]]:
    """Build the encoders of a data set by feature, in the order of the specification; histories have none."""
    return {feature.name: build_encoder(feature, dataset) for feature in dataset.features if feature.type != "History"}
