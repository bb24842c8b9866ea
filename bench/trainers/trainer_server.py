"""A trainer process that executes one command per line and answers with rows and seconds.

Programs are measured in turns of about a second, so that other work on the machine affects all of them equally.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

CLEAR_PEAK = Path("/proc/self/clear_refs")


class Trainer(Protocol):
    """One model on one data set in one program."""

    data_bytes: int
    """Bytes of the rows in memory, in the form from which batches are built."""

    def load(self, batches: int) -> int:
        """Build this number of training batches, drop them, and return their rows."""

    def train(self, batches: int) -> int:
        """Build and train this number of batches and return their rows."""

    def evaluate(self) -> int:
        """Predict all rows of the evaluation data and return their number."""


def serve(create: Callable[[str, int], Trainer], threads: Callable[[int], None]) -> None:
    """Execute commands from stdin until it closes: `model NAME ROWS`, `threads N`, `load N`, `train N`, `evaluate`."""
    output, sys.stdout = sys.stdout, sys.stderr
    trainer: Trainer | None = None
    for line in sys.stdin:
        name, *arguments = line.split()
        began, rows, error = time.perf_counter(), 0, ""
        try:
            if name == "model":
                _reset_peak_memory()
                trainer = create(arguments[0], int(arguments[1]))
            elif name == "threads":
                threads(int(arguments[0]))
            elif trainer is not None:
                rows = getattr(trainer, name)(*(int(argument) for argument in arguments))
        except Exception as failure:
            error = f"{type(failure).__name__}: {failure}"
            trainer = None
        answer = {
            "rows": rows,
            "seconds": time.perf_counter() - began,
            "peak_bytes": _peak(),
            "data_bytes": 0 if trainer is None else trainer.data_bytes,
            "error": error,
        }
        print(json.dumps(answer), file=output, flush=True)


def _reset_peak_memory() -> None:
    if CLEAR_PEAK.exists():
        CLEAR_PEAK.write_text("5")


def _peak() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
