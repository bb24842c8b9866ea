"""Digests of the encoded values of each feature, to compare two data sets by feature without opening either."""

import hashlib
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctrlab_trainer.data.prepared.encoded_schema import EncodedFeature, EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedHistory, EncodedSplit, StoredHistory
from ctrlab_trainer.data.prepared.memory_maps import release_pages

BLOCK_ROWS = 1 << 17


def feature_digests(split: EncodedSplit, schema: EncodedSchema) -> dict[str, str]:
    """Return `sha256:` and 64 digits by feature, over global ids or numbers."""
    digests: dict[str, str] = {}
    for kind, matrix in (("categorical", split.categorical), ("numeric", split.numeric)):
        digests |= _column_digests(matrix, schema.of_kind(kind))
    for name, vectors in split.vectors.items():
        digests[name] = _array_digest(vectors)
    for name, ids in split.multicategorical.items():
        digests[name] = _array_digest(ids)
    histories: dict[str, EncodedHistory | StoredHistory] = {**split.histories, **split.stored_histories}
    for name, history in histories.items():
        arrays = (getattr(history, field.name) for field in fields(history))
        digests[name] = _array_digest(*(array for array in arrays if isinstance(array, np.ndarray)))
    return dict(sorted(digests.items()))


def _column_digests(matrix: NDArray[Any], features: tuple[EncodedFeature, ...]) -> dict[str, str]:
    """Digest all columns in one pass over the matrix, which may be larger than memory."""
    hashes = [hashlib.sha256() for _ in features]
    for start in range(0, len(matrix), BLOCK_ROWS):
        columns = np.ascontiguousarray(matrix[start : start + BLOCK_ROWS].T)
        for feature, sha256 in zip(features, hashes, strict=True):
            sha256.update(columns[feature.column].data)
        release_pages(matrix)
    return {feature.name: f"sha256:{sha256.hexdigest()}" for feature, sha256 in zip(features, hashes, strict=True)}


def _array_digest(*arrays: NDArray[Any]) -> str:
    sha256 = hashlib.sha256()
    for array in arrays:
        for start in range(0, len(array), BLOCK_ROWS):
            sha256.update(np.ascontiguousarray(array[start : start + BLOCK_ROWS]).data)
        release_pages(array)
    return f"sha256:{sha256.hexdigest()}"
