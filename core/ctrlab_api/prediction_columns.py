"""The columns of `predictions.parquet`: one row for each test row, in the same order for every run.

Comparisons pair runs row by row, so the order is part of the contract and the report refuses files that disagree.
"""

from typing import Final

ROW: Final = "row"
"""int64: the source row number; unique."""

USER: Final = "user"
"""int32: the user; left out where the plan names no user column."""

LABEL: Final = "label"
"""uint8: 1 for a click, 0 for none."""

SCORE: Final = "score"
"""float32: the predicted click probability, in [0, 1]."""
