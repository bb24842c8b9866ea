"""The machine of a run: processor, memory, GPU and node."""

import os
import platform
from pathlib import Path

import psutil
import torch

from ctrlab_api.names import Variable
from ctrlab_api.records import HardwareRecord


def hardware_record(device: str) -> HardwareRecord:
    """Return the record; it names GPU and CUDA version only if the run used a GPU, and the node only in a pod."""
    on_gpu = device == "cuda"
    return HardwareRecord(
        cpu=_cpu_model(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        gpu=torch.cuda.get_device_name() if on_gpu else None,
        cuda=torch.version.cuda if on_gpu else None,
        node=os.environ.get(Variable.NODE),
    )


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
