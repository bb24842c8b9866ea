"""Measure training from files larger than the memory: an epoch and an evaluation in a cgroup with a limit, compared
with all rows in memory.

    python -m bench.larger_than_memory [--million 6] [--limit 0.6] [--turns 3] [--folder FOLDER]

Rows have 40 fields, or 35 fields and a history of up to 20 events from a log with one event a row. Before an epoch in
the cgroup its files are evicted from the page cache; before the others they are read into it. Creating a cgroup needs
root on Linux; without one, the exit code is 77.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from bench.scale import BATCH, CHUNK, FIELDS, MILLION, VALUES, peaks, schema_of, write
from ctrlab_api.plan import Variant
from ctrlab_api.records.runs import RowPermutation
from ctrlab_trainer.data.prepared.encoded_schema import EncodedFeature, EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import open_split
from ctrlab_trainer.models import build
from ctrlab_trainer.process.device import set_up_torch
from ctrlab_trainer.process.memory_limits import CGROUP_ROOT
from ctrlab_trainer.training.loop import EpochTraining
from ctrlab_trainer.training.optimizer import ModelOptimizer
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.row_order import RowOrdering
from ctrlab_trainer.training.row_windows import open_rows
from ctrlab_trainer.training.scoring import score
from ctrlab_trainer.training.variant_config import resolve_config

SKIPPED = 77
FIELDS_WITH_HISTORY = 35
"""Fields of rows with a history, which are then as long as the other rows."""
LENGTH = 20
EVENTS_PER_USER = 50
GIB = 2**30
SOURCES: dict[str, RowPermutation] = {"files, with the limit": "blocks", "memory": "rows"}
"""Source of the rows, and their order."""


def schema(history: bool) -> EncodedSchema:
    """Return the schema of the rows, with or without a history."""
    if not history:
        return schema_of(VALUES)
    fields = schema_of(VALUES, FIELDS_WITH_HISTORY)
    history_feature = EncodedFeature(
        name="seen", kind="history", offset=1, size=VALUES, column=-1, length=LENGTH, of="f0"
    )
    return fields.model_copy(update={"features": (*fields.features, history_feature)})


def write_rows(folder: Path, rows: int, history: bool) -> None:
    """Write a split of random rows; the user of each row, and the number of earlier events of this user, are random."""
    write(folder, rows, VALUES, FIELDS_WITH_HISTORY if history else FIELDS)
    if not history:
        return
    generator = np.random.default_rng(1)
    np.save(folder / "history-0-events.npy", generator.integers(1, 1 + VALUES, rows, dtype=np.int32))
    shape, mode = (rows,), "w+"
    start, end = (
        np.lib.format.open_memmap(folder / f"history-0-{name}.npy", mode=mode, dtype=np.int64, shape=shape)
        for name in ("start", "end")
    )
    for begin in range(0, rows, CHUNK):
        size = len(end[begin : begin + CHUNK])
        first = generator.integers(0, rows // EVENTS_PER_USER, size) * EVENTS_PER_USER
        end[begin : begin + size] = first + generator.integers(0, EVENTS_PER_USER + 1, size)
        start[begin : begin + size] = np.maximum(first, end[begin : begin + size] - LENGTH)


def epoch(folder: Path, history: bool, permutation: RowPermutation) -> dict[str, float]:
    """Train DeepFM on all rows of the folder, then score them."""
    set_up_torch()
    model_schema = schema(history)
    split = open_split(folder, model_schema)
    ordering = RowOrdering.choose(permutation, split, "cpu")
    parameters: dict[str, str | int] = {"embedding_dim": 8, "hidden_units": "64,32", "batch_size": BATCH}
    variant = Variant(name="DeepFM", architecture="deepfm", parameters=parameters)
    config = resolve_config(variant, {})
    with peaks() as memory:
        rows = open_rows(split, model_schema, ordering, "cpu")
        model = build(variant, config, model_schema, PurposeSeeds.from_root(0))
        began = time.perf_counter()
        EpochTraining(model, rows, ModelOptimizer(model, config), config).run(
            ordering.windows(torch.Generator().manual_seed(0))
        )
        trained = time.perf_counter()
        score(model, rows)
        scored = time.perf_counter()
    counts = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return {
        "training": trained - began,
        "scoring": scored - trained,
        "allocated": memory["RssAnon"] / 1024,
        "read": int(counts["read_bytes"]) / 2**20,
        "faults": resource.getrusage(resource.RUSAGE_SELF).ru_majflt,
    }


@contextmanager
def control_group(limit: int) -> Iterator[Path]:
    """Yield a cgroup, of either version, with this limit in bytes; OSError if it cannot be created."""
    version_2 = (CGROUP_ROOT / "cgroup.controllers").exists()
    group = (CGROUP_ROOT if version_2 else CGROUP_ROOT / "memory") / f"ctrlab-bench-{os.getpid()}"
    group.mkdir()
    try:
        (group / ("memory.max" if version_2 else "memory.limit_in_bytes")).write_text(str(limit))
        yield group
    finally:
        group.rmdir()


def run_separately(group: Path | None, *arguments: object) -> dict[str, Any]:
    """Run `epoch` in a separate process, which first joins the cgroup."""
    command = [sys.executable, "-m", "bench.larger_than_memory", "--one", json.dumps(arguments)]
    if group is not None:
        command = ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(group / "cgroup.procs"), *command]
    answer: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return answer


def set_cached(folder: Path, cached: bool) -> None:
    """Read the files of a folder into the page cache, or evict them from it."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            while cached and file.read(2**24):
                pass


