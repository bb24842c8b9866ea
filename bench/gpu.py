"""Measure a GPU: an epoch of DeepFM on data of Frappe's shape, several seeds in one batch, and the peers.

Without a GPU the exit code is 77; `--device cpu --rows 20000 --epochs 2` tests the script.

    python -m bench.gpu [--peers PYTHON] [--device cuda] [--seeds 8] [--epochs 6]
"""

import argparse
import itertools
import os
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import torch

from bench.trainer import PEERS, Program
from bench.trainers.comparison_data import DEVICE_VARIABLE, SETTINGS, columns_of
from bench.trainers.ctrlab_adapter import encode, variant_of
from ctrlab_api.architectures import Architecture
from ctrlab_api.names import Variable
from ctrlab_api.plan import Variant
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.process.device import set_up_torch
from ctrlab_trainer.training.batched_training import train_batched
from ctrlab_trainer.training.determinism import deterministic
from ctrlab_trainer.training.loop import TrainingResult, train
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.variant_config import resolve_config

MODEL = "DeepFM"
ROWS = 202_027
"""Rows of Frappe's train split."""
VALIDATION_SHARE = 5
"""There is one validation row per this number of train rows, about as in Frappe."""
NO_GPU = 77
PRECISIONS = ("float32", "tf32", "bfloat16")
TARGETS = {"epoch": 0.050, "batch": 2.0, "peer": 10.0}


class Workload:
    """Train and validation rows, and the measurement of a training on them."""

    def __init__(self, rows: int, folder: Path) -> None:
        self.schema, self.rows = self._make_split(rows, folder / "train")
        _, self.valid = self._make_split(max(2, rows // VALIDATION_SHARE), folder / "valid")

    def _make_split(self, rows: int, folder: Path) -> tuple[EncodedSchema, EncodedSplit]:
        folder.mkdir()
        return encode(columns_of(MODEL, rows), folder)

    def seconds(self, precision: str, steps: str, epochs: int, seeds: int, device: str) -> tuple[float, str]:
        """Return the median time of an epoch with its validation, except the first, and the kind of its steps."""
        os.environ[Variable.STEPS] = steps
        variant, config = self._settings(precision, epochs)
        with deterministic():
            if seeds == 1:
                results: tuple[TrainingResult, ...] = (self._train(variant, config, device),)
            else:
                results = self._train_seeds(variant, config, device, seeds)
        by_epoch = itertools.zip_longest(*([epoch.seconds for epoch in result.curve] for result in results))
        durations = [max(seconds for seconds in epoch if seconds is not None) for epoch in by_epoch]
        return statistics.median(durations[1:]), results[0].steps

    def _settings(self, precision: str, epochs: int) -> tuple[Variant, Architecture]:
        variant = variant_of(MODEL)
        overrides = {"precision": precision, "epochs": epochs, "patience": epochs, "schedule": "constant"}
        variant = variant.model_copy(update={"parameters": {**variant.parameters, **overrides}})
        return variant, resolve_config(variant, {})

    def _train(self, variant: Variant, config: Architecture, device: str) -> TrainingResult:
        return train(
            config=config,
            variant=variant,
            schema=self.schema,
            train=self.rows,
            valid=self.valid,
            seeds=PurposeSeeds.from_root(0),
            device=device,
            primary_metric="auc",
            metrics=("auc",),
        )

    def _train_seeds(
        self, variant: Variant, config: Architecture, device: str, seeds: int
    ) -> tuple[TrainingResult, ...]:
        return train_batched(
            config=config,
            variant=variant,
            schema=self.schema,
            train=self.rows,
            valid=self.valid,
            seeds=[PurposeSeeds.from_root(seed) for seed in range(seeds)],
            device=device,
            primary_metric="auc",
            metrics=("auc",),
        )


def peers(python: str, rows: int, device: str) -> dict[str, float | str]:
    """Return the seconds of an epoch without validation by program, or the reason for its absence."""
    os.environ[DEVICE_VARIABLE] = device
    batches = rows // int(SETTINGS["batch_size"])
    results: dict[str, float | str] = {}
    for name, (_, script) in PEERS.items():
        program = Program(name, python, script)
        answers = [program.request(command) for command in (f"model {MODEL} {rows}", "train 2", f"train {batches}")]
        program.close()
        failed = next((answer["error"] for answer in answers if answer["error"]), None)
        results[name] = failed or answers[-1]["seconds"] * rows / answers[-1]["rows"]
    return results


def main() -> int:
    """Print the measurements and the targets."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--peers", help="Python of the environment with the peers (default: none)")
    args = parser.parse_args()
    if args.epochs < 2 or args.seeds < 2:
        parser.error("--epochs and --seeds are at least 2: the first epoch is a warm-up, and one seed is not a batch")
    if args.device == "cuda" and not torch.cuda.is_available():
        print("not run: torch detects no GPU; --device cpu tests the script without measuring a GPU")
        return NO_GPU
    os.environ[Variable.DEVICE] = args.device
    device = set_up_torch()
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU, one thread: not a measurement of a GPU"
    print(f"{datetime.now(UTC):%Y-%m-%d}, {name}, torch {torch.__version__}, CUDA {torch.version.cuda or 'none'}")
    print(f"{MODEL}, {args.rows:,} rows of Frappe's shape in batches of {SETTINGS['batch_size']:,}\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        best = measure_ctrlab(Workload(args.rows, Path(folder)), device, args.epochs, args.seeds)
    if args.peers is None:
        print("\nno peers: set --peers to the Python of an environment with them (bench/README.md)")
        return 0
    began = time.perf_counter()
    print("\n| program | epoch in ms, without validation | ctrlab, with validation, is faster by |\n|---|---:|---:|")
    for peer, seconds in peers(args.peers, args.rows, device).items():
        result = (
            f"{seconds * 1e3:,.0f} | x{seconds / best:.1f}" if isinstance(seconds, float) else f"absent: {seconds} |"
        )
        print(f"| {peer} | {result} |", flush=True)
    print(f"target: x{TARGETS['peer']:g} the fastest; peers took {time.perf_counter() - began:.0f} s", file=sys.stderr)
    return 0


def measure_ctrlab(workload: Workload, device: str, epochs: int, seeds: int) -> float:
    """Print ctrlab's table and return the seconds of an epoch of one seed in float32."""
    print("| precision | steps | epoch in ms, 1 seed | batch of seeds | in ms | relative to one seed |")
    print("|---|---|---:|---:|---:|---:|")
    best = float("inf")
    for precision in PRECISIONS if device == "cuda" else PRECISIONS[:1]:
        for steps in ("auto", "eager") if device == "cuda" else ("eager",):
            one, kind = workload.seconds(precision, steps, epochs, 1, device)
            all_seeds, _ = workload.seconds(precision, steps, epochs, seeds, device)
            best = min(best, one) if precision == "float32" else best
            cells = f"{one * 1e3:,.1f} | {seeds} | {all_seeds * 1e3:,.1f} | {all_seeds / one:.2f}"
            print(f"| {precision} | {kind} | {cells} |", flush=True)
    print(f"targets: below {TARGETS['epoch'] * 1e3:.0f} ms for one seed, below {TARGETS['batch']:g} times that for 8")
    return best


if __name__ == "__main__":
    sys.exit(main())
