"""Texts of missing values in columns that were just read."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ctrlab_trainer.data.readers.arrow_types import DICTIONARY_TEXT


def without_missing_texts(batch: pa.RecordBatch, missing: frozenset[str]) -> pa.RecordBatch:
    """Return the batch with null for every text that means a missing value; other types stay as they are."""
    if not missing:
        return batch
    texts = pa.array(sorted(missing), pa.string())
    columns = [_without(column, texts) for column in batch.columns]
    return pa.record_batch(columns, names=batch.schema.names)


def _without(column: pa.Array, missing: pa.Array) -> pa.Array:
    if pa.types.is_string(column.type):
        is_missing = pc.is_in(column, value_set=missing)
        return pc.if_else(is_missing, pa.scalar(None, column.type), column) if pc.any(is_missing).as_py() else column
    if column.type != DICTIONARY_TEXT:
        return column
    texts = column.dictionary
    short = np.flatnonzero(
        np.asarray(pc.binary_length(texts).fill_null(0)) <= max(pc.binary_length(missing).to_pylist())
    )
    is_missing = np.zeros(len(texts), bool)
    is_missing[short] = np.asarray(pc.is_in(texts.take(pa.array(short)), value_set=missing), bool)
    if not is_missing.any():
        return column
    position = pa.array(np.where(is_missing, 0, np.arange(len(is_missing))), pa.int32(), mask=is_missing)
    return pa.DictionaryArray.from_arrays(position.take(column.indices), column.dictionary)
