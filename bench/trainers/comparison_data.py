"""Generated data with the shape of Frappe and of a sequence benchmark, read by every trainer of the comparison.

Values are random, because the measurements do not depend on them; ids count from 1, 0 is padding.
"""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIELDS = {
    "user": 957,
    "item": 4082,
    "daytime": 7,
    "weekday": 7,
    "isweekend": 2,
    "homework": 3,
    "cost": 2,
    "weather": 9,
    "country": 80,
    "city": 233,
}
"""Number of values of each field, as in Frappe."""
SEQUENCE_FIELDS = {"user": 2000, "item": 4000, "context": 20}
HISTORY = 50
"""Maximum number of events of a history."""

DEVICE_VARIABLE = "BENCH_DEVICE"
DEVICE = os.environ.get(DEVICE_VARIABLE, "cpu")
"""Device of the peers: cpu or cuda."""

Columns = dict[str, NDArray[Any]]


def dense_columns(rows: int) -> Columns:
    """Return a column of ids for each field, and the label."""
    generator = np.random.default_rng(0)
    columns: Columns = {name: generator.integers(1, size + 1, rows) for name, size in FIELDS.items()}
    columns["label"] = (generator.random(rows) < 1 / 3).astype(np.float64)
    return columns


def sequence_columns(rows: int) -> Columns:
    """Return rows by user and time; `hist` [rows, HISTORY] are earlier items, latest first, padded with 0."""
    generator = np.random.default_rng(1)
    users = SEQUENCE_FIELDS["user"]
    rows_per_user = -(-rows // users)
    user = np.repeat(np.arange(1, users + 1), rows_per_user)[:rows]
    item = generator.integers(1, SEQUENCE_FIELDS["item"] + 1, rows)
    earlier = np.arange(rows) % rows_per_user
    index = np.arange(rows)[:, None] - 1 - np.arange(HISTORY)
    present = np.arange(HISTORY) < np.minimum(earlier, HISTORY)[:, None]
    return {
        "user": user,
        "item": item,
        "context": generator.integers(1, SEQUENCE_FIELDS["context"] + 1, rows),
        "hist": np.where(present, item[np.maximum(index, 0)], 0),
        "hist_len": np.minimum(earlier, HISTORY),
        "label": (generator.random(rows) < 0.5).astype(np.float64),
    }


def columns_of(model: str, rows: int) -> Columns:
    """Return the data for a model."""
    return sequence_columns(rows) if model in ("DIN", "BST") else dense_columns(rows)


SETTINGS: dict[str, Any] = {
    "embedding_dim": 10,
    "hidden": [400, 400, 400],
    "dropout": 0.2,
    "batch_norm": True,
    "cin": [64],
    "cross_layers": 4,
    "batch_size": 4096,
    "sequence_embedding_dim": 32,
    "sequence_hidden": [256, 128],
    "attention_hidden": [64, 32],
    "heads": 2,
    "learning_rate": 1e-3,
    "l2": 1e-5,
}
"""Settings of every trainer; the dense ones are those of BARS for Frappe."""