def compare(folder: Path, history: bool, limit: int, turns: int) -> None:
    """Print the medians, and the medians of the ratios within a turn."""
    size = sum(path.stat().st_size for path in folder.iterdir() if path.name != "row_ids.npy")
    rows = open_split(folder, schema(history)).rows
    shape = f"{FIELDS_WITH_HISTORY} fields and a history" if history else f"{FIELDS} fields"
    print(f"\n{rows:,} rows of {shape}, {size / GIB:.2f} GiB, {size / limit:.2f} of the limit\n")
    print(
        "| source | s per epoch | rows/s | s to score | allocated MiB | read MiB | major faults | relative to memory |"
    )
    print("|---|---|---|---|---|---|---|---|")
    results: dict[str, list[dict[str, Any]]] = {source: [] for source in SOURCES}
    for _ in range(turns):
        for source, permutation in SOURCES.items():
            limited = source.endswith("limit")
            set_cached(folder, cached=not limited)
            if not limited:
                results[source].append(run_separately(None, str(folder), history, permutation))
                continue
            with control_group(limit) as group:
                results[source].append(run_separately(group, str(folder), history, permutation))
    for source, turns_of_source in results.items():
        middle = {name: median(turn[name] for turn in turns_of_source) for name in turns_of_source[0]}
        pairs = list(zip(turns_of_source, results["memory"], strict=True))
        ratios = [median(one[name] / other[name] for one, other in pairs) for name in ("training", "scoring")]
        speed = f"{middle['training']:.1f} | {rows / middle['training']:,.0f} | {middle['scoring']:.1f}"
        memory = f"{middle['allocated']:,.0f} | {middle['read']:,.0f} | {middle['faults']:,.0f}"
        print(f"| {source} | {speed} | {memory} | {ratios[0]:.2f}, scoring {ratios[1]:.2f} |", flush=True)


def main() -> None:
    """Print both tables, or the reason for their absence."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--million", type=float, default=6, help="rows")
    parser.add_argument("--limit", type=float, default=0.6, help="memory limit in GiB")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="folder for the rows (default: the system's temporary folder)")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one is not None:
        folder, *others = json.loads(args.one)
        print(json.dumps(epoch(Path(folder), *others)))
        return
    limit = int(args.limit * GIB)
    try:
        with control_group(limit):
            pass
    except OSError as error:
        print(f"not measured: a cgroup with a limit cannot be created ({error}); run as root on Linux")
        raise SystemExit(SKIPPED) from None
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, torch {version('torch')}, DeepFM, one thread")
    print(f"limit {args.limit:g} GiB, medians of {args.turns} turns")
    for history in (False, True):
        with tempfile.TemporaryDirectory(dir=args.folder) as name:
            write_rows(Path(name), int(args.million * MILLION), history)
            compare(Path(name), history, limit, args.turns)


if __name__ == "__main__":
    main()
