"""A GPU's side of the comparison: an epoch of DeepFM on data of Frappe's shape, seeds in one batch, and the peers.

Without a GPU it says so and ends with exit code 77; `--device cpu --rows 20000 --epochs 2` shows that the script works.

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
from bench.trainers.ctrlab_side import encoded, variant_of
from bench.trainers.data import DEVICE_VARIABLE, SETTINGS, columns_of
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
"""Of Frappe's training part."""
VALIDATION = 5
"""One row in so many is judged after each epoch, about as in Frappe."""
NO_GPU = 77
PRECISIONS = ("float32", "tf32", "bfloat16")
GOALS = {"epoch": 0.050, "batch": 2.0, "peer": 10.0}


class Workload:
    """Training and validation rows, and how a training of them goes."""

    def __init__(self, rows: int, folder: Path) -> None:
        self.schema, self.rows = self._part(rows, folder / "train")
        _, self.valid = self._part(max(2, rows // VALIDATION), folder / "valid")

    def _part(self, rows: int, folder: Path) -> tuple[EncodedSchema, EncodedSplit]:
        folder.mkdir()
        return encoded(columns_of(MODEL, rows), folder)

    def seconds(self, precision: str, steps: str, epochs: int, seeds: int, device: str) -> tuple[float, str]:
        """Median time of an epoch with its validation, the first left out; and how its steps were started."""
        os.environ[Variable.STEPS] = steps
        variant, config = self._settings(precision, epochs)
        with deterministic():
            if seeds == 1:
                results: tuple[TrainingResult, ...] = (self._alone(variant, config, device),)
            else:
                results = self._together(variant, config, device, seeds)
        by_epoch = itertools.zip_longest(*([epoch.seconds for epoch in result.curve] for result in results))
        lasted = [max(seconds for seconds in epoch if seconds is not None) for epoch in by_epoch]
        return statistics.median(lasted[1:]), results[0].steps

    def _settings(self, precision: str, epochs: int) -> tuple[Variant, Architecture]:
        variant = variant_of(MODEL)
        more = {"precision": precision, "epochs": epochs, "patience": epochs, "schedule": "constant"}
        variant = variant.model_copy(update={"parameters": {**variant.parameters, **more}})
        return variant, resolve_config(variant, {})

    def _alone(self, variant: Variant, config: Architecture, device: str) -> TrainingResult:
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

    def _together(self, variant: Variant, config: Architecture, device: str, seeds: int) -> tuple[TrainingResult, ...]:
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
    """Seconds of an epoch without validation, by program; or why it has none."""
    os.environ[DEVICE_VARIABLE] = device
    batches = rows // int(SETTINGS["batch_size"])
    found: dict[str, float | str] = {}
    for name, (_, script) in PEERS.items():
        program = Program(name, python, script)
        answers = [program.ask(command) for command in (f"model {MODEL} {rows}", "train 2", f"train {batches}")]
        program.close()
        failed = next((answer["error"] for answer in answers if answer["error"]), None)
        found[name] = failed or answers[-1]["seconds"] * rows / answers[-1]["rows"]
    return found


def main() -> int:
    """Prints the figures beside the goals."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--peers", help="the Python of the environment that holds the peers (default: none are run)")
    given = parser.parse_args()
    if given.epochs < 2 or given.seeds < 2:
        parser.error("--epochs and --seeds are at least 2: the first epoch warms up, and one seed is no batch")
    if given.device == "cuda" and not torch.cuda.is_available():
        print("not run: torch finds no GPU here; --device cpu shows that the script works, and measures no GPU")
        return NO_GPU
    os.environ[Variable.DEVICE] = given.device
    device = set_up_torch()
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU, one thread: these are no figures of a GPU"
    print(f"{datetime.now(UTC):%Y-%m-%d}, {name}, torch {torch.__version__}, CUDA {torch.version.cuda or 'none'}")
    print(f"{MODEL}, {given.rows:,} rows of Frappe's shape in batches of {SETTINGS['batch_size']:,}\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        best = own_figures(Workload(given.rows, Path(folder)), device, given.epochs, given.seeds)
    if given.peers is None:
        print("\nno peers: give --peers the Python of an environment that holds them (bench/README.md)")
        return 0
    began = time.perf_counter()
    print("\n| program | epoch in ms, without validation | ctrlab, with validation, is faster by |\n|---|---:|---:|")
    for peer, seconds in peers(given.peers, given.rows, device).items():
        told = f"{seconds * 1e3:,.0f} | x{seconds / best:.1f}" if isinstance(seconds, float) else f"absent: {seconds} |"
        print(f"| {peer} | {told} |", flush=True)
    print(f"goal: x{GOALS['peer']:g} the fastest; peers took {time.perf_counter() - began:.0f} s", file=sys.stderr)
    return 0


def own_figures(workload: Workload, device: str, epochs: int, seeds: int) -> float:
    """Prints ctrlab's table; seconds of an epoch of one seed in float32."""
    print("| precision | steps | epoch in ms, 1 seed | batch of seeds | in ms | as many times as one |")
    print("|---|---|---:|---:|---:|---:|")
    best = float("inf")
    for precision in PRECISIONS if device == "cuda" else PRECISIONS[:1]:
        for steps in ("auto", "eager") if device == "cuda" else ("eager",):
            one, kind = workload.seconds(precision, steps, epochs, 1, device)
            all_seeds, _ = workload.seconds(precision, steps, epochs, seeds, device)
            best = min(best, one) if precision == "float32" else best
            cells = f"{one * 1e3:,.1f} | {seeds} | {all_seeds * 1e3:,.1f} | {all_seeds / one:.2f}"
            print(f"| {precision} | {kind} | {cells} |", flush=True)
    print(f"goals: below {GOALS['epoch'] * 1e3:.0f} ms for one seed, below {GOALS['batch']:g} times that for 8")
    return best


if __name__ == "__main__":
    sys.exit(main())
