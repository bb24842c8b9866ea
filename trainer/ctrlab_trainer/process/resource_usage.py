"""The resources that a run uses: time, processor time and peak memory of the process."""

import resource
import sys
import time
from datetime import UTC, datetime

import torch

from ctrlab_api.records import ProcessRecord
from ctrlab_trainer.process.worker_identity import worker_name


class ResourceUsage:
    """Measures from its creation."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._started = datetime.now(UTC)
        self._wall = time.perf_counter()
        self._cpu = time.process_time()
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()

    def record(self, gpu_seconds: float, runs: int = 1) -> ProcessRecord:
        """Return the usage until now as the share of one run, out of `runs` that were trained together.

        `gpu_seconds` is the time that all of them together used a GPU.
        """
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


def sum_usage(first: ProcessRecord, second: ProcessRecord) -> ProcessRecord:
    """Return the usage of two consecutive pieces of work of one process."""
    gpu_peaks = [part.peak_gpu_memory_bytes for part in (first, second) if part.peak_gpu_memory_bytes is not None]
    return second.model_copy(
        update={
            "started": first.started,
            "wall_seconds": round(first.wall_seconds + second.wall_seconds, 3),
            "cpu_seconds": round(first.cpu_seconds + second.cpu_seconds, 3),
            "gpu_seconds": round(first.gpu_seconds + second.gpu_seconds, 3),
            "peak_gpu_memory_bytes": max(gpu_peaks) if gpu_peaks else None,
        }
    )


def peak_memory() -> int:
    """Return the largest resident size of this process so far, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
