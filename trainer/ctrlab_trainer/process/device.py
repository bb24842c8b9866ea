"""Which device a worker computes on, and how torch is set up in its process."""

import os

import torch

from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_api.names import Variable
from ctrlab_trainer.process.allocator import keep_freed_memory


def set_up_torch() -> str:
    """Sets threads, number format and workspace once per process, and returns the device: cpu or cuda.

    One thread unless CTRLAB_THREADS says otherwise: small models do not gain from more, and the order of sums (the last
    bit of a result) depends on it. CTRLAB_DEVICE is cpu, cuda or auto (the default); InvalidSpec where cuda is absent.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    keep_freed_memory()
    torch.set_num_threads(_threads())
    # A strong penalty decays rows that are never drawn into numbers that a CPU handles a hundred times slower.
    torch.set_flush_denormal(True)
    return _device(os.environ.get(Variable.DEVICE, "auto"))


def _threads() -> int:
    given = os.environ.get(Variable.THREADS, "1")
    if not given.isdigit() or int(given) < 1:
        raise InvalidSpec([Problem(Variable.THREADS, f"a number of threads of at least 1, not {given!r}")])
    return int(given)


def _device(wanted: str) -> str:
    if wanted not in ("auto", "cpu", "cuda"):
        raise InvalidSpec([Problem(Variable.DEVICE, f"auto, cpu or cuda, not {wanted!r}")])
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise InvalidSpec(
            [Problem(Variable.DEVICE, "cuda is asked for, and torch finds no GPU here; allowed: cpu, auto")]
        )
    return "cuda" if available and wanted != "cpu" else "cpu"
