"""The device that a worker computes on, and the setup of torch in its process."""

import os

import torch

from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_api.names import Variable
from ctrlab_trainer.process.allocator import keep_freed_memory


def set_up_torch() -> str:
    """Set threads, number format and workspace once per process, and return the device: cpu or cuda.

    One thread unless CTRLAB_THREADS sets another number: small models do not gain from more, and the order of sums (the
    last bit of a result) depends on it. CTRLAB_DEVICE is cpu, cuda or auto (the default); InvalidSpec if cuda is
    absent.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    keep_freed_memory()
    torch.set_num_threads(_threads())
    # A strong penalty decays rows that no batch contains to denormal numbers, which are a hundred times slower on a
    # CPU.
    torch.set_flush_denormal(True)
    return _device(os.environ.get(Variable.DEVICE, "auto"))


def _threads() -> int:
    value = os.environ.get(Variable.THREADS, "1")
    if not value.isdigit() or int(value) < 1:
        raise InvalidSpec([Problem(Variable.THREADS, f"a number of threads of at least 1, not {value!r}")])
    return int(value)


def _device(requested: str) -> str:
    if requested not in ("auto", "cpu", "cuda"):
        raise InvalidSpec([Problem(Variable.DEVICE, f"auto, cpu or cuda, not {requested!r}")])
    available = torch.cuda.is_available()
    if requested == "cuda" and not available:
        message = "cuda is requested, but torch detects no GPU; allowed: cpu, auto"
        raise InvalidSpec([Problem(Variable.DEVICE, message)])
    return "cuda" if available and requested != "cpu" else "cpu"
