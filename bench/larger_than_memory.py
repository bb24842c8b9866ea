"""Training from files that are larger than the memory: an epoch and an evaluation in a control group with a limit,
beside the same with all rows in memory.

    python -m bench.larger_than_memory [--million 6] [--limit 0.6] [--turns 3] [--folder FOLDER]

Rows have 40 fields, or 35 fields and a history of up to 20 events from a log with one event a row. Before an epoch in
the control group its files are put out of the system's cache; before the others they are read into it. Making a control
group takes root on Linux; where none can be made, the script says so and ends with exit code 77.
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
BESIDE_A_HISTORY = 35
"""Fields of rows that have one, which makes them as long as the others."""
LENGTH = 20
EVENTS_OF_A_USER = 50
GIB = 2**30
PLACES: dict[str, RowPermutation] = {"files, with the limit": "blocks", "memory": "rows"}
"""Where the rows are, and in which order they are taken from there."""


def schema(history: bool) -> EncodedSchema:
    """Of the rows, with a history or without."""
    if not history:
        return schema_of(VALUES)
    fields = schema_of(VALUES, BESIDE_A_HISTORY)
    seen = EncodedFeature(name="seen", kind="history", offset=1, size=VALUES, column=-1, length=LENGTH, of="f0")
    return fields.model_copy(update={"features": (*fields.features, seen)})


def write_rows(folder: Path, rows: int, history: bool) -> None:
    """A split of drawn rows; of each the user is drawn, and how much of the user's events came before."""
    write(folder, rows, VALUES, BESIDE_A_HISTORY if history else FIELDS)
    if not history:
        return
    generator = np.random.default_rng(1)
    np.save(folder / "history-0-events.npy", generator.integers(1, 1 + VALUES, rows, dtype=np.int32))
    shape, mode = (rows,), "w+"
    start, end = (
        np.lib.format.open_memmap(folder / f"history-0-{name}.npy", mode=mode, dtype=np.int64, shape=shape)
        for name in ("start", "end")
    )
    for place in range(0, rows, CHUNK):
        size = len(end[place : place + CHUNK])
        first = generator.integers(0, rows // EVENTS_OF_A_USER, size) * EVENTS_OF_A_USER
        end[place : place + size] = first + generator.integers(0, EVENTS_OF_A_USER + 1, size)
        start[place : place + size] = np.maximum(first, end[place : place + size] - LENGTH)


def epoch(folder: Path, history: bool, taken: RowPermutation) -> dict[str, float]:
    """DeepFM over all rows of the folder, then their scores."""
    set_up_torch()
    seen, split = schema(history), open_split(folder, schema(history))
    order = RowOrdering.choose(taken, split, "cpu")
    parameters: dict[str, str | int] = {"embedding_dim": 8, "hidden_units": "64,32", "batch_size": BATCH}
    variant = Variant(name="DeepFM", architecture="deepfm", parameters=parameters)
    config = resolve_config(variant, {})
    with peaks() as memory:
        rows = open_rows(split, seen, order, "cpu")
        model = build(variant, config, seen, PurposeSeeds.from_root(0))
        began = time.perf_counter()
        EpochTraining(model, rows, ModelOptimizer(model, config), config).run(
            order.windows(torch.Generator().manual_seed(0))
        )
        trained = time.perf_counter()
        score(model, rows)
        scored = time.perf_counter()
    counts = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return {
        "training": trained - began,
        "scoring": scored - trained,
        "own": memory["RssAnon"] / 1024,
        "read": int(counts["read_bytes"]) / 2**20,
        "faults": resource.getrusage(resource.RUSAGE_SELF).ru_majflt,
    }


@contextmanager
def control_group(limit: int) -> Iterator[Path]:
    """A group with so many bytes, by either version; OSError where none can be made."""
    second = (CGROUP_ROOT / "cgroup.controllers").exists()
    group = (CGROUP_ROOT if second else CGROUP_ROOT / "memory") / f"ctrlab-bench-{os.getpid()}"
    group.mkdir()
    try:
        (group / ("memory.max" if second else "memory.limit_in_bytes")).write_text(str(limit))
        yield group
    finally:
        group.rmdir()


def apart(group: Path | None, *given: object) -> dict[str, Any]:
    """An epoch in a process of its own, which enters the group first."""
    command = [sys.executable, "-m", "bench.larger_than_memory", "--one", json.dumps(given)]
    if group is not None:
        command = ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(group / "cgroup.procs"), *command]
    answer: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return answer


def cache(folder: Path, wanted: bool) -> None:
    """Has the system keep the files of a folder in memory, or none of them."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            while wanted and file.read(2**24):
                pass


def compare(folder: Path, history: bool, limit: int, turns: int) -> None:
    """Prints the medians, and the medians of the ratios within a turn."""
    size = sum(path.stat().st_size for path in folder.iterdir() if path.name != "row_ids.npy")
    rows = open_split(folder, schema(history)).rows
    what = f"{BESIDE_A_HISTORY} fields and a history" if history else f"{FIELDS} fields"
    print(f"\n{rows:,} rows of {what}, {size / GIB:.2f} GiB, {size / limit:.2f} of the limit\n")
    print("| rows come from | s an epoch | rows/s | s to score | own MiB | read MiB | major faults | beside memory |")
    print("|---|---|---|---|---|---|---|---|")
    found: dict[str, list[dict[str, Any]]] = {place: [] for place in PLACES}
    for _ in range(turns):
        for place, taken in PLACES.items():
            within = place.endswith("limit")
            cache(folder, wanted=not within)
            if not within:
                found[place].append(apart(None, str(folder), history, taken))
                continue
            with control_group(limit) as group:
                found[place].append(apart(group, str(folder), history, taken))
    for place, seen in found.items():
        middle = {name: median(turn[name] for turn in seen) for name in seen[0]}
        pairs = list(zip(seen, found["memory"], strict=True))
        ratios = [median(one[name] / other[name] for one, other in pairs) for name in ("training", "scoring")]
        speed = f"{middle['training']:.1f} | {rows / middle['training']:,.0f} | {middle['scoring']:.1f}"
        memory = f"{middle['own']:,.0f} | {middle['read']:,.0f} | {middle['faults']:,.0f}"
        print(f"| {place} | {speed} | {memory} | {ratios[0]:.2f}, scoring {ratios[1]:.2f} |", flush=True)


def main() -> None:
    """Prints both tables, or why there are none."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--million", type=float, default=6, help="rows")
    parser.add_argument("--limit", type=float, default=0.6, help="GiB of the control group")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where rows are written (default: the system's temporary folder)")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one is not None:
        folder, *others = json.loads(given.one)
        print(json.dumps(epoch(Path(folder), *others)))
        return
    limit = int(given.limit * GIB)
    try:
        with control_group(limit):
            pass
    except OSError as error:
        print(f"not measured: no control group with a limit can be made here ({error}); run as root on Linux")
        raise SystemExit(SKIPPED) from None
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, torch {version('torch')}, DeepFM, one thread")
    print(f"limit {given.limit:g} GiB, medians of {given.turns} turns")
    for history in (False, True):
        with tempfile.TemporaryDirectory(dir=given.folder) as name:
            write_rows(Path(name), int(given.million * MILLION), history)
            compare(Path(name), history, limit, given.turns)


if __name__ == "__main__":
    main()
