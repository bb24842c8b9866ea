"""A digest of each feature's encoded values, so that two data sets can be compared feature by feature without opening
either."""

import hashlib
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctrlab_trainer.data.prepared.encoded_splits import EncodedFeature, EncodedSchema, EncodedSplit
from ctrlab_trainer.data.prepared.memory_maps import release_pages

BLOCK_ROWS = 1 << 17


def feature_digests(split: EncodedSplit, schema: EncodedSchema) -> dict[str, str]:
    """`sha256:` and 64 digits by feature; ids are those of the fused table."""
    found: dict[str, str] = {}
    for kind, matrix in (("categorical", split.categorical), ("numeric", split.numeric)):
        found |= _of_columns(matrix, schema.of_kind(kind))
    for name, ids in split.multicategorical.items():
        found[name] = _of_arrays(ids)
    for name, history in split.histories.items():
        arrays = (getattr(history, field.name) for field in fields(history))
        found[name] = _of_arrays(*(array for array in arrays if isinstance(array, np.ndarray)))
    return dict(sorted(found.items()))


def _of_columns(matrix: NDArray[Any], features: tuple[EncodedFeature, ...]) -> dict[str, str]:
    """One pass over the matrix, which may be larger than memory."""
    hashes = [hashlib.sha256() for _ in features]
    for start in range(0, len(matrix), BLOCK_ROWS):
        columns = np.ascontiguousarray(matrix[start : start + BLOCK_ROWS].T)
        for feature, hashed in zip(features, hashes, strict=True):
            hashed.update(columns[feature.column].data)
        release_pages(matrix)
    return {feature.name: f"sha256:{hashed.hexdigest()}" for feature, hashed in zip(features, hashes, strict=True)}


def _of_arrays(*arrays: NDArray[Any]) -> str:
    hashed = hashlib.sha256()
    for array in arrays:
        for start in range(0, len(array), BLOCK_ROWS):
            hashed.update(np.ascontiguousarray(array[start : start + BLOCK_ROWS]).data)
        release_pages(array)
    return f"sha256:{hashed.hexdigest()}"
