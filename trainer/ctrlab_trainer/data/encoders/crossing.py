"""The values of several columns as one: each combination once."""

from collections.abc import Sequence
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ctrlab_trainer.data.readers.source_tables import CodedColumn, SourceTable, factorize

JOINT = "\x1f"
"""Between the values of a combination: the control character that was made for it."""


def cross_columns(rows: SourceTable, columns: Sequence[str]) -> CodedColumn:
    """The columns' values joined, each combination once; a single column is itself."""
    return reduce(_pair, (factorize(rows.data[name]) for name in columns))


def _pair(left: CodedColumn, right: CodedColumn) -> CodedColumn:
    pairs = left.codes.astype(np.int64) * len(right.values) + right.codes
    distinct, codes = np.unique(pairs, return_inverse=True)
    first, second = np.divmod(distinct, max(len(right.values), 1))
    texts = pc.binary_join_element_wise(left.values.take(pa.array(first)), right.values.take(pa.array(second)), JOINT)
    return CodedColumn(codes.astype(np.int32), texts)
