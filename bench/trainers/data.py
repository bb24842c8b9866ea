"""Made data with the shape of Frappe, and of a sequence benchmark, as every trainer of the comparison reads it.

Values are drawn, because what is measured does not depend on them; ids count from 1, 0 is padding.
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
"""Values of each field, as Frappe has them."""
SEQUENCE_FIELDS = {"user": 2000, "item": 4000, "context": 20}
HISTORY = 50
"""Events of a history at most."""

DEVICE_VARIABLE = "BENCH_DEVICE"
DEVICE = os.environ.get(DEVICE_VARIABLE, "cpu")
"""Where the peers compute: cpu or cuda."""

Columns = dict[str, NDArray[Any]]


def dense_columns(rows: int) -> Columns:
    """One column of ids for each field, and label."""
    chance = np.random.default_rng(0)
    columns: Columns = {name: chance.integers(1, size + 1, rows) for name, size in FIELDS.items()}
    columns["label"] = (chance.random(rows) < 1 / 3).astype(np.float64)
    return columns


def sequence_columns(rows: int) -> Columns:
    """Rows by user and time; `hist` [rows, HISTORY] are the items before, latest first, padded with 0."""
    chance = np.random.default_rng(1)
    users = SEQUENCE_FIELDS["user"]
    each = -(-rows // users)
    user = np.repeat(np.arange(1, users + 1), each)[:rows]
    item = chance.integers(1, SEQUENCE_FIELDS["item"] + 1, rows)
    seen = np.arange(rows) % each
    place = np.arange(rows)[:, None] - 1 - np.arange(HISTORY)
    there = np.arange(HISTORY) < np.minimum(seen, HISTORY)[:, None]
    return {
        "user": user,
        "item": item,
        "context": chance.integers(1, SEQUENCE_FIELDS["context"] + 1, rows),
        "hist": np.where(there, item[np.maximum(place, 0)], 0),
        "hist_len": np.minimum(seen, HISTORY),
        "label": (chance.random(rows) < 0.5).astype(np.float64),
    }


def columns_of(model: str, rows: int) -> Columns:
    """The data that a model is measured on."""
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
"""Of every trainer; the dense ones are BARS' for Frappe."""
