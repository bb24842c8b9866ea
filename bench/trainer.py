"""Compare ctrlab with FuxiCTR, DeepCTR-Torch, torch-rechub and RecBole: loading, training and evaluation in rows/s.

Each program runs in a separate process and works in turns of about a second, so that ratios within a turn are
meaningful on a busy machine; the table shows medians over turns. A program that is not installed, or lacks the model,
is listed as absent.

    python -P bench/trainer.py --peers PYTHON [--models DeepFM,DIN] [--threads 1,2] [--turns 5]
"""

import argparse
import importlib.metadata
import json
import platform
import statistics
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TRAIN_BATCHES = {"LR": 60, "FM": 60, "DeepFM": 3, "xDeepFM": 3, "DCNv2": 3, "DIN": 3, "BST": 3}
"""Batches of 4096 rows that each model trains per turn. Shorter turns would measure cold caches, because a process has
just waited for the others."""
LOAD_BATCHES = 90
"""Batches that are loaded per turn."""
PEERS = {
    "FuxiCTR": ("fuxictr", "fuxictr_adapter"),
    "DeepCTR-Torch": ("deepctr-torch", "deepctr_adapter"),
    "torch-rechub": ("torch-rechub", "rechub_adapter"),
    "RecBole": ("recbole", "recbole_adapter"),
}
ROWS = 40_000
GEMM_MODEL = "DeepFM"
"""Model whose training is compared with the speed of its GEMMs."""


class Program:
    """The process of one program."""

    def __init__(self, name: str, python: str, script: str) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [python, "-m", f"bench.trainers.{script}"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def request(self, command: str) -> dict[str, Any]:
        """Send a command and return the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(command + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            return {"error": f"{self.name} ended: is it installed?", "rows": 0, "seconds": 1.0}
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """Close its input and wait for its end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@dataclass
class Measurement:
    """One program with one model: rows per second of each turn, by kind of work."""

    speeds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    peak_bytes: int = 0
    data_bytes: int = 0
    absent: str = ""

    def median(self, work: str) -> float:
        """Return the median of the rows per second."""
        return statistics.median(self.speeds[work])


def measure(programs: list[Program], model: str, threads: int, turns: int) -> dict[str, Measurement]:
    """Measure every program in turns; the first training of each is a warm-up and does not count."""
    measurements = {program.name: Measurement() for program in programs}
    for program in programs:
        for command in (f"threads {threads}", f"model {model} {ROWS}", "train 1"):
            measurements[program.name].absent = measurements[program.name].absent or program.request(command)["error"]
    present = [program for program in programs if not measurements[program.name].absent]
    commands = {"load": f"load {LOAD_BATCHES}", "train": f"train {TRAIN_BATCHES[model]}", "evaluate": "evaluate"}
    for _ in range(turns):
        for work, command in commands.items():
            for program in present:
                _add(measurements[program.name], work, program.request(command))
        if model == GEMM_MODEL:
            _add(measurements["ctrlab"], "gemm", programs[0].request(f"gemm {TRAIN_BATCHES[model]}"))
    return measurements


def _add(measurement: Measurement, work: str, answer: dict[str, Any]) -> None:
    if answer["error"]:
        measurement.absent = answer["error"]
        measurement.speeds[work].append(float("nan"))
        return
    measurement.speeds[work].append(answer["rows"] / answer["seconds"])
    measurement.peak_bytes, measurement.data_bytes = answer["peak_bytes"], answer["data_bytes"]


def table(model: str, threads: int, measurements: dict[str, Measurement]) -> list[str]:
    """Return the lines of the table; ratios are ctrlab's speed over the peer's, medians over turns."""
    ctrlab = measurements["ctrlab"]
    lines = []
    for name, measurement in measurements.items():
        if measurement.absent:
            lines.append(f"| {model} | {threads} | {name} | absent: {measurement.absent[:90]} | | | | | |")
            continue
        ratios = {
            work: statistics.median(a / b for a, b in zip(ctrlab.speeds[work], measurement.speeds[work], strict=True))
            for work in ("load", "train", "evaluate")
        }
        cells = [f"{measurement.median(work):,.0f} (x{ratios[work]:.2f})" for work in ("load", "train", "evaluate")]
        memory = [f"{measurement.peak_bytes / 2**20:,.0f}", f"{measurement.data_bytes / ROWS:,.0f}"]
        gemm = measurement.speeds.get("gemm")
        share = (
            f"{statistics.median(t / g for t, g in zip(measurement.speeds['train'], gemm, strict=True)):.0%}"
            if gemm
            else ""
        )
        lines.append(f"| {model} | {threads} | {name} | " + " | ".join([*cells, *memory, share]) + " |")
    return lines


def main() -> None:
    """Print the table of every model and number of threads."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peers", help="Python of the environment with the peers (default: none)")
    parser.add_argument("--models", default=",".join(TRAIN_BATCHES))
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--turns", type=int, default=5)
    args = parser.parse_args()
    programs = [Program("ctrlab", sys.executable, "ctrlab_adapter")]
    versions = [f"torch {importlib.metadata.version('torch')}"]
    if args.peers is None:
        print("no peers: set --peers to the Python of an environment with them (bench/README.md)")
    else:
        for name, (package, script) in PEERS.items():
            code = f"import importlib.metadata as m; print(m.version({package!r}))"
            answer = subprocess.run([args.peers, "-P", "-c", code], capture_output=True, text=True, check=False)
            if answer.returncode:
                print(f"{name} is absent: {args.peers} has no {package}")
                continue
            versions.append(f"{name} {answer.stdout.strip()}")
            programs.append(Program(name, args.peers, script))
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.processor() or platform.machine()}, {', '.join(versions)}")
    print("Rows per second (x: speed of ctrlab relative to the program). Bytes per row: of the data in memory.")
    print("GEMM: speed of training as a share of the GEMM limit.\n")
    print("| model | threads | program | loading | training | evaluation | peak MiB | bytes per row | GEMM |")
    print("|---|---|---|---|---|---|---|---|---|")
    for model in args.models.split(","):
        for threads in map(int, args.threads.split(",")):
            measurements = measure(programs, model, threads, args.turns)
            print("\n".join(table(model, threads, measurements)), flush=True)
    for program in programs:
        program.close()


if __name__ == "__main__":
    main()
