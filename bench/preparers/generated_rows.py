"""Generated rows for `bench/prepare.py`: a label, 13 numbers and 26 categorical columns, like Criteo's logs."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

NUMBERS = tuple(f"I{i}" for i in range(1, 14))
CATEGORIES = tuple(f"C{i}" for i in range(1, 27))
SIZES = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
"""Numbers of distinct values, assigned to the categorical columns in turn; low values are the most frequent."""
SHARES = {"train": 0.8, "valid": 0.1, "test": 0.1}
CHUNK_ROWS = 250_000
MIN_FREQUENCY = 2


def write_rows(folder: Path, rows: int) -> None:
    """Write `train.csv`, `valid.csv` and `test.csv`, a chunk at a time."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(7)
    for split, share in SHARES.items():
        remaining, header = round(rows * share), True
        with (folder / f"{split}.csv").open("wb") as file:
            while remaining > 0:
                table = _chunk(random, min(CHUNK_ROWS, remaining))
                pa.csv.write_csv(table, file, pa.csv.WriteOptions(include_header=header, quoting_style="none"))
                remaining, header = remaining - CHUNK_ROWS, False


def _chunk(random: np.random.Generator, rows: int) -> pa.Table:
    columns: dict[str, object] = {"label": random.integers(0, 2, rows)}
    for name in NUMBERS:
        columns[name] = np.round(np.exp(random.normal(2, 2, rows)), 3)
    for index, name in enumerate(CATEGORIES):
        values = (random.random(rows) ** 3 * SIZES[index % len(SIZES)]).astype(np.int64)
        columns[name] = pa.array(values).cast(pa.string())
    return pa.table(columns)
