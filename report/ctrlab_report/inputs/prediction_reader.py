"""Read and validate `predictions.parquet`: the scores of one run on the test rows.

A comparison pairs two runs row by row. A truncated file, another number of rows, other labels or a score that is not a
probability would give a wrong table that looks right, so each of these raises an error that names the object.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_api.prediction_columns import GROUP, LABEL, ROW, SCORE, USER, WEIGHT


@dataclass(frozen=True)
class TestRows:
    """Columns [rows] shared by all runs: source row numbers, 0/1 labels, and users if there are any."""

    __test__ = False
    rows: NDArray[np.int64]
    labels: NDArray[np.uint8]
    users: NDArray[np.int32] | None
    weights: NDArray[np.float32] | None = None
    """Weights in the metrics; None where all rows count equally."""
    groups: NDArray[np.int32] | None = None
    """Impressions, sessions or queries; None where the plan names no group column."""


@dataclass(frozen=True)
class Predictions:
    """Scores of one run on the test rows."""

    test: TestRows
    scores: NDArray[np.float32]


def read_predictions(
    raw: bytes, where: str, expect_users: bool, expect_weights: bool = False, expect_groups: bool = False
) -> Predictions:
    """Return the content of one file; `where` is its name in messages.

    Raises InvalidData for a file that is not a complete Parquet file, lacks a column, has a NaN or a score outside [0,
    1], a label outside 0/1, a row number twice, or no row.
    """
    try:
        # Arrow threads that read a Python file can abort the process or hang at exit (apache/arrow#50482).
        table = pq.read_table(pa.BufferReader(raw), use_threads=False)
    except (pa.ArrowException, OSError) as error:
        first_line = str(error).splitlines()[0]
        raise InvalidData.at(
            where,
            f"cannot be read as Parquet ({first_line}); the file is truncated or damaged: remove this attempt's "
            "folder and run this seed again",
        ) from error
    optional = {USER: expect_users, WEIGHT: expect_weights, GROUP: expect_groups}
    required = [ROW, LABEL, SCORE, *(column for column, expected in optional.items() if expected)]
    missing = [column for column in required if column not in table.column_names]
    if missing:
        raise InvalidData.at(
            where,
            f"column {missing[0]!r} is missing; found {', '.join(table.column_names)}; it was written by another "
            "version of the trainer: run this seed again",
        )
    columns = {name: table.column(name).combine_chunks() for name in required}
    for name, column in columns.items():
        if column.null_count:
            raise InvalidData.at(
                f"{where}, column {name}", f"{column.null_count} values are null; no value can be null"
            )
    scores = columns[SCORE].to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
    labels = columns[LABEL].to_numpy(zero_copy_only=False)
    rows = columns[ROW].to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
    _check_values(where, rows, labels, scores)
    users = columns[USER].to_numpy(zero_copy_only=False).astype(np.int32, copy=False) if expect_users else None
    weights = columns[WEIGHT].to_numpy(zero_copy_only=False) if expect_weights else None
    groups = columns[GROUP].to_numpy(zero_copy_only=False).astype(np.int32, copy=False) if expect_groups else None
    return Predictions(TestRows(rows, labels.astype(np.uint8), users, weights, groups), scores)


def _check_values(
    where: str, rows: NDArray[np.int64], labels: NDArray[np.generic], scores: NDArray[np.float32]
) -> None:
    if not rows.size:
        raise InvalidData.at(where, "has no row; run this seed again")
    finite = np.isfinite(scores)
    if not finite.all():
        row = int(np.argmin(finite))
        raise InvalidData.at(
            f"{where}, row {row}, column {SCORE}",
            f"is {scores[row]}; {int((~finite).sum())} of {scores.size} scores are not finite numbers; such a run is "
            "recorded as Diverged and without predictions: run this seed again",
        )
    if scores.min() < 0 or scores.max() > 1:
        row = int(np.argmax((scores < 0) | (scores > 1)))
        raise InvalidData.at(
            f"{where}, row {row}, column {SCORE}",
            f"is {scores[row]}; allowed are probabilities from 0 to 1: write sigmoid(logit)",
        )
    valid = (labels == 0) | (labels == 1)
    if not valid.all():
        row = int(np.argmin(valid))
        raise InvalidData.at(f"{where}, row {row}, column {LABEL}", f"is {labels[row]}; allowed are 0 and 1")


def require_unique_rows(test: TestRows, where: str) -> None:
    """Raise InvalidData if a row number occurs twice; one run suffices, as the others are compared with it."""
    if np.unique(test.rows).size < test.rows.size:
        raise InvalidData.at(f"{where}, column {ROW}", "a row number occurs twice; every test row is scored once")


def require_same_rows(first: TestRows, first_where: str, other: TestRows, where: str) -> None:
    """Raise InvalidData unless both files describe the same test rows in the same order."""
    if first.rows.size != other.rows.size:
        raise InvalidData.at(
            where,
            f"has {other.rows.size} rows and {first_where} has {first.rows.size}; all runs are scored on the same "
            "test rows: run the seed with the wrong number again",
        )
    for name, first_values, other_values in (
        (ROW, first.rows, other.rows),
        (LABEL, first.labels, other.labels),
        (USER, first.users, other.users),
        (WEIGHT, first.weights, other.weights),
        (GROUP, first.groups, other.groups),
    ):
        if first_values is None or other_values is None:
            continue
        same = first_values == other_values
        if not same.all():
            row = int(np.argmin(same))
            raise InvalidData.at(
                f"{where}, row {row}, column {name}",
                f"is {other_values[row]} and in {first_where} it is {first_values[row]}; the files are not "
                "aligned, so no row can be paired: run this seed again",
            )
