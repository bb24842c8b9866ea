"""Array types, and the input checks that every function of this package makes.

The checks are in one module so that the same mistake always gets the same message.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ctrlab_report.statistics.errors import MisalignedInput, NotFinite, OneClass, OutOfRange

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
AnyArray = NDArray[Any]


def as_finite_vector(values: ArrayLike, name: str) -> FloatArray:
    """Return `values` as a one-dimensional float64 array; `name` appears in the error message.

    Raises MisalignedInput if it is not one-dimensional, NotFinite for a NaN or an infinity.
    """
    vector = np.asarray(values, dtype=np.float64)
    if vector.ndim != 1:
        raise MisalignedInput(f"{name}: found shape {vector.shape}, expected one dimension; pass one value per entry")
    finite = np.isfinite(vector)
    if not finite.all():
        index = int(np.argmin(finite))
        raise NotFinite(f"{name}: entry {index} is {vector[index]}; every value must be finite, check that run")
    return vector


def require_same_length(first: AnyArray, second: AnyArray, names: str) -> None:
    """Raise MisalignedInput unless both arrays have the same first dimension; `names` appears in the error message."""
    if first.shape[0] != second.shape[0]:
        raise MisalignedInput(
            f"{names}: found lengths {first.shape[0]} and {second.shape[0]}; both must describe the same entries in "
            "the same order"
        )


def as_binary_labels(labels: ArrayLike) -> BoolArray:
    """Return the labels as booleans (True = click).

    Raises OutOfRange for a label that is not 0 or 1, OneClass if only one of them occurs.
    """
    array = np.asarray(labels)
    if array.ndim != 1:
        raise MisalignedInput(f"labels: found shape {array.shape}, expected one label per row")
    positive = array.astype(np.bool_)
    if array.dtype != np.bool_:
        invalid = array != positive
        if invalid.any():
            row = int(np.argmax(invalid))
            raise OutOfRange(f"labels: row {row} is {array[row]}, allowed are 0 and 1")
    clicks = int(np.count_nonzero(positive))
    if clicks in (0, positive.size):
        raise OneClass(
            f"labels: {clicks} clicks in {positive.size} rows; both classes are needed, check the split of the test set"
        )
    return positive


def as_score_matrix(scores: ArrayLike, rows: int) -> AnyArray:
    """Return the scores as a (runs, rows) matrix of float32 or float64.

    Other number types become float64; a vector becomes one run. Raises MisalignedInput if a run does not have `rows`
    scores, NotFinite for a NaN or an infinity.
    """
    array = np.asarray(scores)
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    matrix = np.atleast_2d(array)
    if matrix.ndim != 2 or matrix.shape[1] != rows:
        raise MisalignedInput(
            f"scores: found shape {array.shape} for {rows} labels; each run needs one score for each row, in row order"
        )
    for run, values in enumerate(matrix):
        # A NaN or an infinity survives the sum, so the rows are scanned a second time only to locate it.
        with np.errstate(invalid="ignore"):
            total = values.sum(dtype=np.float64)
        if not np.isfinite(total):
            row = int(np.argmin(np.isfinite(values)))
            raise NotFinite(f"scores: run {run}, row {row} is {values[row]}; exclude the run as failed or repeat it")
    return matrix


def require_probabilities(scores: AnyArray) -> AnyArray:
    """Return the scores unchanged. Raises OutOfRange if a score is not a probability in [0, 1]."""
    low, high = float(scores.min()), float(scores.max())
    if low < 0.0 or high > 1.0:
        raise OutOfRange(f"scores: found [{low:g}, {high:g}], allowed are probabilities in [0, 1]; pass sigmoid(logit)")
    return scores


def require_open_unit_interval(value: float, name: str) -> float:
    """Return `value` if 0 < value < 1. Raises OutOfRange otherwise."""
    if not 0.0 < value < 1.0:
        raise OutOfRange(f"{name}: found {value}, allowed is a number strictly between 0 and 1")
    return value


def require_positive(value: float, name: str) -> float:
    """Return `value` if it is finite and above zero. Raises OutOfRange otherwise."""
    if not (np.isfinite(value) and value > 0.0):
        raise OutOfRange(f"{name}: found {value}, allowed is a finite number above 0")
    return value
