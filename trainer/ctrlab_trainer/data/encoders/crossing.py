"""Crossing of columns: the combinations of their values as one column."""

from collections.abc import Sequence
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ctrlab_trainer.data.readers.single_values import require_single_values
from ctrlab_trainer.data.readers.source_tables import CodedColumn, SourceTable, factorize

SEPARATOR = "\x1f"
"""Separator of the values in a combination: the ASCII unit separator."""


def cross_columns(rows: SourceTable, columns: Sequence[str]) -> CodedColumn:
    """Cross columns, with each combination of values once; a single column is returned unchanged.

    InvalidData for a column of lists.
    """
    for name in columns:
        require_single_values(rows, name)
    return reduce(_cross_pair, (factorize(rows.data[name]) for name in columns))


def _cross_pair(left: CodedColumn, right: CodedColumn) -> CodedColumn:
    combinations = left.codes.astype(np.int64) * len(right.values) + right.codes
    distinct, codes = np.unique(combinations, return_inverse=True)
    first, second = np.divmod(distinct, max(len(right.values), 1))
    texts = pc.binary_join_element_wise(
        left.values.take(pa.array(first)), right.values.take(pa.array(second)), SEPARATOR
    )
    return CodedColumn(codes.astype(np.int32), texts)
