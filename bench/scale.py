"""Measure how training scales with rows and tables: time and memory of an epoch over 1, 4 and 16 million generated rows
of 40 fields, and of a step with tables of up to 10 million rows.

    python -m bench.scale [--rows 1,4,16] [--tables 0.1,1,10] [--folder FOLDER]

Rows are first written to files, which training maps into memory: 160 bytes per row. Each line of the tables is a
separate process. Allocated memory and resident pages of the files are counted separately; the system reclaims the
latter when memory is needed.
"""

import argparse
import itertools
import json
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ctrlab_api.plan import Variant
from ctrlab_api.records.runs import RowPermutation
from ctrlab_trainer.data.prepared.encoded_schema import EncodedFeature, EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import open_split
from ctrlab_trainer.models import build
from ctrlab_trainer.process.device import set_up_torch
from ctrlab_trainer.training.loop import training_step
from ctrlab_trainer.training.optimizer import ModelOptimizer
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.row_order import RowOrdering
from ctrlab_trainer.training.row_windows import open_rows
from ctrlab_trainer.training.variant_config import resolve_config

FIELDS = 40
VALUES = 1000
"""Number of values of each field."""
BATCH = 4096
CHUNK = 2**18
MILLION = 1_000_000
STEPS = 10
"""Measured steps for each table size."""


def schema_of(values: int, fields: int = FIELDS) -> EncodedSchema:
    """Return a schema of fields with this number of values each."""
    features = [
        EncodedFeature(name=f"f{index}", kind="categorical", offset=1 + index * values, size=values, column=index)
        for index in range(fields)
    ]
    return EncodedSchema(features=tuple(features), embedding_rows=1 + fields * values)


def write(folder: Path, rows: int, values: int, fields: int = FIELDS) -> None:
    """Write a split of random rows, chunk by chunk."""
    ids = np.lib.format.open_memmap(folder / "categorical.npy", mode="w+", dtype=np.int32, shape=(rows, fields))
    generator = np.random.default_rng(0)
    offsets = 1 + np.arange(fields, dtype=np.int32) * values
    for start in range(0, rows, CHUNK):
        chunk = ids[start : start + CHUNK]
        chunk[:] = generator.integers(0, values, chunk.shape, dtype=np.int32) + offsets
    ids.flush()
    np.save(folder / "labels.npy", (generator.random(rows) < 0.25).astype(np.uint8))
    np.save(folder / "numeric.npy", np.zeros((rows, 0), np.float32))
    np.save(folder / "row_ids.npy", np.arange(rows))


@contextmanager
def peaks() -> Iterator[dict[str, int]]:
    """Yield the highest `RssAnon` and `RssFile` of this process in KiB, sampled 20 times per second."""
    peak, finished = {"RssAnon": 0, "RssFile": 0}, threading.Event()

    def watch() -> None:
        while not finished.wait(0.05):
            for line in Path("/proc/self/status").read_text().splitlines():
                name, _, rest = line.partition(":")
                if name in peak:
                    peak[name] = max(peak[name], int(rest.split()[0]))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        finished.set()
        thread.join()


def train(
    folder: Path, values: int, order: RowPermutation, max_steps: int | None, sparse_above: int
) -> dict[str, float]:
    """Train DeepFM on all rows of the folder, or for `max_steps` steps after a warm-up step."""
    set_up_torch()
    schema = schema_of(values)
    parameters: dict[str, str | int] = {
        "embedding_dim": 8,
        "hidden_units": "64,32",
        "batch_size": BATCH,
        "sparse_embeddings_above": sparse_above,
    }
    variant = Variant(name="DeepFM", architecture="deepfm", parameters=parameters)
    config = resolve_config(variant, {})
    with peaks() as memory:
        split = open_split(folder, schema)
        ordering = RowOrdering.choose(order, split, "cpu")
        data = open_rows(split, schema, ordering, "cpu")
        model = build(variant, config, schema, PurposeSeeds.from_root(0))
        optimizer = ModelOptimizer(model, config)
        model.train()
        batches = map(data.batch, data.index_batches(ordering.windows(torch.Generator().manual_seed(0)), BATCH))
        if max_steps is not None:
            training_step(model, next(batches), optimizer, "float32")
        steps, began = 0, time.perf_counter()
        for batch in itertools.islice(batches, max_steps):
            training_step(model, batch, optimizer, "float32")
            steps += 1
        seconds = time.perf_counter() - began
    return {
        "seconds": seconds,
        "steps": steps,
        "allocated": memory["RssAnon"] / 1024,
        "mapped": memory["RssFile"] / 1024,
    }


def run_separately(*arguments: object) -> dict[str, Any]:
    """Run `train` in a separate process."""
    command = [sys.executable, "-m", "bench.scale", "--one", json.dumps(arguments)]
    answer: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return answer


def rows_table(millions: list[float], folder: Path) -> None:
    """Print the measurements of epochs."""
    print("| million rows | order | s per epoch | rows/s | allocated MiB | mapped files MiB |")
    print("|---|---|---|---|---|---|")
    for size in millions:
        with tempfile.TemporaryDirectory(dir=folder) as name:
            write(Path(name), int(size * MILLION), VALUES)
            for order in ("rows", "blocks"):
                result = run_separately(name, VALUES, order, None, 0)
                speed = f"{size * MILLION / result['seconds']:,.0f}"
                memory = f"{result['allocated']:,.0f} | {result['mapped']:,.0f}"
                print(f"| {size:g} | {order} | {result['seconds']:.1f} | {speed} | {memory} |", flush=True)


def tables_table(millions: list[float], folder: Path) -> None:
    """Print the measurements of steps."""
    print("\n| million rows of the table | updates | ms per step | allocated MiB |")
    print("|---|---|---|---|")
    for size in millions:
        values = int(size * MILLION / FIELDS)
        with tempfile.TemporaryDirectory(dir=folder) as name:
            write(Path(name), BATCH * (STEPS + 2), values)
            for updates, above in (("dense", 0), ("row-wise", 1)):
                result = run_separately(name, values, "rows", STEPS, above)
                milliseconds = 1000 * result["seconds"] / result["steps"]
                print(f"| {size:g} | {updates} | {milliseconds:,.0f} | {result['allocated']:,.0f} |", flush=True)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", default="1,4,16", help="millions")
    parser.add_argument("--tables", default="0.1,1,10", help="millions of rows of the table")
    parser.add_argument("--folder", type=Path, help="folder for the rows (default: the system's temporary folder)")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one is not None:
        folder, *others = json.loads(args.one)
        print(json.dumps(train(Path(folder), *others)))
        return
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, torch {version('torch')}, DeepFM, one thread\n")
    rows_table([float(size) for size in args.rows.split(",")], args.folder)
    tables_table([float(size) for size in args.tables.split(",")], args.folder)


if __name__ == "__main__":
    main()
