"""Vocabularies: which values have an id of their own, by how often train has them.

Id 0 of a block is out-of-vocabulary. Known values follow by falling frequency, then by text: an order that depends on
train alone, and that keeps frequent rows of the embedding table together.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctrlab_contract.features import Feature
from ctrlab_trainer.data.tables import Categories, categories


@dataclass(frozen=True)
class Ids:
    """A feature as ids within its block."""

    ids: NDArray[np.int32]
    """[rows] or [rows, length]; 0 is out-of-vocabulary, -1 nothing at all (padding)."""
    size: int
    """Ids of the block, out-of-vocabulary included."""
    fitted: dict[str, object]
    """What train determined, as JSON."""


def fit(values: pa.Array, counts: NDArray[np.int64], min_frequency: int) -> tuple[NDArray[np.int32], list[str]]:
    """Id of each distinct value [distinct], given how often train has it, and the known values in order of id."""
    kept = np.flatnonzero(counts >= max(min_frequency, 1))
    table = pa.table({"value": values.take(pa.array(kept)), "count": counts[kept], "position": kept})
    table = table.take(pc.sort_indices(table, sort_keys=[("count", "descending"), ("value", "ascending")]))
    ids = np.zeros(len(values), np.int32)
    ids[table["position"].to_numpy()] = np.arange(1, len(kept) + 1, dtype=np.int32)
    known: list[str] = table["value"].to_pylist()
    return ids, known


def encode_categorical(column: Categories, in_train: NDArray[np.bool_], min_frequency: int) -> Ids:
    """One id a row; a missing value is a value like any other."""
    counts = np.bincount(column.codes[in_train], minlength=len(column.values))
    ids, known = fit(column.values, counts, min_frequency)
    return Ids(ids[column.codes], len(known) + 1, {"values": known})


def encode_multicategorical(
    column: pa.ChunkedArray, feature: Feature, in_train: NDArray[np.bool_], min_frequency: int
) -> Ids:
    """The first `maxLength` ids of each row, padded; lists of a parquet column, or text parted by the separator."""
    length = feature.max_length or 16
    codes, lists = _lists(column, feature.separator or " ")
    owner = np.asarray(pc.list_parent_indices(lists))
    tokens = categories(pa.chunked_array([lists.flatten()]))
    rows_of_list = np.bincount(codes[in_train], minlength=len(lists)).astype(np.float64)
    counts = np.bincount(tokens.codes, weights=rows_of_list[owner], minlength=len(tokens.values)).astype(np.int64)
    present = np.flatnonzero(np.asarray(pc.not_equal(tokens.values, "")))[:, None]
    counts[np.setdiff1d(np.arange(len(counts)), present)] = 0
    ids, known = fit(tokens.values, counts, min_frequency)

    real = np.isin(tokens.codes, present)
    owner, token = owner[real], tokens.codes[real]
    place = np.arange(len(owner)) - np.searchsorted(owner, owner, side="left")
    short = place < length
    matrix = np.full((len(lists), length), -1, np.int32)
    matrix[owner[short], place[short]] = ids[token[short]]
    return Ids(matrix[codes], len(known) + 1, {"values": known})


def _lists(column: pa.ChunkedArray, separator: str) -> tuple[NDArray[np.int32], pa.Array]:
    """Distinct lists of texts, and which of them each row has."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        lists = column.combine_chunks().cast(pa.list_(pa.string()))
        return np.arange(len(lists), dtype=np.int32), lists
    distinct = categories(column)
    return distinct.codes, pc.split_pattern(distinct.values, separator)
