"""A trainer in a process of its own that answers one command a line: the rows and seconds of what it was told to do.

Programs are measured in turns, a second or so each, so that whatever else the machine does meets all of them alike.
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
    """Of the rows in memory, in the form that batches are made from."""

    def load(self, batches: int) -> int:
        """Makes so many training batches and drops them; their rows."""

    def train(self, batches: int) -> int:
        """Makes and trains so many batches; their rows."""

    def evaluate(self) -> int:
        """Predicts all rows of the evaluation part; their number."""


def serve(make: Callable[[str, int], Trainer], threads: Callable[[int], None]) -> None:
    """Reads commands from stdin until it closes: `model NAME ROWS`, `threads N`, `load N`, `train N`, `evaluate`."""
    answers, sys.stdout = sys.stdout, sys.stderr
    trainer: Trainer | None = None
    for line in sys.stdin:
        name, *arguments = line.split()
        began, rows, error = time.perf_counter(), 0, ""
        try:
            if name == "model":
                _clear_peak()
                trainer = make(arguments[0], int(arguments[1]))
            elif name == "threads":
                threads(int(arguments[0]))
            elif trainer is not None:
                rows = getattr(trainer, name)(*(int(argument) for argument in arguments))
        except Exception as failure:
            error = f"{type(failure).__name__}: {failure}"
            trainer = None
        found = {
            "rows": rows,
            "seconds": time.perf_counter() - began,
            "peak_bytes": _peak(),
            "data_bytes": 0 if trainer is None else trainer.data_bytes,
            "error": error,
        }
        print(json.dumps(found), file=answers, flush=True)


def _clear_peak() -> None:
    if CLEAR_PEAK.exists():
        CLEAR_PEAK.write_text("5")


def _peak() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
