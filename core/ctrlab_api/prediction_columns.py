"""The columns of `predictions.parquet`: one row for each test row, in the same order for every run.

Comparisons pair runs row by row, so the order is part of the API and the report rejects files whose order differs.
"""

from typing import Final

ROW: Final = "row"
"""int64: the row number in the source; unique."""

USER: Final = "user"
"""int32: the user; absent where the plan names no user column."""

GROUP: Final = "group"
"""int32: the impression, session or query; absent where the plan names no group column."""

LABEL: Final = "label"
"""uint8: 1 for a click, 0 for none."""

WEIGHT: Final = "weight"
"""float32: the weight of the row in the metrics; absent where metrics are not weighted."""

SCORE: Final = "score"
"""float32: the predicted click probability, in [0, 1]."""
