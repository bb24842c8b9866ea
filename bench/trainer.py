"""ctrlab beside FuxiCTR, DeepCTR-Torch, torch-rechub and RecBole: loading, training and evaluation in rows per second.

Each program runs in a process of its own and is told what to do in turns of about a second, so that ratios within a
turn mean something on a busy machine; the table shows medians over turns. A program that is not installed, or has no
such model, is said to be absent.

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
TRAINED = {"LR": 60, "FM": 60, "DeepFM": 3, "xDeepFM": 3, "DCNv2": 3, "DIN": 3, "BST": 3}
"""Batches of 4096 rows that a turn trains, and with them the models: some milliseconds would find a process that has
just waited for the others, and its cache empty."""
LOADED = 90
"""Batches that a turn loads."""
PEERS = {
    "FuxiCTR": ("fuxictr", "fuxictr_side"),
    "DeepCTR-Torch": ("deepctr-torch", "deepctr_side"),
    "torch-rechub": ("torch-rechub", "rechub_side"),
    "RecBole": ("recbole", "recbole_side"),
}
ROWS = 40_000
GEMM_MODEL = "DeepFM"
"""Whose training is compared with its matrix products alone."""


class Program:
    """One program's process."""

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

    def ask(self, command: str) -> dict[str, Any]:
        """What it answers to a command."""
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
        """Lets it end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@dataclass
class Measured:
    """One program with one model: rows per second of each turn, by what was done."""

    speeds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    peak_bytes: int = 0
    data_bytes: int = 0
    absent: str = ""

    def median(self, what: str) -> float:
        """Rows per second."""
        return statistics.median(self.speeds[what])


def measure(programs: list[Program], model: str, threads: int, turns: int) -> dict[str, Measured]:
    """Every program in turns; the first training of each warms up and does not count."""
    found = {program.name: Measured() for program in programs}
    for program in programs:
        for command in (f"threads {threads}", f"model {model} {ROWS}", "train 1"):
            found[program.name].absent = found[program.name].absent or program.ask(command)["error"]
    present = [program for program in programs if not found[program.name].absent]
    commands = {"load": f"load {LOADED}", "train": f"train {TRAINED[model]}", "evaluate": "evaluate"}
    for _ in range(turns):
        for what, command in commands.items():
            for program in present:
                _note(found[program.name], what, program.ask(command))
        if model == GEMM_MODEL:
            _note(found["ctrlab"], "gemm", programs[0].ask(f"gemm {TRAINED[model]}"))
    return found


def _note(measured: Measured, what: str, answer: dict[str, Any]) -> None:
    if answer["error"]:
        measured.absent = answer["error"]
        measured.speeds[what].append(float("nan"))
        return
    measured.speeds[what].append(answer["rows"] / answer["seconds"])
    measured.peak_bytes, measured.data_bytes = answer["peak_bytes"], answer["data_bytes"]


def table(model: str, threads: int, found: dict[str, Measured]) -> list[str]:
    """Lines of the table: ratios are ctrlab's speed over the peer's, medians over turns."""
    ours = found["ctrlab"]
    lines = []
    for name, measured in found.items():
        if measured.absent:
            lines.append(f"| {model} | {threads} | {name} | absent: {measured.absent[:90]} | | | | | |")
            continue
        ratios = {
            what: statistics.median(a / b for a, b in zip(ours.speeds[what], measured.speeds[what], strict=True))
            for what in ("load", "train", "evaluate")
        }
        cells = [f"{measured.median(what):,.0f} (x{ratios[what]:.2f})" for what in ("load", "train", "evaluate")]
        memory = [f"{measured.peak_bytes / 2**20:,.0f}", f"{measured.data_bytes / ROWS:,.0f}"]
        gemm = measured.speeds.get("gemm")
        share = (
            f"{statistics.median(t / g for t, g in zip(measured.speeds['train'], gemm, strict=True)):.0%}"
            if gemm
            else ""
        )
        lines.append(f"| {model} | {threads} | {name} | " + " | ".join([*cells, *memory, share]) + " |")
    return lines


def main() -> None:
    """Prints the table of every model and number of threads."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peers", help="the Python of the environment that holds the peers (default: none are run)")
    parser.add_argument("--models", default=",".join(TRAINED))
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--turns", type=int, default=5)
    given = parser.parse_args()
    programs = [Program("ctrlab", sys.executable, "ctrlab_side")]
    versions = [f"torch {importlib.metadata.version('torch')}"]
    if given.peers is None:
        print("no peers: give --peers the Python of an environment that holds them (bench/README.md)")
    else:
        for name, (package, script) in PEERS.items():
            asked = f"import importlib.metadata as m; print(m.version({package!r}))"
            answer = subprocess.run([given.peers, "-P", "-c", asked], capture_output=True, text=True, check=False)
            if answer.returncode:
                print(f"{name} is absent: {given.peers} has no {package}")
                continue
            versions.append(f"{name} {answer.stdout.strip()}")
            programs.append(Program(name, given.peers, script))
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.processor() or platform.machine()}, {', '.join(versions)}")
    print("Rows per second (x: how much faster ctrlab is). Bytes a row: of the data in memory.")
    print("GEMM: training as a share of the speed of its matrix products alone.\n")
    print("| model | threads | program | loading | training | evaluation | peak MiB | bytes a row | GEMM |")
    print("|---|---|---|---|---|---|---|---|---|")
    for model in given.models.split(","):
        for threads in map(int, given.threads.split(",")):
            found = measure(programs, model, threads, given.turns)
            print("\n".join(table(model, threads, found)), flush=True)
    for program in programs:
        program.close()


if __name__ == "__main__":
    main()
