"""What a run costs: time, processor time and the highest memory of the process."""

import os
import resource
import socket
import sys
import time
from datetime import UTC, datetime

import torch

from ctrlab_api.names import Variable
from ctrlab_api.records import ProcessRecord


def worker_name() -> str:
    """Who runs this."""
    return os.environ.get(Variable.WORKER) or f"{socket.gethostname()}/{os.getpid()}"


class ResourceUsage:
    """Counts from its creation."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._started = datetime.now(UTC)
        self._wall = time.perf_counter()
        self._cpu = time.process_time()
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()

    def record(self, gpu_seconds: float, runs: int = 1) -> ProcessRecord:
        """What each of so many runs that were made together cost until now; `gpu_seconds` is how long a GPU was in use
        for them."""
        on_gpu = self._device == "cuda"
        return ProcessRecord(
            started=self._started.isoformat(timespec="seconds"),
            ended=datetime.now(UTC).isoformat(timespec="seconds"),
            wall_seconds=round((time.perf_counter() - self._wall) / runs, 3),
            cpu_seconds=round((time.process_time() - self._cpu) / runs, 3),
            gpu_seconds=round(gpu_seconds / runs, 3) if on_gpu else 0.0,
            peak_memory_bytes=peak_memory(),
            peak_gpu_memory_bytes=torch.cuda.max_memory_allocated() if on_gpu else None,
            worker=worker_name(),
        )


def sum_usage(first: ProcessRecord, then: ProcessRecord) -> ProcessRecord:
    """Of two pieces of work of one process, one after the other."""
    peaks = [found.peak_gpu_memory_bytes for found in (first, then) if found.peak_gpu_memory_bytes is not None]
    return then.model_copy(
        update={
            "started": first.started,
            "wall_seconds": round(first.wall_seconds + then.wall_seconds, 3),
            "cpu_seconds": round(first.cpu_seconds + then.cpu_seconds, 3),
            "gpu_seconds": round(first.gpu_seconds + then.gpu_seconds, 3),
            "peak_gpu_memory_bytes": max(peaks) if peaks else None,
        }
    )


def peak_memory() -> int:
    """The largest resident size of this process so far, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
