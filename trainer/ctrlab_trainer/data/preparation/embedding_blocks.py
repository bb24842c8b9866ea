"""Layout of the fused embedding table: the block of each fitted feature, as an `EncodedSchema`."""

from typing import Final, Literal

import numpy as np

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.features import Feature
from ctrlab_trainer.data.encoders import FittedEncoding
from ctrlab_trainer.data.encoders.pretrained import VectorVocabulary
from ctrlab_trainer.data.encoders.stored_histories import DEFAULT_HISTORY_LENGTH
from ctrlab_trainer.data.prepared.encoded_schema import TIME_GAP_IDS, EncodedFeature, EncodedSchema, EncodedVectors

POOLING: Final[dict[str | None, Literal["mean", "sum", "max"] | None]] = {
    None: None,
    "Mean": None,
    "Sum": "sum",
    "Max": "max",
}


def build_schema(dataset: Dataset, fitted: dict[str, FittedEncoding]) -> EncodedSchema:
    """Lay out the blocks one after the other, with row 0 for padding; a history shares the block of its feature.

    Features that are not fitted yet are left out. Raises InvalidData if there are more rows than 32-bit ids.
    """
    rows = 1
    encoded: dict[str, EncodedFeature] = {}
    by_name = {feature.name: feature for feature in dataset.features}
    next_column = {"categorical": 0, "numeric": 0}
    for name, encoding in fitted.items():
        if encoding.kind == "history":
            continue
        column = next_column.get(encoding.kind, -1)
        encoded[name] = EncodedFeature(
            name=name,
            kind=encoding.kind,
            offset=rows,
            size=encoding.size,
            column=column,
            length=encoding.length,
            pooling=POOLING[by_name[name].pooling],
            vectors=_vectors(by_name[name], encoding, f"vectors-{len(encoded)}.npy"),
        )
        if encoding.kind in next_column:
            next_column[encoding.kind] += 1
        rows += encoding.size
        if rows > np.iinfo(np.int32).max:
            raise InvalidData.at(
                f"feature {name}",
                "the features have more than 2**31 values in total; set preprocessing.minFrequency",
            )
    features, gaps = [], []
    for feature in dataset.features:
        if feature.of in encoded and (feature.stored is None or feature.name in fitted):
            change = {"name": feature.name, "kind": "history", "column": -1, "of": feature.of}
            length = by_name[feature.through or feature.name].max_length or DEFAULT_HISTORY_LENGTH
            others = {
                "length": length,
                "through": feature.through,
                "stored": _stored_parts(by_name[feature.through or feature.name]),
            }
            features.append(encoded[feature.of].model_copy(update=change | others))
        elif feature.name in encoded:
            features.append(encoded[feature.name])
        if feature.of in encoded and feature.time_gaps and features[-1].name == feature.name:
            name = f"time gaps of {feature.name}"
            gaps.append(
                EncodedFeature(name=name, kind="gaps", offset=rows, size=TIME_GAP_IDS, column=-1, of=feature.name)
            )
            rows += TIME_GAP_IDS
    return EncodedSchema(features=(*features, *gaps), embedding_rows=rows)


def _stored_parts(feature: Feature) -> Literal["Ids", "IdsAndTimes"] | None:
    if feature.stored is None:
        return None
    return "Ids" if feature.stored.times is None else "IdsAndTimes"


def _vectors(feature: Feature, encoding: FittedEncoding, file: str) -> EncodedVectors | None:
    if feature.pretrained is None or not isinstance(encoding, VectorVocabulary):
        return None
    trained = feature.pretrained.training == "FineTuned"
    return EncodedVectors(file=file, width=encoding.vectors.shape[1], trained=trained)
