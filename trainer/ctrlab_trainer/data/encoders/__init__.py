"""One encoder for each kind of feature."""

from typing import Any

from ctrlab_contract.dataset import Dataset
from ctrlab_contract.features import Feature
from ctrlab_trainer.data.encoders.base import FeatureEncoder, Fitted
from ctrlab_trainer.data.encoders.buckets import LogBucketEncoder, QuantileBucketEncoder
from ctrlab_trainer.data.encoders.categorical import CategoricalEncoder
from ctrlab_trainer.data.encoders.multicategorical import MultiCategoricalEncoder
from ctrlab_trainer.data.encoders.numeric import NumericEncoder

__all__ = ["FeatureEncoder", "Fitted", "encoder_of", "encoders_of"]


def encoder_of(feature: Feature, dataset: Dataset) -> FeatureEncoder[Any, Any]:
    """The encoder of one feature; ValueError for a History, which is made of another feature."""
    frequency = feature.min_frequency or dataset.preprocessing.min_frequency
    match feature.type, feature.transform:
        case "Categorical", _:
            return CategoricalEncoder(feature, frequency)
        case "MultiCategorical", _:
            return MultiCategoricalEncoder(feature, frequency)
        case "Numeric", "LogBucket":
            return LogBucketEncoder(feature, frequency)
        case "Numeric", "QuantileBucket":
            return QuantileBucketEncoder(feature)
        case "Numeric", _:
            return NumericEncoder(feature)
    raise ValueError(f"{feature.type} features have no encoder of their own")


def encoders_of(dataset: Dataset) -> dict[str, FeatureEncoder[Any, Any]]:
    """The encoders of a data set by name, in the order of the specification; histories have none."""
    return {feature.name: encoder_of(feature, dataset) for feature in dataset.features if feature.type != "History"}
