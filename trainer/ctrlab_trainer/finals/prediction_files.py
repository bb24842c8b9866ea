"""Predictions as parquet files whose bytes depend on nothing but the predictions and the version of the writer."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ctrlab_api.prediction_columns import LABEL, ROW, SCORE, USER
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit


def predictions_parquet(split: EncodedSplit, scores: NDArray[np.float32]) -> bytes:
    """The file's content: row, user (where known), label and score of each row, in the split's order."""
    columns = {
        ROW: pa.array(np.asarray(split.row_ids), pa.int64()),
        **({USER: pa.array(np.asarray(split.users), pa.int32())} if split.users is not None else {}),
        LABEL: pa.array(np.asarray(split.labels), pa.uint8()),
        SCORE: pa.array(scores, pa.float32()),
    }
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target, compression="zstd", use_dictionary=[LABEL])
    return target.getvalue()
