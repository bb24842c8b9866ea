"""Predictions as Parquet files whose bytes depend only on the predictions and the version of the writer."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ctrlab_api.prediction_columns import GROUP, LABEL, ROW, SCORE, USER, WEIGHT
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit


def predictions_parquet(split: EncodedSplit, scores: NDArray[np.float32]) -> bytes:
    """Return the file: row, user, group and weight where the split has them, label and score, in the split's order."""
    columns = {
        ROW: pa.array(np.asarray(split.row_ids), pa.int64()),
        **({USER: pa.array(np.asarray(split.users), pa.int32())} if split.users is not None else {}),
        **({GROUP: pa.array(np.asarray(split.groups), pa.int32())} if split.groups is not None else {}),
        LABEL: pa.array(np.asarray(split.labels), pa.uint8()),
        **({WEIGHT: pa.array(np.asarray(split.weights), pa.float32())} if split.weights is not None else {}),
        SCORE: pa.array(scores, pa.float32()),
    }
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, compression="zstd", use_dictionary=[LABEL])
    return buffer.getvalue()
