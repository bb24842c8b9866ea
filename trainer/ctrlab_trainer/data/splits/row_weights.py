"""Weights of rows in the training loss, and on request in the metrics."""

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.row_labels import Weight
from ctrlab_trainer.data.readers.column_values import numeric_values, text_at
from ctrlab_trainer.data.readers.source_tables import SourceTable


def row_weights(table: SourceTable, weight: Weight | None) -> NDArray[np.float64] | None:
    """Return [rows] weights as in the source, None without a weight column.

    InvalidData for a missing or negative weight; zero is allowed.
    """
    if weight is None:
        return None
    values = numeric_values(table, weight.column)
    invalid = ~(values >= 0)
    if invalid.any():
        row = int(np.argmax(invalid))
        value = text_at(table, row, weight.column)
        what = "the weight is missing" if np.isnan(values[row]) else f"found {value}"
        raise InvalidData.at(
            table.location(row, weight.column),
            f"{what}; a weight is a number of at least 0: fill it, or leave the row out",
        )
    return values


def normalized_weights(weights: NDArray[np.float64], train: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the weights divided by their mean over the train rows (source row numbers).

    The mean loss then has the scale of an unweighted one, so that learning rates and penalties keep their meaning.
    InvalidData if all train rows have weight 0.
    """
    mean = float(weights[train].mean())
    if mean == 0:
        raise InvalidData.at("spec.dataset.weight", "all rows of train have weight 0: give some rows a weight above 0")
    return (weights / mean).astype(np.float32)
